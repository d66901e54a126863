package codec

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Field describes a field of an object.
type Field struct {
	Name string `json:"name"`

	// Type is the type as a declaration writes it, such as int64, optional<time> or list<{sku: string, quantity: int32}>. The type of a
	// field with Choices is enum; within another type, the values stand for an enum, as in list<red|blue>. The values of an imported type without a registered codec may be any JSON: json.
	Type string `json:"type"`

	Choices []string `json:"choices,omitempty"` // the values of an enum, also of an optional one

	// Optional says that the field may be left out. Describe sets it for optional<T> and json; a default makes a field optional, too.
	Optional bool `json:"optional,omitempty"`
}

// Describe returns the fields of the object that a function encodes, without its field "type". The function is called with an encoder that
// writes types in place of values, so it may encode a zero value.
func Describe(encode func(*Encoder)) ([]Field, error) {
	e := NewEncoder()
	e.sample = &sampler{describes: true}
	encode(e)
	text, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	d := NewDecoder(text)
	fields := []Field{}
	for d.BeginObject(); d.NextField(); {
		f := Field{Name: string(d.Key())}
		f.Type = d.description(&f)
		if f.Name != "type" {
			fields = append(fields, f)
		}
	}
	return fields, d.End()
}

// The words that begin the descriptions of types that are not scalars: ["list", TYPE] and so on. An object describes a struct.
const (
	optionalWord = "optional"
	listWord     = "list"
	mapWord      = "map"
	enumWord     = "enum"
)

// described writes the name of a type if this is what the encoder does with values. The sampler is not nil.
func (e *Encoder) described(name string) bool {
	if !e.sample.describes {
		return false
	}
	e.string(name)
	return true
}

// describedDepth is how deep types are described. A type may contain itself.
const describedDepth = 5

// describeElement writes the type of a list, map or optional.
func describeElement[T any](e *Encoder, word string, encode func(*Encoder, T)) {
	if e.depth >= describedDepth {
		e.string("json")
		return
	}
	e.begin('[')
	e.string(word)
	e.buf = append(e.buf, ',')
	var v T
	encode(e, v)
	e.end(']')
}

func describeEnum[T ~string](e *Encoder, values []T) {
	e.begin('[')
	e.string(enumWord)
	for _, v := range values {
		e.buf = append(e.buf, ',')
		e.string(string(v))
	}
	e.end(']')
}

// description reads what an encoder has written in place of a value, and returns the type as text. It sets what else is known of the field.
func (d *Decoder) description(f *Field) string {
	switch d.peek() {
	case '"':
		name := d.String()
		f.Optional = f.Optional || name == "json"
		return name
	case '{':
		var fields []string
		for d.BeginObject(); d.NextField(); {
			name := string(d.Key())
			fields = append(fields, name+": "+d.inner())
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	word, of := "", ""
	var choices []string
	for d.beginArray(); d.nextElement(); {
		switch {
		case word == "":
			word = d.String()
		case word == enumWord:
			choices = append(choices, d.String())
		case word == optionalWord:
			of = d.description(f)
			f.Optional = true
		default:
			of = d.inner()
		}
	}
	if word == enumWord {
		f.Choices = choices
		return enumWord
	}
	return fmt.Sprintf("%s<%s>", word, of)
}

// inner is the description of a type within another one. The values of an enum are in it.
func (d *Decoder) inner() string {
	f := new(Field)
	text := d.description(f)
	if len(f.Choices) > 0 {
		text = strings.Replace(text, enumWord, strings.Join(f.Choices, "|"), 1)
	}
	return text
}

// JSON reports whether a value of the field is written as JSON: it is a list, a map, an object, or of an imported type.
func (f Field) JSON() bool { return strings.ContainsAny(f.scalar(), "<{") || f.scalar() == "json" }

// scalar is the type without optional.
func (f Field) scalar() string {
	if inner, is := strings.CutPrefix(f.Type, optionalWord+"<"); is {
		return strings.TrimSuffix(inner, ">")
	}
	return f.Type
}

// Value returns the JSON of a value that is given as text, as a person types it: a number, a time, a duration or a text as it is, and JSON for
// what is written as JSON. It checks only that the text has the form of such a value; a decoder checks the rest. ok is false for a field that
// is left out, because it is Optional and the text is empty.
func (f Field) Value(text string) (value json.RawMessage, ok bool, err error) {
	if text == "" && f.Optional {
		return nil, false, nil
	}
	switch kind := f.scalar(); {
	case f.JSON():
		trimmed := strings.TrimSpace(text)
		if _, err := valid([]byte(trimmed)); err != nil {
			return nil, false, fmt.Errorf("%s must be JSON of the form %s: %w", f.Name, f.Type, err)
		}
		return json.RawMessage(trimmed), true, nil
	case kind == "bool":
		if text != "true" && text != "false" {
			return nil, false, fmt.Errorf("%s must be true or false", f.Name)
		}
		return json.RawMessage(text), true, nil
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
		trimmed := strings.TrimSpace(text)
		if !isNumber(trimmed) {
			return nil, false, fmt.Errorf("%s must be a number of the type %s", f.Name, kind)
		}
		return json.RawMessage(trimmed), true, nil
	case kind != "string" && kind != enumWord: // times, durations and the like have no spaces around them
		text = strings.TrimSpace(text)
	}
	e := NewEncoder()
	e.String(text)
	value, err = e.Bytes()
	return value, true, err
}

func isNumber(text string) bool {
	if text == "" {
		return false
	}
	end, _, problem := scanNumber([]byte(text), 0)
	return problem == "" && end == len(text)
}

// valid reads one JSON document.
func valid(text []byte) (json.RawMessage, error) {
	d := NewStrictDecoder(text)
	v := d.JSON()
	return v, d.End()
}
