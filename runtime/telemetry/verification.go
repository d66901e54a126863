package telemetry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Verification is what a program makes of everything that is stored.
type Verification struct {
	Instances int64 `json:"instances"` // that were read
	Events    int64 `json:"events"`    // that were decoded and folded
	Snapshots int64 `json:"snapshots"` // that were compared with the state that the events lead to
	Effects   int64 `json:"effects"`   // that wait, with dead letters
	Timers    int64 `json:"timers"`
	Outcomes  int64 `json:"outcomes"` // of inputs with an id

	// Problems are sorted by kind, workflow and name.
	Problems []Problem `json:"problems"`

	// Complete says that everything was read. Otherwise Next continues: see VerifyOptions.After.
	Complete bool                 `json:"complete"`
	Next     *store.InstancePlace `json:"next,omitempty"`
}

// OK reports whether everything was read, and the program can read all of it and deals with everything that waits.
func (v *Verification) OK() bool { return v.Complete && len(v.Problems) == 0 }

// Problem is something that is stored and that the program cannot read, or does not deal with.
type Problem struct {
	Kind     ProblemKind         `json:"kind"`
	Workflow string              `json:"workflow"`
	Name     string              `json:"name,omitempty"` // of the event type, effect, timer's input, schedule or field
	Count    int64               `json:"count"`          // of events, deliveries, outcomes or instances
	Examples []store.InstanceKey `json:"examples,omitempty"`
	Error    string              `json:"error,omitempty"` // of the first example

	// Code is the rule of "ironflow-gen breaking" that a change with this consequence breaks; empty for none. "ironflow-gen explain" says more.
	Code string `json:"code,omitempty"`
}

// ProblemKind says what is wrong.
type ProblemKind string

const (
	UnreadableHistory  ProblemKind = "unreadable history"  // an event is unknown, cannot be decoded, leads nowhere, or the evolver panics
	StuckEvolver       ProblemKind = "stuck evolver"       // it did not return within Config.DecideTimeout
	MissingField       ProblemKind = "missing field"       // a stored payload does not have a field, which is then read as zero
	OtherStatus        ProblemKind = "other status"        // the events lead to another status than the recorded one
	OtherEnd           ProblemKind = "other end"           // the instance has completed, and its state has not ended, or the other way round
	OtherSnapshot      ProblemKind = "other snapshot"      // a snapshot that this program uses is not the state that the events lead to
	UnreadableSnapshot ProblemKind = "unreadable snapshot" // a snapshot that this program uses cannot be decoded
	OrphanedEffect     ProblemKind = "orphaned effect"     // no handler of this program takes it
	OrphanedTimer      ProblemKind = "orphaned timer"      // its input is not declared
	OrphanedSchedule   ProblemKind = "orphaned schedule"   // it is not declared
	UnreadableEffect   ProblemKind = "unreadable effect"
	UnreadableTimer    ProblemKind = "unreadable timer"
	RefusedTimer       ProblemKind = "refused timer" // the machine does not accept its input in the status of the instance
	UnreadableOutcome  ProblemKind = "unreadable outcome"
	UnknownInstances   ProblemKind = "unknown workflow" // it has instances and is not registered
)

func (p Problem) String() string {
	text := fmt.Sprintf("%s: %s", p.Kind, p.Workflow)
	if p.Name != "" {
		text += " " + p.Name
	}
	text += fmt.Sprintf(": %d", p.Count)
	if len(p.Examples) > 0 {
		var ids []string
		for _, key := range p.Examples {
			ids = append(ids, fmt.Sprintf("%q", key.ID))
		}
		text += ", as in " + strings.Join(ids, ", ")
	}
	if p.Error != "" {
		text += ": " + p.Error
	}
	if p.Code != "" {
		text += " [" + p.Code + "]"
	}
	return text
}

// String is the verification for people, on several lines.
func (v *Verification) String() string {
	text := fmt.Sprintf("%d instances, %d events, %d snapshots, %d effects, %d timers, %d outcomes", v.Instances, v.Events, v.Snapshots,
		v.Effects, v.Timers, v.Outcomes)
	for _, p := range v.Problems {
		text += "\n" + p.String()
	}
	switch {
	case !v.Complete:
		text += "\nnot complete"
	case len(v.Problems) == 0:
		text += "\nthis program reads all of it"
	}
	return text
}

// maxExamples is how many instances a problem names.
const maxExamples = 10

// Add counts a problem. Those of one kind, workflow and name are one.
func (v *Verification) Add(p Problem) {
	i, found := slices.BinarySearchFunc(v.Problems, p, func(a, b Problem) int {
		return strings.Compare(a.key(), b.key())
	})
	if !found {
		v.Problems = slices.Insert(v.Problems, i, p)
		return
	}
	known := &v.Problems[i]
	known.Count += p.Count
	for _, example := range p.Examples {
		if len(known.Examples) < maxExamples && !slices.Contains(known.Examples, example) {
			known.Examples = append(known.Examples, example)
		}
	}
}

func (p *Problem) key() string { return string(p.Kind) + "\x00" + p.Workflow + "\x00" + p.Name }

// Merge adds what another part of the same verification has found.
func (v *Verification) Merge(other *Verification) {
	v.Instances, v.Events, v.Snapshots = v.Instances+other.Instances, v.Events+other.Events, v.Snapshots+other.Snapshots
	v.Effects, v.Timers, v.Outcomes = v.Effects+other.Effects, v.Timers+other.Timers, v.Outcomes+other.Outcomes
	for _, p := range other.Problems {
		v.Add(p)
	}
}
