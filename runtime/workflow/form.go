package workflow

import (
	"encoding/json"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// Form describes an input that people send, so that a tool without the workflow's code can ask for its fields.
type Form struct {
	Input    string        `json:"input"`
	Operator bool          `json:"operator,omitempty"` // only operators send it
	ID       string        `json:"id"`                 // the field that names the instance
	Fields   []codec.Field `json:"fields"`             // as declared, with ID
}

// Forms implements Erased.
func (w *typed[S, I, E, F, R]) Forms() (forms []Form) {
	for _, name := range w.def.InputNames {
		if slices.Contains(w.def.InternalInputs, name) {
			continue
		}
		if f, ok := w.form(name); ok {
			forms = append(forms, f)
		}
	}
	return forms
}

// form describes an input. It reports false for one that cannot be described, because encoding an imported type fails.
func (w *typed[S, I, E, F, R]) form(name string) (f Form, ok bool) {
	f = Form{Input: name, Operator: slices.Contains(w.def.OperatorInputs, name)}
	if f.Fields = describe(name, w.def.Inputs); f.Fields == nil {
		return f, false
	}
	for _, field := range f.Fields {
		if f.ID == "" && field.Type == "string" && w.namesInstance(name, field.Name) {
			f.ID = field.Name
		}
	}
	return f, true
}

// namesInstance reports whether a field of an input is its id.
func (w *typed[S, I, E, F, R]) namesInstance(input, field string) bool {
	const id = "described"
	text, err := json.Marshal(map[string]string{field: id})
	if err != nil {
		return false
	}
	v, err := decode(codec.NewDecoder(text), input, w.def.Inputs)
	return err == nil && w.def.InputID(v) == id
}

// describe returns the fields of a variant. It returns nil for one that cannot be described, because encoding an imported type fails.
func describe[T any](name string, c Codec[T]) []codec.Field {
	v, err := decode(codec.NewDecoder([]byte("{}")), name, c)
	if err != nil {
		return nil
	}
	fields, err := describeVariant(v, c)
	if err != nil {
		return nil
	}
	required := missing([]byte("{}"), name, c, c.version(name), nil)
	for i := range fields {
		fields[i].Optional = !slices.Contains(required, fields[i].Name)
	}
	return fields
}

// describeVariant describes the fields of a variant. Encoding calls user code, which may panic.
func describeVariant[T any](v T, c Codec[T]) (fields []codec.Field, err error) {
	defer usererr.RecoverTo(&err, "describing", "")
	return codec.Describe(func(e *codec.Encoder) { c.Encode(e, v) })
}
