package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// unfinished emits what the stubs of methods call. It is there whether there are stubs or not, and spares the files that
// they are appended to an import.
func (e *emitter) unfinished(f *file) {
	f.comment("unfinished is what a stub fails with, which stands for a method of yours that is yet to be written. Nothing else may\n" +
		"call it: TestUnfinished and \"ironflow-gen vet\" list its calls.")
	f.decl().Func().Id(spec.UnfinishedName).Params(jen.Id("method").String()).Op("*").Add(workflowID("Unfinished")).Block(
		jen.Return(jen.Op("&").Add(workflowID("Unfinished")).Values(
			keyed("Workflow", jen.Id("WorkflowName")), keyed("Method", jen.Id("method")),
		)),
	)
}
