package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// machine emits the state machine as data. The file is written even without states. Otherwise it could be removed while go
// generate runs, which lists the files of a package before it reads them.
func (e *emitter) machine(f *file) {
	if !e.w.HasStates() {
		f.Line()
		f.Add(comment("The workflow declares no states."))
		return
	}
	f.comment("Machine returns the declared state machine. Its methods Mermaid and DOT return a diagram of it.")
	fields := []jen.Code{
		keyed("Workflow", jen.Id("WorkflowName")),
		keyed("States", sliceOf("MachineState").Custom(multiline, e.machineStates()...)),
		keyed("Moves", sliceOf("Move").Custom(multiline, e.moves()...)),
	}
	if effects := e.machineEffects(); len(effects) > 0 {
		fields = append(fields, keyed("Effects", sliceOf("MachineEffect").Custom(multiline, effects...)))
	}
	if timers := e.machineTimers(); len(timers) > 0 {
		fields = append(fields, keyed("Timers", sliceOf("MachineTimer").Custom(multiline, timers...)))
	}
	f.decl().Func().Id("Machine").Params().Op("*").Add(workflowID("Machine")).Block(
		jen.Return(jen.Op("&").Add(workflowID("Machine")).Custom(multiline, fields...)),
	)
}

func (e *emitter) machineStates() []jen.Code {
	var states []jen.Code
	for _, s := range e.w.States {
		fields := []jen.Code{keyed("Name", jen.Lit(s.Name.Stored()))}
		if s.Doc != "" {
			fields = append(fields, keyed("Doc", jen.Lit(s.Doc)))
		}
		if s.Terminal {
			fields = append(fields, keyed("Terminal", jen.True()))
		}
		if s.Waits.Text == spec.WaitsClient {
			fields = append(fields, keyed("Waits", workflowID("WaitsClient")))
			if s.Deadline > 0 {
				fields = append(fields, keyed("Deadline", duration(s.Deadline)))
			}
		}
		if len(s.Accepts) == 0 {
			states = append(states, jen.Values(fields...))
			continue
		}
		var transitions []jen.Code
		for _, t := range s.Accepts {
			transitions = append(transitions, transition(t))
		}
		fields = append(fields, keyed("Accepts", sliceOf("Transition").Custom(multiline, transitions...)))
		states = append(states, jen.Custom(multiline, fields...))
	}
	return states
}

func transition(t *spec.Transition) *jen.Statement {
	fields := []jen.Code{keyed("Input", jen.Lit(t.Input.Stored()))}
	if t.Doc != "" {
		fields = append(fields, keyed("Doc", jen.Lit(t.Doc)))
	}
	if t.Reject.Text != "" {
		fields = append(fields, keyed("Reject", jen.Lit(t.Reject.Stored())))
	}
	if len(t.Moves) > 0 {
		layout := oneline
		if len(t.Moves) > 2 {
			layout = multiline
		}
		var moves []jen.Code
		for _, m := range t.Moves {
			moves = append(moves, jen.Values(keyed("Event", jen.Lit(m.Event.Stored())), keyed("To", jen.Lit(m.To.Stored()))))
		}
		fields = append(fields, keyed("Events", sliceOf("EventMove").Custom(layout, moves...)))
	}
	if len(t.Effects) > 0 {
		fields = append(fields, keyed("Effects", stringList(storedTexts(t.Effects))))
	}
	if len(t.Timers) > 0 {
		fields = append(fields, keyed("Timers", stringList(storedTexts(t.Timers))))
	}
	if 2*len(t.Moves)+len(t.Effects)+len(t.Timers) > 4 {
		return jen.Custom(multiline, fields...)
	}
	return jen.Values(fields...)
}

func (e *emitter) moves() []jen.Code {
	var moves []jen.Code
	for _, m := range e.w.Moves {
		moves = append(moves, jen.Values(
			keyed("From", jen.Lit(m.From)), keyed("Event", jen.Lit(m.Event)), keyed("To", jen.Lit(m.To))))
	}
	return moves
}

func (e *emitter) machineEffects() []jen.Code {
	var effects []jen.Code
	for _, effect := range e.w.Effects {
		var fields []jen.Code
		field := func(name string, written bool, value jen.Code) {
			if written {
				fields = append(fields, keyed(name, value))
			}
		}
		field("Name", true, jen.Lit(effect.Name.Stored()))
		field("Doc", effect.Doc != "", jen.Lit(effect.Doc))
		field("Returns", len(effect.Returns) > 0, stringList(storedTexts(effect.Returns)))
		field("Dead", effect.Dead.Text != "", jen.Lit(effect.Dead.Stored()))
		field("Starts", effect.Starts != nil, target(effect.Starts))
		field("Ended", effect.Ended.Text != "", jen.Lit(effect.Ended.Stored()))
		field("Sends", effect.Sends != nil, target(effect.Sends))
		field("Refused", effect.Refused.Text != "", jen.Lit(effect.Refused.Stored()))
		effects = append(effects, jen.Values(fields...))
	}
	return effects
}

func (e *emitter) machineTimers() []jen.Code {
	var timers []jen.Code
	for _, t := range e.w.Timers {
		fields := []jen.Code{keyed("Name", jen.Lit(t.Name.Stored()))}
		if t.Doc != "" {
			fields = append(fields, keyed("Doc", jen.Lit(t.Doc)))
		}
		fields = append(fields, keyed("Input", jen.Lit(t.Input.Stored())))
		if t.After > 0 {
			fields = append(fields, keyed("After", duration(t.After)))
		}
		if t.Recurs() {
			fields = append(fields, keyed("Schedule", jen.Lit(t.Schedule.Text)))
		}
		if len(t.While) > 0 {
			fields = append(fields, keyed("While", stringList(storedTexts(t.While))))
		}
		timers = append(timers, jen.Values(fields...))
	}
	return timers
}
