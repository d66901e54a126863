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
	e.olderVersions(f)
	if e.w.Histories {
		code := []jen.Code{jen.Id("Decider").Values(), jen.Id("Evolver").Values()}
		if e.hasHandler() {
			code = append(code, jen.Id("Handler").Values())
		}
		f.comment("TestHistories replays the histories in testdata with the code of this package.")
		f.decl().Func().Id("TestHistories").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
			testkitID("Histories").Call(jen.Id("t"), jen.Lit("testdata"), jen.Id("NewWorkflow").Call(code...)))
	}
}

// olderVersions emits the test of what the lock has of older versions.
func (e *emitter) olderVersions(f *file) {
	var checks []jen.Code
	for _, u := range e.versioned() {
		samples := e.olderSamples(u)
		if len(samples) > 0 {
			checks = append(checks, testkitID("OlderVersions").Call(jen.Id("t"), jen.Lit(unexported(u.of)), e.codecOf(u.of),
				jen.Index().Add(testkitID("OlderSample")).Custom(multiline, samples...)))
		}
	}
	if len(checks) == 0 {
		return
	}
	f.comment("TestOlderVersions converts the samples of older versions, which the lock has, to the declared ones.")
	f.decl().Func().Id("TestOlderVersions").Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(checks...)
}

func (e *emitter) olderSamples(u versionedUnion) (samples []jen.Code) {
	for _, m := range u.messages {
		for _, old := range m.Older {
			for _, sample := range old.Samples {
				samples = append(samples, jen.Custom(oneline,
					keyed("Name", jen.Lit(m.Name.Stored())), keyed("Version", jen.Lit(old.Version)), keyed("Payload", jen.Op(rawString(sample)))))
			}
		}
	}
	return samples
}

func testkitID(name string) *jen.Statement { return jen.Qual(testkitPath, name) }
