package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Shadow compares the decisions of an engine with those of candidates. A candidate is a workflow of the same generated package with
// another decider. After a decision was made, the candidate's decider is called with copies of the state and the input, and with the same
// now. Its decision is compared, but not stored, and no handler is called for it. No input waits for a candidate: all candidates together
// use at most a twentieth of the time of one processor. A panic of a candidate counts as a different decision. A candidate that does not
// return within Config.DecideTimeout is not called again.
//
// Engine.ShadowReport says how often and how their decisions differ.
type Shadow struct {
	Candidates []*Workflow

	// Share is the share of decisions that are compared, from 0 to 1. Default: 0.1.
	Share float64
}

// newShadow checks the candidates. It returns nil when there are none.
func (e *Engine) newShadow() (*shadow.Shadow, error) {
	c := &e.config.Shadow
	if c.Share < 0 || c.Share > 1 {
		return nil, fmt.Errorf("ironflow: Config.Shadow.Share is %v; it must be from 0 to 1", c.Share)
	}
	candidates := make(map[string]*Workflow)
	for _, w := range c.Candidates {
		if w == nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow has a candidate that is nil")
		}
		if err := w.Err(); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", err)
		}
		if _, err := e.workflow(w.Name()); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", err)
		}
		if candidates[w.Name()] != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", &RegisteredTwice{What: "candidate", Name: w.Name()})
		}
		candidates[w.Name()] = w
	}
	e.candidates = candidates
	return e.shadowOf(c.Share), nil
}

func (e *Engine) shadowOf(share float64) *shadow.Shadow {
	return shadow.New(shadow.Config{Candidates: e.candidates, Share: share, Timeout: e.config.DecideTimeout, Logger: e.config.Logger})
}

// ShadowReport compares the decisions that this engine has made since NewEngine with those of the candidates of Config.Shadow. It is
// empty without candidates.
func (e *Engine) ShadowReport() telemetry.ShadowReport { return e.shadow.Report() }

// maxRecorded is the largest number of events of an instance of which ShadowRecorded compares decisions.
const maxRecorded = 10_000

// ShadowRecorded compares decisions on recorded inputs: those of the observations that the query selects, a page of them, see Config.Observe. It
// asks the deciders of this engine and the candidates of Config.Shadow, with the state and the now that the recorded decision had, and compares
// their answers as ShadowReport does. Nothing is stored, and no handler is called. The result is empty without candidates.
//
// Dropped counts inputs that cannot be compared: Config.Redact has made the payload unreadable, the history cannot be read or has more than
// 10,000 events, the state or the input cannot be copied, or the decider does not return within Config.DecideTimeout. Inputs that found a completed
// instance are not compared. ShadowRecorded fails with *store.Unsupported if the store lacks the ability InputLog or Transfer.
func (e *Engine) ShadowRecorded(ctx context.Context, query ObservationQuery) (telemetry.ShadowReport, error) {
	if len(e.candidates) == 0 {
		return telemetry.ShadowReport{}, nil
	}
	if err := bound.Need[store.Transfer](e.store, "Engine.ShadowRecorded"); err != nil {
		return telemetry.ShadowReport{}, err
	}
	recorded, err := e.Observations(ctx, query)
	if err != nil {
		return telemetry.ShadowReport{}, err
	}
	of := make(map[InstanceKey][]store.Observation)
	for _, o := range recorded {
		if e.candidates[o.Instance.Workflow] != nil && (o.Outcome == string(commit.Accepted) || o.Outcome == string(commit.Rejected)) {
			of[o.Instance] = append(of[o.Instance], o)
		}
	}
	s := e.shadowOf(1)
	for key, inputs := range of {
		if slices.ContainsFunc(inputs, func(o store.Observation) bool { return o.Version > maxRecorded }) {
			for range inputs {
				s.Drop()
			}
			continue
		}
		stored, err := e.store.ReadStored(ctx, []InstanceKey{key})
		if err != nil {
			return s.Report(), fmt.Errorf("ironflow: compare recorded inputs of %s: %w", key, err)
		}
		compareRecorded(s, e.workflows[key.Workflow], &stored[0], inputs)
	}
	return s.Report(), ctx.Err()
}

// compareRecorded compares the decisions on inputs of one instance, which are in the order of the newest first.
func compareRecorded(s *shadow.Shadow, w *Workflow, r *store.StoredInstance, inputs []store.Observation) {
	p := past{w: w, r: r}
	for _, o := range slices.Backward(inputs) {
		// The first event of a decision has its cause.
		before, now := o.Version, o.ObservedAt
		if o.Outcome == string(commit.Accepted) && 0 < o.Version && o.Version <= r.Version() {
			now = r.Events[o.Version-1].RecordedAt
			for before--; before > 0 && r.Events[before].Cause == nil; before-- {
			}
		}
		err := p.goTo(before)
		if err == nil {
			var input workflow.PreparedInput
			if input, err = recordedInput(w, o); err == nil {
				s.Recorded(w, now, before, p.state, input)
			}
		}
		if err != nil {
			s.Drop()
		}
	}
}

// past is the state of an instance at a version.
type past struct {
	w       *Workflow
	r       *store.StoredInstance
	state   any // nil before the first goTo
	version int64
}

func (p *past) goTo(version int64) error {
	if version > p.r.Version() {
		return errors.New("the instance was deleted")
	}
	if version < p.version {
		p.state, p.version = nil, 0
	}
	in := store.Instance{Key: p.r.Key, Version: version}
	for i := p.version; i < version; i++ {
		in.Events = append(in.Events, p.r.Events[i].StoredEvent)
	}
	state, err := p.w.Replay(p.state, in)
	if err != nil {
		return err
	}
	p.state, p.version = state, version
	return nil
}

func recordedInput(w *Workflow, o store.Observation) (input workflow.PreparedInput, err error) {
	value, err := w.DecodeInput(o.Input, o.Payload)
	if err == nil {
		input, err = w.Prepare(value)
	}
	if err == nil && input.Instance != o.Instance.ID {
		err = errors.New("the recorded input names another instance")
	}
	return input, err
}
