package emit

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

const httpapiPath = "github.com/ironflow-gen/ironflow/runtime/httpapi"

func httpapiID(name string) *jen.Statement { return jen.Qual(httpapiPath, name) }

// http emits the handler that serves the workflow over HTTP.
func (e *emitter) http(f *file) {
	var inputs []jen.Code
	for _, in := range e.w.ClientInputs() {
		fields := []jen.Code{keyed("Name", jen.Lit(in.Name.Stored())), keyed("ID", jen.Lit(in.ID.Stored()))}
		if i := slices.IndexFunc(e.w.Unique, func(u spec.UniqueKey) bool { return u.Input.Text == in.Name.Text }); i >= 0 {
			fields = append(fields, keyed("Unique", jen.Lit(e.w.Unique[i].Field.Stored())))
		}
		inputs = append(inputs, jen.Values(fields...))
	}
	fields := []jen.Code{
		keyed("Name", jen.Id("WorkflowName")),
		keyed("Inputs", jen.Index().Add(httpapiID("Input")).Custom(multiline, inputs...)),
	}
	if e.w.HasStates() {
		fields = append(fields, keyed("Machine", jen.Id("Machine").Call()))
	}
	fields = append(fields, keyed("OpenAPI", jen.Id("openAPI")))

	f.comment(wrap(fmt.Sprintf("NewHTTPHandler returns a handler that serves the workflow %s below /%s. It does not authenticate callers. Package httpapi documents the protocol.",
		e.w.Name.Text, url.PathEscape(e.w.Name.Stored()))))
	f.decl().Func().Id("NewHTTPHandler").Params(jen.Id("client").Op("*").Id("Client")).Qual("net/http", "Handler").Block(
		jen.Return(httpapiID("NewHandler").Call(
			jen.Id("client").Dot("engine"), httpapiID("Workflow").Custom(multiline, fields...),
		)),
	)
}

// httpClient emits the client of that handler, which has the methods of Client.
func (e *emitter) httpClient(f *file) {
	types := []jen.Code{e.stateType(), jen.Id("Input"), jen.Id("Event"), jen.Id("Rejection")}
	client := func() *jen.Statement { return httpapiID("Client").Types(types...) }

	f.comment(fmt.Sprintf("HTTPClient sends inputs to the workflow %s over HTTP, to a server with NewHTTPHandler. It is safe for concurrent use.\n\n"+
		"If the answer is not an outcome, the error is *httpapi.Error.", e.w.Name.Text))
	f.decl().Type().Id("HTTPClient").Struct(jen.Id("client").Add(client()))

	fields := []jen.Code{
		keyed("Base", jen.Id("base")),
		keyed("HTTP", jen.Id("client")),
		keyed("Workflow", jen.Id("WorkflowName")),
		keyed("States", workflowID("StateCodec").Types(e.stateType()).Values(
			keyed("Decode", jen.Id("decodeState")))),
		keyed("Inputs", e.codecOf("Input")),
		keyed("Events", e.codecOf("Event")),
	}
	if e.hasRejections() {
		fields = append(fields, keyed("Rejections", e.codecOf("Rejection")))
	}
	f.comment("NewHTTPClient returns a client of a server. base is the address of its handler, as in https://shop.example/api. A nil client means\n" +
		"http.DefaultClient.")
	f.decl().Func().Id("NewHTTPClient").
		Params(jen.Id("base").String(), jen.Id("client").Op("*").Qual("net/http", "Client")).
		Op("*").Id("HTTPClient").
		Block(jen.Return(jen.Op("&").Id("HTTPClient").Values(client().Custom(multiline, fields...))))

	self := jen.Id("c").Op("*").Id("HTTPClient")
	inner := jen.Id("c").Dot("client")
	ctx := jen.Id("ctx").Qual("context", "Context")
	options := jen.Id("options").Op("...").Add(httpapiID("CallOption"))
	for _, in := range e.w.ClientInputs() {
		name, names := in.Name.Text, spec.NamesOfInput(in.Name.Text)
		f.comment(docAfter(fmt.Sprintf("%s sends the input to the instance that its %s names.", name, goField(in, in.ID)), in.Doc))
		f.decl().Func().Params(self.Clone()).Id(name).
			Params(ctx.Clone(), jen.Id("in").Id(name), options.Clone()).
			Params(jen.Id(names.Outcome), jen.Error()).
			Block(jen.Return(httpapiID("Send").Types(jen.Id(names.Event)).
				Call(jen.Id("ctx"), jen.Op("&").Add(inner.Clone()), jen.Id("in"), jen.Id("options").Op("..."))))
	}
	f.comment("State returns the state of an instance. If the instance has no events, the error is *httpapi.Error.")
	f.decl().Func().Params(self.Clone()).Id("State").
		Params(ctx.Clone(), jen.Id("id").String(), options.Clone()).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).
		Block(jen.Return(inner.Clone().Dot("State").Call(jen.Id("ctx"), jen.Id("id"), jen.Id("options").Op("..."))))
	f.comment("StateAt returns the state at a version. If the instance has not reached the version, the error is *httpapi.Error.")
	f.decl().Func().Params(self.Clone()).Id("StateAt").
		Params(ctx.Clone(), jen.Id("id").String(), jen.Id("version").Int64(), options.Clone()).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).
		Block(jen.Return(inner.Clone().Dot("StateAt").Call(jen.Id("ctx"), jen.Id("id"), jen.Id("version"), jen.Id("options").Op("..."))))
	f.comment("History returns the events of an instance, oldest first. If it has none, the error is *httpapi.Error.")
	f.decl().Func().Params(self.Clone()).Id("History").
		Params(ctx.Clone(), jen.Id("id").String(), options.Clone()).
		Params(jen.Index().Add(runtimeID("Recorded")).Types(jen.Id("Event")), jen.Error()).
		Block(jen.Return(inner.Clone().Dot("History").Call(jen.Id("ctx"), jen.Id("id"), jen.Id("options").Op("..."))))
	f.comment("Await waits until an instance is as until says, and returns its state; see httpapi.Client.Await. Give ctx a deadline.")
	f.decl().Func().Params(self.Clone()).Id("Await").
		Params(ctx.Clone(), jen.Id("id").String(), jen.Id("until").Add(runtimeID("Until")), options.Clone()).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).
		Block(jen.Return(inner.Clone().Dot("Await").Call(jen.Id("ctx"), jen.Id("id"), jen.Id("until"), jen.Id("options").Op("..."))))
}
