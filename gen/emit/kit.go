package emit

import (
	"github.com/dave/jennifer/jen"
)

// kit emits what the tests of the package begin with.
func (e *emitter) kit(f *file) {
	effect := workflowID("NoEffect")
	if e.hasEffects() {
		effect = jen.Id("Effect")
	}
	kit := func() *jen.Statement { return jen.Op("*").Id("Kit") }
	f.comment("Kit tests the workflow " + e.w.Name.Text + ": its decisions one by one.")
	f.decl().Type().Id("Kit").Op("=").Add(testkitID("Kit")).Types(e.stateType(), jen.Id("Input"), jen.Id("Event"), effect, jen.Id("Rejection"))

	f.comment("NewKit returns a test kit for the workflow that NewWorkflow returns.")
	f.decl().Func().Id("NewKit").Params(jen.Id("w").Op("*").Add(workflowID("Workflow"))).Add(kit()).Block(
		jen.Return(testkitID("NewKit").Types(e.stateType(), jen.Id("Input"), jen.Id("Event"), effect.Clone(), jen.Id("Rejection")).Call(jen.Id("w"))),
	)

	f.comment("TestUnfinished fails as long as methods of this package are stubs, and lists them.")
	f.decl().Func().Id("TestUnfinished").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		testkitID("Unfinished").Call(jen.Id("t")),
	)
}

func testkitID(name string) *jen.Statement { return jen.Qual(testkitPath, name) }
