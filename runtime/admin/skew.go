package admin

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Skew is a workflow that running programs declare in different ways, as during a rollout.
type Skew struct {
	Workflow     string
	Newer, Older Program  // the one that started last, and one that declares the workflow in another way
	Differences  []string // in words, such as "input Refund: only the newer program has it"
}

// Skews compares the workflows of running programs, as [Admin.Programs] returns them: each declaration of a workflow with the one of the
// program that started last. Programs that declare all workflows alike have none.
func Skews(programs []Program) (skews []Skew) {
	running := slices.DeleteFunc(slices.Clone(programs), func(p Program) bool { return !p.Running })
	slices.SortStableFunc(running, func(a, b Program) int { return b.StartedAt.Compare(a.StartedAt) })
	for _, name := range workflowsOf(running) {
		var newest *Program
		seen := make(map[string]bool) // digests of manifests that were compared
		for i := range running {
			p := &running[i]
			w := p.Manifest.Workflow(name)
			switch {
			case w == nil || seen[p.Digest]:
			case newest == nil:
				newest = p
			default:
				if found := differences(newest.Manifest.Workflow(name), w); len(found) > 0 {
					skews = append(skews, Skew{Workflow: name, Newer: *newest, Older: *p, Differences: found})
				}
			}
			seen[p.Digest] = true
		}
	}
	return skews
}

// differences says in words how two descriptions of a workflow differ.
func differences(newer, older *workflow.WorkflowManifest) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	// only reports names that one of the two has alone.
	only := func(what string, newer, older []string) {
		for _, name := range newer {
			if !slices.Contains(older, name) {
				say("%s %s: only the newer program has it", what, name)
			}
		}
		for _, name := range older {
			if !slices.Contains(newer, name) {
				say("%s %s: only the older program has it", what, name)
			}
		}
	}
	only("input", newer.Inputs, older.Inputs)
	only("input for operators", newer.Operator, older.Operator)
	only("effect", newer.Effects, older.Effects)
	only("search field", newer.Search, older.Search)
	for name, fields := range fieldsOf(newer) {
		if before, has := fieldsOf(older)[name]; has && fields != before {
			say("input %s: its fields are %s, and %s in the older program", name, fields, before)
		}
	}
	only("schedule", schedulesOf(newer), schedulesOf(older))
	switch a, b := newer.Machine, older.Machine; {
	case (a == nil) != (b == nil):
		say("states: only one of the programs declares them")
	case a != nil:
		only("state", statesOf(a), statesOf(b))
		only("move", movesOf(a), movesOf(b))
		only("acceptance", acceptsOf(a), acceptsOf(b))
	}
	slices.Sort(found)
	switch {
	case len(found) == 0 && newer.Schema != older.Schema:
		say("state: its fields, or what the evolver makes of events, differ; each program folds the events itself, without the snapshots of the other")
	case len(found) == 0 && !reflect.DeepEqual(newer.Machine, older.Machine):
		say("what is declared of effects, timers and texts differs")
	}
	return found
}

// fieldsOf writes the fields of inputs as text.
func fieldsOf(w *workflow.WorkflowManifest) map[string]string {
	texts := make(map[string]string)
	for _, f := range w.Forms {
		fields := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			fields[i] = field.Name + ": " + field.Type
			if len(field.Choices) > 0 {
				fields[i] += " of " + strings.Join(field.Choices, ", ")
			}
		}
		texts[f.Input] = "{" + strings.Join(fields, "; ") + "}"
	}
	return texts
}

func schedulesOf(w *workflow.WorkflowManifest) (texts []string) {
	for _, s := range w.Schedules {
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("%s, %s at %s %s", s.Name, s.Input, s.Schedule, s.Zone)))
	}
	return texts
}

func statesOf(m *workflow.Machine) (names []string) {
	for _, s := range m.States {
		names = append(names, s.Name)
	}
	return names
}

func movesOf(m *workflow.Machine) (texts []string) {
	for _, v := range m.Moves {
		texts = append(texts, fmt.Sprintf("from %s by %s to %s", v.From, v.Event, v.To))
	}
	return texts
}

// acceptsOf names the inputs that states accept.
func acceptsOf(m *workflow.Machine) (texts []string) {
	for _, s := range m.States {
		for _, t := range s.Accepts {
			if t.Reject == "" {
				texts = append(texts, fmt.Sprintf("of %s in %s", t.Input, s.Name))
			}
		}
	}
	return texts
}
