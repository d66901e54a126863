package main

import (
	"context"
	"fmt"
	"strings"
)

// schedules lists schedules, or changes one.
func schedules(ctx context.Context, k *call) (int, error) {
	if len(k.args) == 0 {
		return exitOK, k.listSchedules(ctx)
	}
	changes := map[string]func(ctx context.Context, workflow, name string) error{
		"pause": k.admin.PauseSchedule, "resume": k.admin.ResumeSchedule, "trigger": k.admin.TriggerSchedule,
	}
	change, known := changes[k.args[0]]
	switch {
	case !known:
		return exitOK, &usageError{fmt.Sprintf("%q is not a change of a schedule; the changes are pause, resume and trigger", k.args[0])}
	case len(k.args) != 2:
		return exitOK, &usageError{"name the schedule as WORKFLOW/NAME"}
	case !k.write:
		return exitOK, &usageError{"this changes the store; add -write if you mean it"}
	}
	workflow, name, found := strings.Cut(k.args[1], "/")
	if !found {
		return exitOK, &usageError{"name the schedule as WORKFLOW/NAME"}
	}
	return exitOK, change(ctx, workflow, name)
}

func (k *call) listSchedules(ctx context.Context) error {
	all, err := k.admin.Schedules(ctx, k.workflow)
	if err != nil {
		return err
	}
	if k.json {
		for _, s := range all {
			if err := k.print(s); err != nil {
				return err
			}
		}
		return nil
	}
	t := k.table("SCHEDULE", "STATE", "NEXT", "INPUT", "RECURS", "LAST ERROR")
	for _, s := range all {
		state := string(s.Waiting.StateAt(k.now))
		if s.Paused {
			state = "paused"
		}
		input, recurs := "", ""
		if s.Declared != nil {
			input, recurs = s.Declared.Input, strings.TrimSpace(s.Declared.Schedule+" "+s.Declared.Zone)
		}
		t.row(s.Workflow+"/"+s.Name, mood(state), k.ago(s.Next), input, recurs, s.Waiting.LastError)
	}
	t.end()
	return nil
}
