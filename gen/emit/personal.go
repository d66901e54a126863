package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// personalFields renders which fields are stored encrypted.
func (e *emitter) personalFields() *jen.Statement {
	var list []jen.Code
	if paths := spec.PersonalPaths(e.w.State); len(paths) > 0 {
		list = append(list, keyed("State", stringList(paths)))
	}
	add := func(of string, messages []*spec.Message) {
		byName := jen.Dict{}
		for _, m := range messages {
			if paths := spec.PersonalPaths(m.Fields); len(paths) > 0 {
				byName[jen.Lit(m.Name.Stored())] = jen.Values(literals(paths)...)
			}
		}
		if len(byName) > 0 {
			list = append(list, keyed(of, jen.Map(jen.String()).Index().String().Values(byName)))
		}
	}
	add("Inputs", e.w.Inputs)
	add("Events", e.w.Events)
	add("Effects", effectMessages(e.w))
	add("Rejections", e.w.Rejections)
	return jen.Op("&").Add(workflowID("PersonalFields")).Custom(multiline, list...)
}

// subject emits the function that names whose the personal fields are.
func (e *emitter) subject(f *file) {
	state := e.w.SubjectField(e.w.State)
	f.comment("subject returns the subject of personal fields: what the state says, or the input.")
	f.decl().Func().Id("subject").Params(jen.Id("state").Add(e.stateType()), jen.Id("input").Id("Input")).String().BlockFunc(func(g *jen.Group) {
		of := func(name, goName string, t *spec.TypeRef) *jen.Statement {
			value := jen.Id(name).Dot(goName)
			if t.As != nil {
				return jen.String().Call(value)
			}
			return value
		}
		g.If(of("state", state.GoName, &state.Type).Op("!=").Lit("")).Block(jen.Return(of("state", state.GoName, &state.Type)))
		var cases []jen.Code
		for _, m := range e.w.Inputs {
			if in := e.w.SubjectField(m.Fields); in != nil {
				cases = append(cases, jen.Case(jen.Id(m.Name.Text)).Block(jen.Return(of("in", in.GoName, &in.Type))))
			}
		}
		if len(cases) > 0 {
			g.Switch(jen.Id("in").Op(":=").Id("input").Assert(jen.Type())).Block(cases...)
		}
		g.Return(jen.Lit(""))
	})
}
