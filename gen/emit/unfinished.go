package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// unfinished emits the function that stubs of methods call. It is always there, so that the files with stubs need no further
// import.
func (e *emitter) unfinished(f *file) {
	f.comment("unfinished returns the error of a stub, which is a method that you have not written yet. Only stubs may call it:\n" +
		"TestUnfinished and \"ironflow-gen vet\" list its calls.")
	f.decl().Func().Id(spec.UnfinishedName).Params(jen.Id("method").String()).Op("*").Add(workflowID("Unfinished")).Block(
		jen.Return(jen.Op("&").Add(workflowID("Unfinished")).Values(
			keyed("Workflow", jen.Id("WorkflowName")), keyed("Method", jen.Id("method")),
		)),
	)
}
