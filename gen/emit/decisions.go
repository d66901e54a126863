package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// decisions emits, for each input, the types that say what its decision may contain, and the constructors.
func (e *emitter) decisions(f *file) {
	for _, in := range e.w.Inputs {
		input, names, uses := in.Name.Text, spec.NamesOfInput(in.Name.Text), e.uses.inputs[in.Name.Text]
		e.allowed(f, names.Event, "Event", fmt.Sprintf("is an event that a decision on %s may emit", input), uses.events)
		if len(uses.effects) > 0 {
			e.allowed(f, names.Effect, "Effect", fmt.Sprintf("is an effect that a decision on %s may request", input), uses.effects)
		}
		if len(uses.timers) > 0 {
			var timers []string
			for _, timer := range uses.timers {
				timers = append(timers, spec.TimerName(timer))
			}
			e.allowed(f, names.Timer, "Timer", fmt.Sprintf("is a timer that a decision on %s may start or cancel", input), timers)
		}

		f.comment(fmt.Sprintf("%s is the decider's answer to %s.", names.Decision, input))
		f.decl().Type().Id(names.Decision).Op("=").Add(workflowID("Decision")).Types(e.decisionTypes(in)...)
		f.comment(fmt.Sprintf("%s is the outcome of %s.", names.Outcome, input))
		f.decl().Type().Id(names.Outcome).Op("=").Add(runtimeID("Outcome")).Types(jen.Id(names.Event), jen.Id("Rejection"))
		e.constructors(f, in)
	}
}

// allowed emits the sealed sub-interface of what a decision on an input may contain. Without states everything is
// allowed, and it is only another name.
func (e *emitter) allowed(f *file, name, of, sentence string, variants []string) {
	f.comment(wrap(fmt.Sprintf("%s %s: %s.", name, sentence, listing(variants, "or"))))
	if !e.w.HasStates() {
		f.decl().Type().Id(name).Op("=").Id(of)
		return
	}
	f.decl().Type().Id(name).Interface(jen.Id(of), jen.Id("is"+name).Params())
	markers(f, variants, name)
}

// decisionTypes are the type arguments of an input's decision.
func (e *emitter) decisionTypes(in *spec.Message) []jen.Code {
	names, uses := spec.NamesOfInput(in.Name.Text), e.uses.inputs[in.Name.Text]
	effect, timer := workflowID("NoEffect"), workflowID("NoTimer")
	if len(uses.effects) > 0 {
		effect = jen.Id(names.Effect)
	}
	if len(uses.timers) > 0 {
		timer = jen.Id(names.Timer)
	}
	return []jen.Code{jen.Id(names.Event), effect, timer, jen.Id("Rejection")}
}

func (e *emitter) constructors(f *file, in *spec.Message) {
	input, names := in.Name.Text, spec.NamesOfInput(in.Name.Text)
	f.comment(fmt.Sprintf("%s accepts %s with one or more events, in this order.", names.Accept, input))
	f.decl().Func().Id(names.Accept).
		Params(jen.Id("first").Id(names.Event), jen.Id("more").Op("...").Id(names.Event)).
		Id(names.Decision).
		Block(jen.Return(workflowID("Accept").Types(e.decisionTypes(in)...).
			Call(jen.Id("first"), jen.Id("more").Op("..."))))
	if !e.hasRejections() {
		return
	}
	f.comment(fmt.Sprintf("%s rejects %s. Nothing is stored.", names.Reject, input))
	f.decl().Func().Id(names.Reject).Params(jen.Id("rejection").Id("Rejection")).Id(names.Decision).
		Block(jen.Return(workflowID("Reject").Types(e.decisionTypes(in)...).Call(jen.Id("rejection"))))
}
