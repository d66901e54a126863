package bound

import (
	"context"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// strict fails a test when an invalid argument reaches it.
type strict struct {
	hanging
	t    *testing.T
	ends int // of units of work
}

func (s *strict) Append(context.Context, store.Batch) error {
	s.t.Error("Append was called")
	return nil
}
func (s *strict) Read(context.Context, []store.ReadRequest) ([]store.Instance, error) {
	s.t.Error("Read was called")
	return nil, nil
}
func (s *strict) Effects() store.Queue { return s }
func (s *strict) Timers() store.Queue  { return s }
func (s *strict) Extend(context.Context, []store.Lease, time.Time) ([]store.Lease, error) {
	s.t.Error("Extend was called")
	return nil, nil
}
func (s *strict) Settle(context.Context, []store.Settlement) ([]store.Lease, error) {
	s.t.Error("Settle was called")
	return nil, nil
}
func (s *strict) Revive(context.Context, store.QueueName, []store.Lease, time.Time) ([]store.Lease, error) {
	s.t.Error("Revive was called")
	return nil, nil
}
func (s *strict) Discard(context.Context, store.QueueName, []store.Lease, store.Discard) ([]store.Lease, error) {
	s.t.Error("Discard was called")
	return nil, nil
}
func (s *strict) Begin(_ context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if len(requests) > 1 {
		s.t.Error("Begin was called")
	}
	return strictUnit{s}, nil
}

type strictUnit struct{ *strict }

func (u strictUnit) Instances() []store.Instance {
	return []store.Instance{{Key: store.InstanceKey{Workflow: "order", ID: "1"}}}
}
func (u strictUnit) Commit(context.Context, store.CommitID, []store.Change) error {
	u.t.Error("Commit was called")
	return nil
}
func (u strictUnit) Rollback(context.Context) error { u.ends++; return nil }

func TestNothingInvalidReachesTheStore(t *testing.T) {
	t.Parallel()
	on := &strict{t: t}
	s, ctx := New(on, time.Minute), t.Context()
	key := store.InstanceKey{Workflow: "order", ID: "1"}
	twice := []store.ReadRequest{{Instance: key}, {Instance: key}}
	timer := []store.Lease{{Queue: store.TimerQueue, Instance: key}}
	valid := store.Change{Instance: key, Events: []store.NewEvent{{Type: "Noted"}}}
	stranger := valid
	stranger.Instance.ID = "2"

	call := map[string]func() error{
		"Read":    func() error { _, err := s.Read(ctx, twice); return err },
		"Append":  func() error { return s.Append(ctx, store.Batch{Changes: []store.Change{{Instance: key}}}) },
		"Begin":   func() error { _, err := s.Begin(ctx, twice); return err },
		"Extend":  func() error { _, err := s.Effects().Extend(ctx, timer, time.Time{}); return err },
		"Settle":  func() error { _, err := s.Timers().Settle(ctx, []store.Settlement{{Lease: timer[0]}}); return err },
		"Revive":  func() error { _, err := s.Revive(ctx, store.EffectQueue, timer, time.Time{}); return err },
		"Discard": func() error { _, err := s.Discard(ctx, store.EffectQueue, timer, store.Discard{}); return err },
	}
	for name, changes := range map[string][]store.Change{"no events": {{Instance: key}}, "two": {valid, valid}, "a stranger": {stranger}} {
		call["Commit of "+name] = func() error {
			work, err := s.Begin(ctx, twice[:1])
			if err != nil {
				t.Fatal(err)
			}
			return work.Commit(ctx, 1, changes)
		}
	}
	for name, run := range call {
		if err := run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if on.ends != 3 {
		t.Errorf("%d units of work have ended, want 3", on.ends)
	}
}
