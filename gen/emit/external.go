package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// externalClient emits the client of a workflow that another service has.
func (e *emitter) externalClient(f *file) {
	nothing := jen.Struct()
	client := func() *jen.Statement {
		return httpapiID("Client").Types(nothing.Clone(), jen.Id("Input"), workflowID("NoEvent"), jen.Id("Rejection"))
	}
	f.comment(fmt.Sprintf("HTTPClient sends inputs to the workflow %s of another service over HTTP. It is safe for concurrent use.\n\n"+
		"If the answer is not an outcome, the error is *httpapi.Error. An outcome does not have the events of the other service.", e.w.Name.Text))
	f.decl().Type().Id("HTTPClient").Struct(jen.Id("client").Add(client()))
	f.comment("NewHTTPClient returns a client of a server. base is the address of its handler, as in https://shop.example/api. A nil client means\n" +
		"http.DefaultClient.")
	f.decl().Func().Id("NewHTTPClient").
		Params(jen.Id("base").String(), jen.Id("client").Op("*").Qual("net/http", "Client")).
		Op("*").Id("HTTPClient").
		Block(jen.Return(jen.Op("&").Id("HTTPClient").Values(client().Custom(multiline,
			keyed("Base", jen.Id("base")),
			keyed("HTTP", jen.Id("client")),
			keyed("Workflow", jen.Id("WorkflowName")),
			keyed("Inputs", e.codecOf("Input")),
			keyed("Rejections", e.codecOf("Rejection")),
		))))
	for _, in := range e.w.ClientInputs() {
		name, names := in.Name.Text, spec.NamesOfInput(in.Name.Text)
		f.comment(fmt.Sprintf("%s is the outcome of %s.", names.Outcome, name))
		f.decl().Type().Id(names.Outcome).Op("=").Add(runtimeID("Outcome")).Types(workflowID("NoEvent"), jen.Id("Rejection"))
		f.comment(docAfter(fmt.Sprintf("%s sends the input to the instance that its %s names.", name, goField(in, in.ID)), in.Doc))
		f.decl().Func().Params(jen.Id("c").Op("*").Id("HTTPClient")).Id(name).
			Params(jen.Id("ctx").Qual("context", "Context"), jen.Id("in").Id(name), jen.Id("options").Op("...").Add(httpapiID("CallOption"))).
			Params(jen.Id(names.Outcome), jen.Error()).
			Block(jen.Return(httpapiID("Send").Types(workflowID("NoEvent")).
				Call(jen.Id("ctx"), jen.Op("&").Id("c").Dot("client"), jen.Id("in"), jen.Id("options").Op("..."))))
	}
}
