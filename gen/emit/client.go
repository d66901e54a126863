package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// client emits the typed client.
func (e *emitter) client(f *file) {
	f.comment(fmt.Sprintf("Client sends inputs to instances of the workflow %s. It is safe for concurrent use.", e.w.Name.Text))
	f.decl().Type().Id("Client").Struct(jen.Id("engine").Add(runtimeID("Engines")))
	f.comment("NewClient returns a client of an engine, or of a cells.Router. The workflow must be registered with it.")
	f.decl().Func().Id("NewClient").Params(jen.Id("engine").Add(runtimeID("Engines"))).Op("*").Id("Client").Block(
		jen.Return(jen.Op("&").Id("Client").Values(jen.Id("engine"))),
	)
	self := jen.Id("c").Op("*").Id("Client")
	engine := jen.Id("c").Dot("engine")
	ctx := jen.Id("ctx").Qual("context", "Context")
	send := func(self *jen.Statement, in *spec.Message, options jen.Code) {
		name, names := in.Name.Text, spec.NamesOfInput(in.Name.Text)
		f.comment(docAfter(fmt.Sprintf("%s sends the input to the instance that its %s names.", name, goField(in, in.ID)), in.Doc))
		f.decl().Func().Params(self.Clone()).Id(name).
			Params(ctx.Clone(), jen.Id("in").Id(name), jen.Id("options").Op("...").Add(runtimeID("ExecuteOption"))).
			Params(jen.Id(names.Outcome), jen.Error()).Block(
			jen.Return(runtimeID("Execute").Types(jen.Id(names.Event), jen.Id("Rejection")).
				Call(jen.Id("ctx"), engine.Clone(), jen.Id("WorkflowName"), jen.Id("in"), jen.Add(options).Op("..."))),
		)
	}
	for _, in := range e.w.ClientInputs() {
		send(self, in, jen.Id("options"))
	}
	e.operatorClient(f, send)
	f.comment("State returns the state of an instance. If the instance has no events, the error is *runtime.UnknownInstance.")
	f.decl().Func().Params(self.Clone()).Id("State").Params(ctx.Clone(), jen.Id("id").String()).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).Block(
		jen.Return(runtimeID("LoadState").Types(e.stateType()).
			Call(jen.Id("ctx"), engine.Clone(), jen.Id("WorkflowName"), jen.Id("id"))),
	)
	f.comment("StateAt returns the state at a version. If the instance has not reached the version, the error is *runtime.UnknownVersion.")
	f.decl().Func().Params(self.Clone()).Id("StateAt").
		Params(ctx.Clone(), jen.Id("id").String(), jen.Id("version").Int64()).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).Block(
		jen.Return(runtimeID("LoadStateAt").Types(e.stateType()).
			Call(jen.Id("ctx"), engine.Clone(), jen.Id("WorkflowName"), jen.Id("id"), jen.Id("version"))),
	)
	f.comment("History returns the events of an instance, oldest first. If it has none, the error is *runtime.UnknownInstance.")
	f.decl().Func().Params(self.Clone()).Id("History").Params(ctx.Clone(), jen.Id("id").String()).
		Params(jen.Index().Add(runtimeID("Recorded")).Types(jen.Id("Event")), jen.Error()).Block(
		jen.Return(runtimeID("LoadHistory").Types(jen.Id("Event")).
			Call(jen.Id("ctx"), engine.Clone(), jen.Id("WorkflowName"), jen.Id("id"))),
	)
	f.comment("Await waits until an instance is as until says, and returns its state; see runtime.Await. Give ctx a deadline.")
	f.decl().Func().Params(self.Clone()).Id("Await").
		Params(ctx.Clone(), jen.Id("id").String(), jen.Id("until").Add(runtimeID("Until"))).
		Params(runtimeID("View").Types(e.stateType()), jen.Error()).Block(
		jen.Return(runtimeID("Await").Types(e.stateType()).
			Call(jen.Id("ctx"), engine.Clone(), jen.Id("WorkflowName"), jen.Id("id"), jen.Id("until"))),
	)
	internal := e.w.InternalInputs()
	if len(internal) == 0 {
		return
	}
	f.comment("Internal returns a client for inputs that only the engine delivers, such as results of effects and timers. It is for tests and\n" +
		"for repairs by hand.")
	f.decl().Func().Params(self.Clone()).Id("Internal").Params().Op("*").Id("InternalClient").Block(
		jen.Return(jen.Op("&").Id("InternalClient").Values(engine.Clone())),
	)
	f.comment(fmt.Sprintf("InternalClient sends the internal inputs of the workflow %s, which Client does not have. It is safe for concurrent use.", e.w.Name.Text))
	f.decl().Type().Id("InternalClient").Struct(jen.Id("engine").Add(runtimeID("Engines")))
	for _, in := range internal {
		send(jen.Id("c").Op("*").Id("InternalClient"), in, jen.Id("options"))
	}
}

// operatorClient emits the client of the inputs that only operators send.
func (e *emitter) operatorClient(f *file, send func(self *jen.Statement, in *spec.Message, options jen.Code)) {
	inputs := e.w.OperatorInputs()
	if len(inputs) == 0 {
		return
	}
	f.comment("Operator returns a client for inputs that only operators send. Each of its inputs is stored with who sent it and why; neither may be\n" +
		"empty.")
	f.decl().Func().Params(jen.Id("c").Op("*").Id("Client")).Id("Operator").Params(jen.Id("by"), jen.Id("reason").String()).Op("*").Id("OperatorClient").Block(
		jen.Return(jen.Op("&").Id("OperatorClient").Values(jen.Id("c").Dot("engine"), runtimeID("AsOperator").Call(jen.Id("by"), jen.Id("reason")))),
	)
	f.comment(fmt.Sprintf("OperatorClient sends the inputs of the workflow %s that only operators send. It is safe for concurrent use.", e.w.Name.Text))
	f.decl().Type().Id("OperatorClient").Struct(
		jen.Id("engine").Add(runtimeID("Engines")),
		jen.Id("operator").Add(runtimeID("ExecuteOption")),
	)
	for _, in := range inputs {
		send(jen.Id("c").Op("*").Id("OperatorClient"), in, jen.Id("c").Dot("operator").Dot("After").Call(jen.Id("options")))
	}
}
