package telemetry

import (
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ShadowReport compares what candidates would have decided with what was decided.
type ShadowReport struct {
	Compared int64 // decisions
	Dropped  int64 // that were sampled and not compared: there were too many, or the state or the input cannot be copied

	// Differences are sorted by count, the largest first.
	Differences []ShadowDifference
}

// ShadowDifference is a way in which a candidate decides differently.
type ShadowDifference struct {
	Workflow string
	State    string // status before the decision; empty for a workflow without states
	Input    string

	// Decided and Candidate name what was decided and what the candidate would decide: events, effects, timers and cancellations, or a
	// rejection. They have no payloads. When they are the same, Fields names those whose fields differ.
	Decided, Candidate string
	Fields             string

	Count    int64
	Examples []ShadowExample // up to 10
}

// ShadowExample is a decision of which a candidate makes another one.
type ShadowExample struct {
	Instance store.InstanceKey
	Version  int64 // of the instance before the decision
}

func (d ShadowDifference) String() string {
	where := d.Workflow
	if d.State != "" {
		where += " in " + d.State
	}
	text := fmt.Sprintf("%s on %s: %d times %s, the candidate %s", where, d.Input, d.Count, d.Decided, d.Candidate)
	if d.Fields != "" {
		text += ", with other fields of " + d.Fields
	}
	var examples []string
	for _, e := range d.Examples {
		examples = append(examples, fmt.Sprintf("%q at version %d", e.Instance.ID, e.Version))
	}
	return text + ", as in " + strings.Join(examples, ", ")
}
