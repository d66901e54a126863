package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// searchFields emits the fields of the definition about search fields, if there are any.
func (e *emitter) searchFields(field func(name string, value jen.Code)) {
	fields := e.w.SearchFields()
	if len(fields) == 0 {
		return
	}
	var names, values []jen.Code
	for _, f := range fields {
		names = append(names, jen.Lit(f.Stored))
		if f.State != nil {
			values = append(values, searchValue(f.Stored, jen.Id("s").Dot(f.State.GoName)))
		}
	}
	field("SearchFields", jen.Index().String().Values(names...))
	if len(values) > 0 {
		field("SearchState", jen.Func().Params(jen.Id("s").Add(e.stateType())).Index().Add(workflowID("SearchValue")).Block(
			jen.Return(jen.Index().Add(workflowID("SearchValue")).Custom(multiline, values...))))
	}
	if len(e.searchedInputs()) > 0 {
		field("SearchInput", jen.Id("searchInput"))
	}
}

func searchValue(stored string, value jen.Code) jen.Code {
	return workflowID("Search").Call(jen.Lit(stored), value)
}

// searchedInputs returns the values of search fields by the inputs that have them.
func (e *emitter) searchedInputs() map[string][]jen.Code {
	values := make(map[string][]jen.Code)
	for _, f := range e.w.SearchFields() {
		for _, in := range f.Inputs {
			name := in.Input.Name.Text
			values[name] = append(values[name], searchValue(f.Stored, jen.Id("in").Dot(in.Field.GoName)))
		}
	}
	return values
}

// searchInput emits the function that returns the values of search fields in an input.
func (e *emitter) searchInput(f *file) {
	values := e.searchedInputs()
	if len(values) == 0 {
		return
	}
	var inputs []*spec.Message
	for _, m := range e.w.Inputs {
		if len(values[m.Name.Text]) > 0 {
			inputs = append(inputs, m)
		}
	}
	f.comment("searchInput returns the values of search fields that an input has.")
	f.decl().Func().Id("searchInput").Params(jen.Id("input").Id("Input")).Index().Add(workflowID("SearchValue")).Block(
		typeSwitch("in", "input", inputs, func(m *spec.Message) jen.Code {
			return jen.Return(jen.Index().Add(workflowID("SearchValue")).Values(values[m.Name.Text]...))
		}),
		jen.Return(jen.Nil()),
	)
}
