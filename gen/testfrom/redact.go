package testfrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// redactor replaces the texts of payloads. Equal texts get equal replacements, so that code that compares them goes the same way.
type redactor struct {
	keep  []string
	texts map[string]string
	asIs  map[string]bool // fields of types that it cannot look into
}

func newRedactor(keep []string) *redactor {
	return &redactor{keep: keep, texts: map[string]string{}, asIs: map[string]bool{}}
}

// sortedAsIs returns the fields that it could not look into.
func (r *redactor) sortedAsIs() []string { return slices.Sorted(maps.Keys(r.asIs)) }

// payload returns a payload with its texts replaced. Numbers, times, enums and decimals stay. A field that the declaration does not have is left
// out, and so is a personal field that is not a text: it is read as if its subject were forgotten.
func (r *redactor) payload(of string, fields []*spec.Field, payload json.RawMessage, fixed map[string]string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil {
		return "", fmt.Errorf("%s: %w", of, err)
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for _, f := range fields {
		name := f.Name.Stored()
		value, has := object[name]
		if has && f.Personal {
			value, has = opened(value)
			has = has && (isText(&f.Type) || r.keeps(f.Name.Text))
		}
		if !has {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return "", err
		}
		out.Write(key)
		out.WriteByte(':')
		if text, is := fixed[f.Name.Text]; is {
			value, err = json.Marshal(text)
		} else if !r.keeps(f.Name.Text) {
			value, err = r.value(of+"."+name, &f.Type, value)
		}
		if err != nil {
			return "", fmt.Errorf("%s.%s: %w", of, name, err)
		}
		out.Write(value)
	}
	out.WriteByte('}')
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		return "", err
	}
	return compact.String(), nil
}

// opened returns the value of a personal field, which an export has as {"$personal":[0,subject,value]}; an erased one has no value.
func opened(value json.RawMessage) (json.RawMessage, bool) {
	var exported struct {
		Parts []json.RawMessage `json:"$personal"`
	}
	if json.Unmarshal(value, &exported) != nil || exported.Parts == nil {
		return value, true // it was not personal yet when it was stored
	}
	if len(exported.Parts) < 3 {
		return nil, false
	}
	return exported.Parts[2], true
}

// isText reports whether a type has texts only.
func isText(t *spec.TypeRef) bool {
	switch t.Kind {
	case spec.Optional, spec.List:
		return isText(t.Elem)
	}
	return t.Name == "string"
}

func (r *redactor) keeps(field string) bool {
	return slices.Contains(r.keep, field) || slices.Contains(r.keep, "*")
}

// value replaces the texts of a value. One that is not of the declared type keeps its form, because it is what the test is about.
func (r *redactor) value(path string, t *spec.TypeRef, value json.RawMessage) (json.RawMessage, error) {
	redacted, err := r.typed(path, t, value)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return r.untyped(value)
	}
	return redacted, err
}

func (r *redactor) typed(path string, t *spec.TypeRef, value json.RawMessage) (json.RawMessage, error) {
	if string(value) == "null" {
		return value, nil
	}
	switch t.Kind {
	case spec.Optional:
		return r.value(path, t.Elem, value)
	case spec.List:
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return nil, err
		}
		for i := range list {
			var err error
			if list[i], err = r.value(path, t.Elem, list[i]); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	case spec.Map:
		var entries map[string]json.RawMessage
		if err := json.Unmarshal(value, &entries); err != nil {
			return nil, err
		}
		redacted := make(map[string]json.RawMessage, len(entries))
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			v, err := r.value(path, t.Elem, entries[key])
			if err != nil {
				return nil, err
			}
			redacted[r.text(key)] = v
		}
		return json.Marshal(redacted)
	case spec.Declared:
		switch t.Decl.Kind {
		case spec.Struct:
			text, err := r.payload(path, t.Decl.Fields, value, nil)
			return json.RawMessage(text), err
		case spec.Imported:
			r.asIs[path] = true
		}
		return value, nil
	}
	switch t.Name {
	case "string", "json":
		return r.untyped(value)
	case "bytes":
		return json.RawMessage(`""`), nil
	case "decimal", "time", "duration":
		return value, nil
	}
	if value[0] == '"' {
		return r.untyped(value)
	}
	return value, nil
}

// untyped replaces the texts of JSON whose form is not declared.
func (r *redactor) untyped(value json.RawMessage) (json.RawMessage, error) {
	numbers := json.NewDecoder(bytes.NewReader(value))
	numbers.UseNumber()
	var v any
	if err := numbers.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(r.any(v))
}

func (r *redactor) any(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.any(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = r.any(v[key])
		}
	}
	return v
}

func (r *redactor) text(text string) string {
	if text == "" {
		return ""
	}
	replacement, known := r.texts[text]
	if !known {
		replacement = fmt.Sprintf("text-%d", len(r.texts)+1)
		r.texts[text] = replacement
	}
	return replacement
}
