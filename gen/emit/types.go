package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// types emits the declared types, the sealed interfaces with their variants, the timers and the state.
func (e *emitter) types(f *file) {
	f.comment("WorkflowName is the name of the workflow, which is stored with every instance.")
	f.decl().Const().Id("WorkflowName").Op("=").Lit(e.w.Name.Stored())
	for _, t := range e.w.Types {
		if e.w.Form == spec.YAML || t.Locked {
			declaredType(f, t)
		}
	}

	sealed(f, "Input", oneOf("Input", messageNames(e.w.Inputs)))
	e.variants(f, "Input", "is an input.", e.w.Inputs)
	if !e.w.External {
		sealed(f, "Event", oneOf("Event", messageNames(e.w.Events)))
		e.variants(f, "Event", "is an event.", e.w.Events)
	}
	if e.hasEffects() {
		e.effectTypes(f)
	}
	if e.hasTimers() {
		e.timerTypes(f)
	}
	e.rejectionTypes(f)
	if e.w.Form == spec.YAML && !e.w.External {
		e.stateTypes(f)
	}
}

func declaredType(f *file, t *spec.Type) {
	name := t.Name.Text
	switch t.Kind {
	case spec.Struct:
		f.comment(docOr(t.Doc, name+" is declared by the workflow."))
		f.decl().Type().Id(name).StructFunc(func(g *jen.Group) { structFields(g, t.Fields) })
	case spec.Imported:
		f.comment(docOr(t.Doc, fmt.Sprintf("%s is the type %s of %s.", name, t.Go.Name, t.Go.Path)))
		f.decl().Type().Id(name).Op("=").Qual(t.Go.Path, t.Go.Name)
	case spec.Enum:
		f.comment(docOr(t.Doc, name+" is one of the constants below."))
		f.decl().Type().Id(name).String()
		f.comment("The values of " + name + ".")
		f.decl().Const().DefsFunc(func(g *jen.Group) {
			for _, v := range t.Values {
				if v.Doc != "" {
					g.Add(comment(v.Doc))
				}
				g.Id(v.GoName).Id(name).Op("=").Lit(v.Name.Stored())
			}
		})
	}
}

// sealed emits an interface that only this package implements.
func sealed(f *file, name, doc string) {
	f.comment(wrap(doc))
	f.decl().Type().Id(name).Interface(jen.Id("is" + name).Params())
}

// variants emits structs that implement a sealed interface. Of structs of the user's it emits only that.
func (e *emitter) variants(f *file, of, sentence string, messages []*spec.Message) {
	if e.w.Form == spec.Go {
		markers(f, messageNames(messages), of)
		return
	}
	for _, m := range messages {
		variant(f, m, of, sentence)
	}
}

func variant(f *file, m *spec.Message, of, sentence string) {
	f.comment(docOr(m.Doc, m.Name.Text+" "+sentence))
	f.decl().Type().Id(m.Name.Text).StructFunc(func(g *jen.Group) { structFields(g, m.Fields) })
	marker(f, m.Name.Text, of)
}

// marker lets a type implement a sealed interface.
func marker(f *file, name, of string) { markers(f, []string{name}, of) }

// markers lets several types do so.
func markers(f *file, names []string, of string) {
	if len(names) == 0 {
		return
	}
	s := f.decl()
	for i, name := range names {
		if i > 0 {
			s.Line()
		}
		s.Func().Params(jen.Id(name)).Id("is" + of).Params().Block()
	}
}

func (e *emitter) effectTypes(f *file) {
	messages := effectMessages(e.w)
	sealed(f, "Effect", oneOf("Effect", messageNames(messages)))
	if e.w.Form == spec.Go {
		markers(f, messageNames(messages), "Effect")
	}
	f.comment("The effects by name, for decisions that cancel them.")
	f.decl().Const().DefsFunc(func(g *jen.Group) {
		for _, effect := range e.w.Effects {
			g.Id(spec.EffectKindName(effect.Name.Text)).Add(workflowID("EffectKind")).Op("=").Lit(effect.Name.Stored())
		}
	})
	for _, effect := range e.w.Effects {
		if e.w.Form == spec.YAML {
			variant(f, &effect.Message, "Effect", effectSentence(effect))
		}
		if len(effect.Returns) == 0 {
			continue
		}
		result := spec.ResultName(effect.Name.Text)
		none := ""
		if effect.Optional.Text != "" {
			none = " Nil means no input."
		}
		f.comment(wrap(fmt.Sprintf("%s is the input that the handler of the effect %s returns: %s.%s",
			result, effect.Name.Text, listing(nameTexts(effect.Returns), "or"), none)))
		f.decl().Type().Id(result).Interface(jen.Id("Input"), jen.Id("is"+result).Params())
		markers(f, nameTexts(effect.Returns), result)
	}
}

func (e *emitter) timerTypes(f *file) {
	f.comment("Timer is a timer that decisions may start and cancel.")
	f.decl().Type().Id("Timer").Interface(workflowID("Timer"), jen.Id("isTimer").Params())
	for _, t := range e.uses.timers {
		name := spec.TimerName(t.Name.Text)
		sentence := fmt.Sprintf("%s delivers %s. It has no declared delay: start it with In or At.", name, t.Input.Text)
		switch {
		case t.Recurs():
			sentence = fmt.Sprintf("%s delivers %s repeatedly, by the schedule %q, until it is cancelled. In and At set the time of the first delivery.",
				name, t.Input.Text, t.Schedule.Text)
		case t.After > 0:
			sentence = fmt.Sprintf("%s delivers %s after %s, unless it is started with In or At.",
				name, t.Input.Text, spec.DurationText(t.After))
		}
		f.comment(docAfter(wrap(sentence), t.Doc))
		f.decl().Type().Id(name).Struct(
			jen.Id("Input").Id(t.Input.Text).Comment("// an empty id means the id of the instance"),
			jen.Id("schedule").Add(workflowID("Schedule")),
		)
		setter(f, name, "In", "makes the timer fire after a delay, counted from the now of the decision.",
			"delay", jen.Qual("time", "Duration"))
		setter(f, name, "At", "makes the timer fire at a time.", "at", jen.Qual("time", "Time"))
		setter(f, name, "Key", "distinguishes several timers of this kind. A timer replaces a running timer with the same key.",
			"key", jen.String())

		fields := []jen.Code{
			keyed("Name", jen.Lit(t.Name.Stored())),
			keyed("Input", jen.Id("t").Dot("Input")),
			keyed("Schedule", jen.Id("t").Dot("schedule")),
		}
		if t.After > 0 {
			fields = append(fields, keyed("After", duration(t.After)))
		}
		f.comment("TimerSpec is for the runtime.")
		f.decl().Func().Params(jen.Id("t").Id(name)).Id("TimerSpec").Params().Add(workflowID("TimerSpec")).Block(
			jen.Return(workflowID("TimerSpec").Values(fields...)),
		)
		marker(f, name, "Timer")
	}
}

// setter emits a method of a timer that returns it with another schedule.
func setter(f *file, timer, method, does, param string, paramType *jen.Statement) {
	f.comment(method + " " + does)
	f.decl().Func().Params(jen.Id("t").Id(timer)).Id(method).Params(jen.Id(param).Add(paramType)).Id(timer).Block(
		jen.Id("t").Dot("schedule").Op("=").Id("t").Dot("schedule").Dot(method).Call(jen.Id(param)),
		jen.Return(jen.Id("t")),
	)
}

func (e *emitter) rejectionTypes(f *file) {
	names := messageNames(e.rejections())
	sealed(f, "Rejection", oneOf("Rejection", names))
	e.variants(f, "Rejection", "is a rejection.", e.w.Rejections)
	if e.hasNotAccepted() {
		f.comment("NotAccepted rejects an input that the declaration does not accept in the instance's state.")
		f.decl().Type().Id("NotAccepted").Struct(
			jen.Id("Input").String().Add(jsonTag("input")),
			jen.Id("State").Add(e.notAcceptedState()).Add(jsonTag("state")),
		)
		marker(f, "NotAccepted", "Rejection")
	}
}

func (e *emitter) stateTypes(f *file) {
	if e.w.HasStates() {
		f.comment("Status is the state of the state machine that an instance is in.")
		f.decl().Type().Id("Status").String()
		f.comment("The declared states. The first is the initial one.")
		f.decl().Const().DefsFunc(func(g *jen.Group) {
			for _, s := range e.w.States {
				if s.Doc != "" {
					g.Add(comment(s.Doc))
				}
				g.Id(s.GoName).Id("Status").Op("=").Lit(s.Name.Stored())
			}
		})
	}
	f.comment("State is the state of an instance, folded from its events.")
	f.decl().Type().Id("State").StructFunc(func(g *jen.Group) {
		if e.w.HasStates() {
			g.Id("Status").Id("Status").Add(jsonTag("status")).Comment("// set by generated code as the declaration says, not by the evolver")
		}
		structFields(g, e.w.State)
	})
}
