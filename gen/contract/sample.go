package contract

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// samplePart ends the path of the sample of an older version: event, Paid, 1, sample.
const samplePart = "sample"

func isSample(f *Fact) bool {
	return len(f.Path) == 4 && isVersioned(f.Path[0]) && f.Path[3] == samplePart
}

// addSamples adds a sample payload for each version that the new set has and that is not the newest. A version gets it when the next one is
// declared, from the shapes that the lock has at that time, and keeps it: types that it shares with newer versions may change later, and
// what is stored does not.
func (s *Set) addSamples(lock *Set) {
	for _, kind := range versioned {
		for _, name := range s.names(kind) {
			list, newest := s.versions(kind, name)
			for _, v := range list {
				path := []string{kind, name, strconv.Itoa(v), samplePart}
				if v == newest || s.facts[key(path...)] != nil {
					continue
				}
				if text, ok := lock.sample(kind, name, v); ok {
					s.add(lock.Pos, text, path...)
				}
			}
		}
	}
}

// sample returns the sample of a version: the one that the lock has, or a new one. ok is false if it has a field of an imported type, whose
// JSON nobody here knows.
func (s *Set) sample(kind, name string, version int) (text string, ok bool) {
	path := []string{kind, name, strconv.Itoa(version)}
	if text = s.value(join(path, samplePart)...); text != "" {
		return text, true
	}
	return (&sampler{set: s}).object(path, 0)
}

// withoutOptional returns a sample without the fields that may be missing, "" when there are none.
func withoutOptional(sample string, fields []*spec.Field) string {
	var values map[string]json.RawMessage
	if json.Unmarshal([]byte(sample), &values) != nil {
		return ""
	}
	left := object{}
	for _, f := range fields {
		isOptional := f.Type.Kind == spec.Optional || f.Type.Kind == spec.Scalar && f.Type.Name == "json" || f.Default.Text != ""
		if value, has := values[f.Name.Stored()]; has && !isOptional {
			left.add(f.Name.Stored(), string(value))
		}
	}
	if len(left.members) == len(values) {
		return ""
	}
	return left.String()
}

// object is a JSON object that is being written.
type object struct{ members []string }

func (o *object) add(name, value string) { o.members = append(o.members, quoteJSON(name)+":"+value) }

func (o *object) String() string { return "{" + strings.Join(o.members, ",") + "}" }

func quoteJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(quoted)
}

// sampler writes values of types, always the same ones. The values of scalars are at the ends of what their types hold, so that a narrower type
// does not read them.
type sampler struct {
	set     *Set
	variant int               // of several samples; chooses the values of enums and scalars
	minimal bool              // fields that may be missing are missing, elements that may be are null, and other lists and maps are empty
	goTypes map[string]string // JSON of imported types, by type
	field   string            // that is written
}

// sampleDepth is how deep types are followed that contain themselves.
const sampleDepth = 4

// object writes the fields below a path.
func (s *sampler) object(path []string, depth int) (text string, ok bool) {
	var o object
	for _, f := range s.set.below(join(path, "field")...) {
		v := parseValue(f.Value)
		t := parseType(v.typeText)
		if s.minimal && (t.isAbsent() || v.byDefault != "") {
			continue
		}
		s.field = f.Path[len(f.Path)-1]
		value, ok := s.value(t, depth)
		if !ok && t.container == "optional" {
			continue
		}
		if !ok {
			return "", false
		}
		o.add(f.Path[len(f.Path)-1], value)
	}
	return o.String(), true
}

func (s *sampler) value(t *typeOf, depth int) (text string, ok bool) {
	switch t.container {
	case "optional":
		if depth >= sampleDepth {
			return "null", true
		}
		return s.value(t.elem, depth)
	case "list", "map":
		empty, open, closing := "[]", "[", "]"
		if t.container == "map" {
			empty, open, closing = "{}", `{"key":`, "}"
		}
		value, ok := s.value(t.elem, depth+1)
		if s.minimal && t.elem.container == "optional" {
			return open + "null" + closing, true
		}
		if !ok || s.minimal || depth >= sampleDepth {
			return empty, true
		}
		return open + value + closing, true
	}
	kind := s.set.value("type", t.name)
	switch {
	case kind == "struct":
		return s.object([]string{"type", t.name}, depth+1)
	case kind == "enum":
		values := s.set.below("type", t.name, "value")
		if len(values) == 0 {
			return "", false
		}
		return quoteJSON(values[s.variant%len(values)].Path[3]), true
	case kind != "":
		text, ok = s.goTypes[strings.TrimPrefix(kind, "go ")]
		return text, ok
	}
	values := scalarSamples[t.name]
	if len(values) == 0 {
		return "", false
	}
	if text = values[s.variant%len(values)]; text == "" {
		text = quoteJSON(s.field)
	}
	return text, true
}

// variants is how many samples show every value of every enum, and every scalar of scalarSamples.
func (s *Set) variants() int {
	n := 1
	for _, values := range scalarSamples {
		n = max(n, len(values))
	}
	for _, name := range s.names("type") {
		n = max(n, len(s.below("type", name, "value")))
	}
	return n
}

var scalarSamples = map[string][]string{
	"string":   {"", `"42"`}, // the first one is the name of the field
	"bool":     {"true", "false"},
	"int":      {"9007199254740993", "-7"},
	"int32":    {"-2147483648", "7"},
	"int64":    {"9007199254740993", "-7"},
	"uint32":   {"4294967295", "7"},
	"uint64":   {"18446744073709551615", "7"},
	"float64":  {"0.5", "3"},
	"decimal":  {`"12.50"`, `"-3"`},
	"time":     {`"2026-01-02T03:04:05.000006Z"`},
	"duration": {`"36h0m0s"`, `"-1s"`},
	"bytes":    {`"AQID"`},
	"json":     {`{"key":"text"}`, "[1]"},
}

// Samples returns payloads that a program of the set stores of the newest version of a message: with every value of its enums, and one without the
// fields that may be missing. goTypes has the JSON of imported types, by their Go names with the path. A field of another imported type is left out if
// it is optional; if it is not, there is no sample.
func (s *Set) Samples(kind, name string, goTypes map[string]string) (payloads []string) {
	path, _, ok := s.newest(kind, name)
	if !ok {
		return nil
	}
	for variant := range s.variants() + 1 {
		one := &sampler{set: s, variant: variant, minimal: variant == s.variants(), goTypes: goTypes}
		if text, ok := one.object(path, 0); ok && !slices.Contains(payloads, text) {
			payloads = append(payloads, text)
		}
	}
	return payloads
}
