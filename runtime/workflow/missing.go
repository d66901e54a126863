package workflow

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func (w *typed[S, I, E, F, R]) MissingInEvent(stored store.StoredEvent) []string {
	return missing(stored.Payload, stored.Type, w.def.Events, stored.SchemaVersion, w.personal().Events)
}

func (w *typed[S, I, E, F, R]) MissingInEffect(stored Encoded) []string {
	return missing(stored.Payload, stored.Type, w.def.Effects, storedVersion(stored.Payload), w.personal().Effects)
}

func (w *typed[S, I, E, F, R]) MissingInInput(name string, payload []byte) []string {
	return missing(payload, name, w.def.Inputs, storedVersion(payload), w.personal().Inputs)
}

// elements are the places of elements in the path of a value.
var elements = regexp.MustCompile(`\[#?\d+\]`)

// missing returns the fields that a version of a variant must have and a payload of it has not. A personal field may be erased, so it is not
// missing.
func missing[T any](payload []byte, name string, c Codec[T], version int, personal map[string][]string) (fields []string) {
	_, err := decode(codec.NewStrictDecoder(payload), name, c.at(name, version))
	if err == nil {
		return nil
	}
	for _, mistake := range codecErrors(err) {
		e := mistake.(*codec.Error)
		if errors.Is(e, codec.ErrMissing) && !slices.ContainsFunc(personal[name], func(path string) bool { return isAt(path, e.Path) }) {
			fields = append(fields, elements.ReplaceAllString(e.Path, "[]"))
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// isAt reports whether the path of a personal field is that of a value.
func isAt(personal, value string) bool {
	var pattern strings.Builder
	pattern.WriteByte('^')
	for i := 0; i < len(personal); i++ {
		switch {
		case personal[i] == '.' && strings.HasPrefix(personal[i:], ".*"):
			pattern.WriteString(`(\[[^\]]*\]|\.[^.\[]+)`) // an element of a list or map
			i++
		case personal[i] == '\\' && i+1 < len(personal):
			i++
			fallthrough
		default:
			pattern.WriteString(regexp.QuoteMeta(personal[i : i+1]))
		}
	}
	pattern.WriteByte('$')
	is, err := regexp.MatchString(pattern.String(), value)
	return err == nil && is
}
