package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// workflow emits what the user implements, and how the runtime calls it.
func (e *emitter) workflow(f *file) {
	e.userInterfaces(f)
	e.newWorkflow(f)
	e.adapter(f)
	e.inputFuncs(f)
	if e.w.Subject.Text != "" && e.w.HasPersonal() {
		e.subject(f)
	}
	if e.w.HasStates() {
		e.refuse(f)
	}
	e.unfinished(f)
}

func (e *emitter) userInterfaces(f *file) {
	f.comment(docAfter("InputDecider decides on inputs. Its methods are pure: they use only their arguments.", e.w.Doc))
	f.decl().Type().Id("InputDecider").InterfaceFunc(func(g *jen.Group) {
		for _, in := range e.w.Inputs {
			if in.Doc != "" {
				g.Add(comment(in.Doc))
			}
			g.Id(in.Name.Text).Params(
				jen.Id("now").Qual("time", "Time"), jen.Id("state").Add(e.stateType()), jen.Id("in").Id(in.Name.Text),
			).Id(spec.NamesOfInput(in.Name.Text).Decision)
		}
	})

	f.comment("EventEvolver folds events into the state. Its methods are pure and never fail.")
	f.decl().Type().Id("EventEvolver").InterfaceFunc(func(g *jen.Group) {
		for _, ev := range e.w.Events {
			if ev.Doc != "" {
				g.Add(comment(ev.Doc))
			}
			g.Id(ev.Name.Text).Params(jen.Id("state").Add(e.stateType()), jen.Id("event").Id(ev.Name.Text)).Add(e.stateType())
		}
		if !e.w.HasStates() {
			g.Comment("// Terminal reports whether the instance has completed. After that it accepts no input.")
			g.Id("Terminal").Params(jen.Id("state").Add(e.stateType())).Bool()
		}
	})

	e.upcasterInterface(f)
	if !e.hasHandler() {
		return
	}
	f.comment("EffectHandler handles effects. Each is handled at least once; pass call.IdempotencyKey to services that accept one.")
	f.decl().Type().Id("EffectHandler").InterfaceFunc(func(g *jen.Group) {
		for _, effect := range e.w.Handled() {
			if effect.Doc != "" {
				g.Add(comment(effect.Doc))
			}
			method := g.Id(effect.Name.Text).Params(
				jen.Id("ctx").Qual("context", "Context"),
				jen.Id("effect").Id(effect.Name.Text),
				jen.Id("call").Add(runtimeID("EffectCall")),
			)
			if len(effect.Returns) > 0 {
				method.Params(jen.Id(spec.ResultName(effect.Name.Text)), jen.Error())
			} else {
				method.Error()
			}
		}
	})
}

func (e *emitter) newWorkflow(f *file) {
	f.comment("NewWorkflow returns the workflow with your code. Pass it to runtime.NewEngine.")
	params := []jen.Code{jen.Id("decider").Id("InputDecider"), jen.Id("evolver").Id("EventEvolver")}
	userCode := []jen.Code{jen.Id("decider"), jen.Id("evolver")}
	effect := workflowID("NoEffect")
	if e.hasEffects() {
		effect = jen.Id("Effect")
	}
	if e.hasHandler() {
		params = append(params, jen.Id("handler").Id("EffectHandler"))
		userCode = append(userCode, jen.Id("handler"))
	}
	f.decl().Func().Id("NewWorkflow").Params(params...).Op("*").Add(workflowID("Workflow")).Block(
		jen.Id("a").Op(":=").Id("adapter").Values(userCode...),
		jen.Return(workflowID("Define").Call(
			workflowID("Definition").
				Types(e.stateType(), jen.Id("Input"), jen.Id("Event"), effect, jen.Id("Rejection")).
				Custom(multiline, e.definition(userCode)...),
		)),
	)
}

// codecOf renders the codec of a sealed interface.
func (e *emitter) codecOf(of string) *jen.Statement {
	fields := []jen.Code{
		keyed("Name", jen.Id(unexported(of)+"Name")),
		keyed("Encode", jen.Id("encode"+of)),
		keyed("Decode", jen.Id("decode"+of)),
	}
	for _, u := range e.versioned() {
		if u.of == of {
			fields = append(fields, keyed("Versions", jen.Id(unexported(of)+"Versions")), keyed("DecodeOld", jen.Id("decodeOld"+of)))
		}
	}
	if of == "Input" {
		fields = append(fields, keyed("Schema", jen.Lit(spec.InputSchema(e.w))))
	}
	return workflowID("Codec").Types(jen.Id(of)).Values(fields...)
}

// definition renders the fields of the workflow.Definition.
func (e *emitter) definition(userCode []jen.Code) []jen.Code {
	var list []jen.Code
	field := func(name string, value jen.Code) { list = append(list, keyed(name, value)) }

	field("Workflow", jen.Id("WorkflowName"))
	field("UserCode", jen.Index().Any().Values(userCode...))
	if e.w.HasStates() {
		field("Machine", jen.Id("Machine").Call())
		field("Status", jen.Func().Params(jen.Id("s").Add(e.stateType())).String().Custom(inline,
			jen.Return(jen.String().Call(jen.Id("s").Dot(e.w.StatusField)))))
		field("WithStatus", jen.Func().Params(jen.Id("s").Add(e.stateType()), jen.Id("status").String()).Add(e.stateType()).Block(
			jen.Id("s").Dot(e.w.StatusField).Op("=").Add(e.statusType()).Call(jen.Id("status")),
			jen.Return(jen.Id("s"))))
		field("Refuse", jen.Id("refuse"))
	} else {
		// Not evolver.Terminal itself, which panics here when the evolver is nil and should be reported by NewEngine.
		field("Terminal", jen.Func().Params(jen.Id("s").Add(e.stateType())).Bool().Block(
			jen.Return(jen.Id("evolver").Dot("Terminal").Call(jen.Id("s")))))
	}
	field("Decide", jen.Id("a").Dot("decide"))
	field("Evolve", jen.Id("a").Dot("evolve"))
	if e.hasHandler() {
		field("Handle", jen.Id("a").Dot("handle"))
	}
	if e.w.HasPersonal() {
		field("Personal", e.personalFields())
		if e.w.Subject.Text != "" {
			field("Subject", jen.Id("subject"))
		}
	}
	field("InputID", jen.Id("inputID"))
	field("WithID", jen.Id("withID"))
	if len(e.w.Unique) > 0 {
		field("UniqueKey", jen.Id("uniqueKey"))
	}
	e.searchFields(field)
	field("States", workflowID("StateCodec").Types(e.stateType()).Values(
		keyed("Schema", jen.Lit(spec.StateSchema(e.w))),
		keyed("Encode", jen.Id("encodeState")),
		keyed("Decode", jen.Id("decodeState")),
	))
	for _, of := range e.unions() {
		field(of+"s", e.codecOf(of))
	}
	if e.hasEffects() {
		field("EffectOptions", e.effectOptions())
	}
	field("InputNames", stringList(storedNames(e.w.Inputs)))
	if internal := e.w.InternalInputs(); len(internal) > 0 {
		field("InternalInputs", stringList(storedNames(internal)))
	}
	if operator := e.w.OperatorInputs(); len(operator) > 0 {
		field("OperatorInputs", stringList(storedNames(operator)))
	}
	if enums := e.enums(); len(enums) > 0 {
		field("Enums", jen.Index().Any().Values(enums...))
	}
	if timers := e.stateTimers(); len(timers) > 0 {
		field("StateTimers", jen.Index().Add(workflowID("StateTimer")).Custom(multiline, timers...))
	}
	if timers := e.recurringTimers(); len(timers) > 0 {
		field("RecurringTimers", jen.Map(jen.String()).Add(workflowID("Recurrence")).Custom(multiline, timers...))
	}
	if schedules := e.schedules(); len(schedules) > 0 {
		field("Schedules", jen.Index().Add(workflowID("ScheduledInput")).Custom(multiline, schedules...))
	}
	return list
}

// enums are the lists of values that the codec has.
func (e *emitter) enums() (lists []jen.Code) {
	for _, t := range e.w.Types {
		if t.Kind == spec.Enum && e.uses.coded[t] {
			lists = append(lists, jen.Id(unexported(t.Name.Text)+"Values"))
		}
	}
	return lists
}

// unions are the sealed interfaces that have variants, and so a codec.
func (e *emitter) unions() []string {
	list := []string{"Input", "Event"}
	list = appendIf(list, "Effect", e.hasEffects())
	return appendIf(list, "Rejection", e.hasRejections())
}

// adapter emits the type that hands the variants of the sealed interfaces to the user's methods.
func (e *emitter) adapter(f *file) {
	f.comment("adapter passes each input, event and effect to the method for its type.")
	f.decl().Type().Id("adapter").StructFunc(func(g *jen.Group) {
		g.Id("decider").Id("InputDecider")
		g.Id("evolver").Id("EventEvolver")
		if e.hasHandler() {
			g.Id("handler").Id("EffectHandler")
		}
	})
	self := jen.Id("a").Id("adapter")

	f.decl().Func().Params(self.Clone()).Id("decide").Params(
		jen.Id("now").Qual("time", "Time"), jen.Id("state").Add(e.stateType()), jen.Id("input").Id("Input"),
	).Add(workflowID("UntypedDecision")).Block(
		typeSwitch("in", "input", e.w.Inputs, func(m *spec.Message) jen.Code {
			return jen.Return(jen.Id("a").Dot("decider").Dot(m.Name.Text).
				Call(jen.Id("now"), jen.Id("state"), jen.Id("in")).Dot("Untyped").Call())
		}),
		jen.Return(workflowID("UntypedDecision").Values()),
	)

	f.decl().Func().Params(self.Clone()).Id("evolve").Params(
		jen.Id("state").Add(e.stateType()), jen.Id("event").Id("Event"),
	).Add(e.stateType()).Block(
		typeSwitch("event", "event", e.w.Events, func(m *spec.Message) jen.Code {
			return jen.Return(jen.Id("a").Dot("evolver").Dot(m.Name.Text).Call(jen.Id("state"), jen.Id("event")))
		}),
		jen.Return(jen.Id("state")),
	)

	if !e.hasHandler() {
		return
	}
	f.decl().Func().Params(self.Clone()).Id("handle").Params(
		jen.Id("ctx").Qual("context", "Context"), jen.Id("effect").Id("Effect"), jen.Id("call").Add(runtimeID("EffectCall")),
	).Params(jen.Any(), jen.Error()).BlockFunc(func(g *jen.Group) {
		check := make(map[string]string) // the function that looks at the result
		for _, effect := range e.w.Handled() {
			switch {
			case effect.Optional.Text != "":
				check[effect.Name.Text] = "OptionalHandlerResult"
			case len(effect.Returns) > 0:
				check[effect.Name.Text] = "HandlerResult"
			}
		}
		g.Add(typeSwitch("effect", "effect", messagesOf(e.w.Handled()), func(m *spec.Message) jen.Code {
			call := jen.Id("a").Dot("handler").Dot(m.Name.Text).Call(jen.Id("ctx"), jen.Id("effect"), jen.Id("call"))
			if function := check[m.Name.Text]; function != "" {
				return jen.Return(workflowID(function).Call(call))
			}
			return jen.Return(jen.Nil(), call)
		}))
		unhandled := "%T is not an effect of this workflow"
		if e.hasDelivered() {
			unhandled = "%T is not an effect that has a handler"
		}
		g.Return(jen.Nil(), jen.Qual("fmt", "Errorf").Call(jen.Lit(unhandled), jen.Id("effect")))
	})
}

// typeSwitch renders a switch over the variants of a sealed interface.
func typeSwitch(bound, value string, variants []*spec.Message, body func(*spec.Message) jen.Code) *jen.Statement {
	return jen.Switch(jen.Id(bound).Op(":=").Id(value).Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
		for _, m := range variants {
			g.Case(jen.Id(m.Name.Text)).Block(body(m))
		}
	})
}

// inputFuncs emits what the engine asks about inputs: who they are for, and what unique key they bring.
func (e *emitter) inputFuncs(f *file) {
	idField := func(m *spec.Message) *jen.Statement { return jen.Id("in").Dot(goField(m, m.ID)) }

	f.decl().Func().Id("inputID").Params(jen.Id("input").Id("Input")).String().Block(
		typeSwitch("in", "input", e.w.Inputs, func(m *spec.Message) jen.Code { return jen.Return(idField(m)) }),
		jen.Return(jen.Lit("")),
	)

	f.comment("withID fills in an empty id.")
	f.decl().Func().Id("withID").Params(jen.Id("input").Id("Input"), jen.Id("id").String()).Id("Input").Block(
		jen.Switch(jen.Id("in").Op(":=").Id("input").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
			for _, m := range e.w.Inputs {
				g.Case(jen.Id(m.Name.Text)).Block(
					idField(m).Op("=").Qual("cmp", "Or").Call(idField(m), jen.Id("id")),
					jen.Return(jen.Id("in")),
				)
			}
		}),
		jen.Return(jen.Id("input")),
	)

	e.searchInput(f)
	if len(e.w.Unique) == 0 {
		return
	}
	key := func(u spec.UniqueKey) *jen.Statement {
		in := e.w.Inputs[slices.IndexFunc(e.w.Inputs, func(m *spec.Message) bool { return m.Name.Text == u.Input.Text })]
		return jen.Return(jen.Id("in").Dot(goField(in, u.Field)), jen.True())
	}
	f.decl().Func().Id("uniqueKey").Params(jen.Id("input").Id("Input")).Params(jen.String(), jen.Bool()).BlockFunc(func(g *jen.Group) {
		if len(e.w.Unique) == 1 {
			u := e.w.Unique[0]
			g.If(jen.List(jen.Id("in"), jen.Id("ok")).Op(":=").Id("input").Assert(jen.Id(u.Input.Text)), jen.Id("ok")).Block(key(u))
		} else {
			g.Switch(jen.Id("in").Op(":=").Id("input").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
				for _, u := range e.w.Unique {
					g.Case(jen.Id(u.Input.Text)).Block(key(u))
				}
			})
		}
		g.Return(jen.Lit(""), jen.False())
	})
}

// refuse emits the rejection of inputs that the machine does not accept.
func (e *emitter) refuse(f *file) {
	declared := declaredRefusals(e.w)
	f.comment("refuse returns the rejection of an input that the declaration does not accept in a state.")
	f.decl().Func().Id("refuse").Params(jen.Id("input"), jen.Id("state"), jen.Id("declared").String()).Id("Rejection").
		BlockFunc(func(g *jen.Group) {
			if len(declared) > 0 {
				g.Switch(jen.Id("declared")).BlockFunc(func(g *jen.Group) {
					for _, name := range declared {
						g.Case(jen.Lit(name.Stored())).Block(jen.Return(jen.Id(name.Text).Values()))
					}
				})
			}
			g.Return(jen.Id("NotAccepted").Values(
				keyed("Input", jen.Id("input")),
				keyed("State", e.statusType().Call(jen.Id("state"))),
			))
		})
}

// declaredRefusals are the rejections that transitions name, in the order of their declaration.
func declaredRefusals(w *spec.Workflow) []spec.Name {
	named := make(map[string]bool)
	for _, s := range w.States {
		for _, t := range s.Accepts {
			named[t.Reject.Text] = true
		}
	}
	var list []spec.Name
	for _, m := range w.Rejections {
		if named[m.Name.Text] {
			list = append(list, m.Name)
		}
	}
	return list
}
