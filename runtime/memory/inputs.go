package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InputOutcomes implements [store.InputLog].
func (s *Store) InputOutcomes(ctx context.Context, inputs []store.InputKey) (outcomes [][]byte, err error) {
	err = s.read(ctx, "read outcomes of inputs", func() error {
		for _, input := range inputs {
			outcomes = append(outcomes, bytes.Clone(s.outcomes[input].Outcome))
		}
		return nil
	})
	return outcomes, err
}

// RecordInputs implements [store.InputLog].
func (s *Store) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return s.write(ctx, "record inputs", func(t *transaction) error { return s.record(t, &inputs) })
}

func (d *data) record(t *transaction, inputs *store.InputRecords) error {
	for _, o := range inputs.Outcomes {
		if _, there := d.outcomes[o.Input]; there {
			return fmt.Errorf("%s: input %q has an outcome already: %w", o.Input.Instance, o.Input.ID, store.ErrConflict)
		}
		o.Outcome, o.RecordedAt = bytes.Clone(o.Outcome), store.StoredTime(o.RecordedAt)
		o.Subject, o.Personal = "", nil
		put(t, d.outcomes, o.Input, o)
	}
	for _, o := range inputs.Observations {
		set(t, &d.observed, d.observed+1)
		o = copyObservation(o)
		o.Number, o.ObservedAt = d.observed, store.StoredTime(o.ObservedAt)
		set(t, &d.observations, append(d.observations, o))
	}
	for _, r := range inputs.Audit {
		put(t, d.audits, r.ID, storedAudit(r))
	}
	return d.addKeys(t, inputs.Keys)
}

func copyObservation(o store.Observation) store.Observation {
	o.Payload, o.RejectionPayload, o.Subject = bytes.Clone(o.Payload), bytes.Clone(o.RejectionPayload), ""
	return o
}

// Observations implements [store.InputLog].
func (s *Store) Observations(ctx context.Context, query store.ObservationQuery) (found []store.Observation, err error) {
	before := store.Observation{ObservedAt: store.StoredTime(query.Before), Number: query.BeforeNumber}
	newestFirst := func(a, b store.Observation) int {
		return cmp.Or(b.ObservedAt.Compare(a.ObservedAt), cmp.Compare(b.Number, a.Number))
	}
	err = s.read(ctx, "read observations", func() error {
		for _, o := range s.observations {
			if (query.Instance.ID == "" || o.Instance.ID == query.Instance.ID) &&
				(query.Instance.Workflow == "" || o.Instance.Workflow == query.Instance.Workflow) &&
				(query.Before.IsZero() || newestFirst(before, o) < 0) {
				found = append(found, o)
			}
		}
		return nil
	})
	slices.SortFunc(found, newestFirst)
	found = page(found, query.Limit, func(o store.Observation) int { return len(o.Payload) + len(o.RejectionPayload) })
	for i := range found {
		found[i] = copyObservation(found[i])
	}
	return found, err
}

// page cuts a list to a number of rows, and behind the row that makes the payloads of the page [store.PageBytes] large.
func page[T any](rows []T, limit int, size func(T) int) []T {
	bytes := 0
	for i := range rows {
		if bytes += size(rows[i]); i >= limit {
			return rows[:max(limit, 0)]
		} else if bytes >= store.PageBytes {
			return rows[:i+1]
		}
	}
	return rows
}

// PauseWorkflow implements [store.Pauses].
func (s *Store) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	pause.At, pause.By, pause.Reason = store.StoredTime(pause.At), usererr.Bound(pause.By), usererr.Bound(pause.Reason)
	return s.write(ctx, "pause workflow "+pause.Workflow, func(t *transaction) error {
		put(t, s.pauses, pause.Workflow, pause)
		s.audit(ctx, t, 1)
		return nil
	})
}

// ResumeWorkflow implements [store.Pauses].
func (s *Store) ResumeWorkflow(ctx context.Context, workflow string) error {
	return s.write(ctx, "resume workflow "+workflow, func(t *transaction) error {
		if _, paused := s.pauses[workflow]; paused {
			drop(t, s.pauses, workflow)
			s.audit(ctx, t, 1)
		}
		return nil
	})
}

// PausedWorkflows implements [store.Pauses].
func (s *Store) PausedWorkflows(ctx context.Context) (pauses []store.Pause, err error) {
	err = s.read(ctx, "list paused workflows", func() error {
		for _, pause := range s.pauses {
			pauses = append(pauses, pause)
		}
		return nil
	})
	slices.SortFunc(pauses, func(a, b store.Pause) int { return cmp.Compare(a.Workflow, b.Workflow) })
	return pauses, err
}
