package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// stateTimers renders the timers that come and go with states.
func (e *emitter) stateTimers() []jen.Code {
	var timers []jen.Code
	for _, t := range e.w.Timers {
		if len(t.While) == 0 {
			continue
		}
		fields := []jen.Code{keyed("Name", jen.Lit(t.Name.Stored()))}
		if t.Retired {
			fields = append(fields, keyed("Retired", jen.True()))
		}
		if t.After > 0 {
			fields = append(fields, keyed("After", duration(t.After)))
		}
		timers = append(timers, jen.Values(append(fields,
			keyed("While", stringList(storedTexts(t.While))),
			keyed("Input", jen.Id(t.Input.Text).Values()),
		)...))
	}
	return timers
}

// recurringTimers renders the timers that start themselves again.
func (e *emitter) recurringTimers() []jen.Code {
	var timers []jen.Code
	for _, t := range e.w.Timers {
		if t.Recurs() && !t.Retired {
			timers = append(timers, jen.Lit(t.Name.Stored()).Op(":").Values(recurrence(t.Recurrence)...))
		}
	}
	return timers
}

// schedules renders what is delivered again and again to instances that the declaration names.
func (e *emitter) schedules() []jen.Code {
	var schedules []jen.Code
	for _, s := range e.w.Schedules {
		schedules = append(schedules, jen.Custom(multiline,
			keyed("Name", jen.Lit(s.Name.Text)),
			keyed("Input", jen.Lit(s.Input.Stored())),
			keyed("Recurrence", workflowID("Recurrence").Values(recurrence(s.Recurrence)...)),
			keyed("Instance", jen.Lit(s.Instance.Text)),
		))
	}
	return schedules
}

func recurrence(r spec.Recurrence) []jen.Code {
	fields := []jen.Code{keyed("Schedule", jen.Lit(r.Schedule.Text))}
	if r.Zone.Text != "" {
		fields = append(fields, keyed("Zone", jen.Lit(r.Zone.Text)))
	}
	switch r.Missed.Text {
	case spec.MissedSkip:
		fields = append(fields, keyed("Missed", workflowID("MissedSkip")))
	case spec.MissedAll:
		fields = append(fields, keyed("Missed", workflowID("MissedAll")))
	}
	return fields
}
