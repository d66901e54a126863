package admin

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Skew is a workflow that running programs declare in different ways, as during a rollout.
type Skew struct {
	Workflow     string
	Newer, Older Program      // the one that started last, and one that declares the workflow in another way
	Differences  []Difference // the worst class first
}

// Difference is something that two programs declare in different ways.
type Difference struct {
	What  string // in words, such as "input Refund: only the newer program has it"
	Class SkewClass
	Means string // what it means while both programs run, in a sentence or two
}

// SkewClass says what a difference leads to while both programs run.
type SkewClass string

const (
	SkewDiffers SkewClass = "differs" // nothing fails, and the programs make different things of the same rows
	SkewFails   SkewClass = "fails"   // a program cannot read an instance in which the other one has used it
	SkewWaits   SkewClass = "waits"   // work waits for the program that has it
	SkewRefused SkewClass = "refused" // a program refuses an input that the other one takes
	SkewSafe    SkewClass = "safe"    // each program reads what the other one writes
)

// SkewClasses are all classes, the worst first.
var SkewClasses = []SkewClass{SkewDiffers, SkewFails, SkewWaits, SkewRefused, SkewSafe}

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

// comparison finds the differences of two descriptions of a workflow.
type comparison struct {
	newer, older *workflow.WorkflowManifest
	found        []Difference
}

func differences(newer, older *workflow.WorkflowManifest) []Difference {
	c := &comparison{newer: newer, older: older}
	c.inputs()
	c.messages()
	c.only("search field", newer.Search, older.Search, meaning{SkewDiffers,
		"The LACKS program does not store its value: instances are found by an earlier value, or not at all."})
	c.schedules()
	c.machines()
	if newer.Schema != older.Schema {
		c.add("state: its fields, or what the evolver makes of events", meaning{SkewSafe,
			"Each program folds the events by its own evolver, and does not use the snapshots of the other one."}, nil)
	}
	if len(c.found) == 0 && !reflect.DeepEqual(newer.Machine, older.Machine) {
		c.add("what is declared of effects, timers and texts", meaning{SkewSafe, "Each program goes by its own declaration."}, nil)
	}
	slices.SortStableFunc(c.found, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(slices.Index(SkewClasses, a.Class), slices.Index(SkewClasses, b.Class)), cmp.Compare(a.What, b.What))
	})
	return c.found
}
