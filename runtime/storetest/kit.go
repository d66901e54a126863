package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// kit is what a rule works with: its fixture, and the ways to write and read that nearly every rule needs.
type kit struct {
	*testing.T
	Fixture
	ctx context.Context // ends after a time no rule needs unless something hangs
}

func newKit(t *testing.T, f Fixture) *kit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &kit{T: t, Fixture: f, ctx: ctx}
}

// epoch is the now of most changes. Its last digit is a microsecond, the smallest step a store keeps.
var epoch = time.Date(2031, time.March, 4, 5, 6, 7, 890_123_000, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// order names an instance of the workflow that most rules use.
func order(id string) runtime.InstanceKey { return runtime.InstanceKey{Workflow: "order", ID: id} }

// change appends n events to an instance that is at version; a rule adds to it what it is about.
func change(instance runtime.InstanceKey, version int64, n int) runtime.Change {
	c := runtime.Change{Instance: instance, Version: version, Now: epoch}
	for i := range n {
		c.Events = append(c.Events, runtime.NewEvent{
			Type: "Noted", SchemaVersion: 1, Payload: fmt.Appendf(nil, `{"version":%d}`, version+int64(i)+1),
		})
	}
	return c
}

func (k *kit) begin(instances ...runtime.InstanceKey) runtime.UnitOfWork {
	k.Helper()
	u, err := k.Store.Begin(k.ctx, instances)
	if err != nil {
		k.Fatalf("Begin %v: %v", instances, err)
	}
	return u
}

// first returns the instance of a unit of work over one.
func first(u runtime.UnitOfWork) runtime.Instance { return u.Instances()[0] }

func (k *kit) rollback(u runtime.UnitOfWork) {
	k.Helper()
	if err := u.Rollback(k.ctx); err != nil {
		k.Fatalf("Rollback: %v", err)
	}
}

// try runs one unit of work that commits changes. It may be called by any goroutine.
func (k *kit) try(changes ...runtime.Change) error {
	var instances []runtime.InstanceKey
	for _, c := range changes {
		instances = append(instances, c.Instance)
	}
	u, err := k.Store.Begin(k.ctx, instances)
	if err != nil {
		return fmt.Errorf("begin %v: %w", instances, err)
	}
	return u.Commit(k.ctx, changes)
}

func (k *kit) commit(changes ...runtime.Change) {
	k.Helper()
	if err := k.try(changes...); err != nil {
		k.Fatalf("Commit: %v", err)
	}
}

// refuse says that the changes are refused with an error that is accepted by want, and leave no trace.
func (k *kit) refuse(want func(error) bool, changes ...runtime.Change) {
	k.Helper()
	before := k.dump()
	err := k.try(changes...)
	if err == nil || !want(err) {
		k.Errorf("Commit: got error %v, which is not the one wanted", err)
	}
	k.unchanged(before)
}

func isConflict(err error) bool { return errors.Is(err, runtime.ErrConflict) }

func isLeaseLost(err error) bool {
	var lost *runtime.LeaseLost
	return errors.As(err, &lost)
}

// decide does what the engine does for one input: it loads the instance, lets next make a change of it, commits, and
// begins anew as long as it loses a race. It may be called by any goroutine.
func (k *kit) decide(instance runtime.InstanceKey, next func(runtime.Instance) runtime.Change) error {
	for {
		u, err := k.Store.Begin(k.ctx, []runtime.InstanceKey{instance})
		if err != nil {
			return fmt.Errorf("begin %s: %w", instance, err)
		}
		err = u.Commit(k.ctx, []runtime.Change{next(first(u))})
		if !errors.Is(err, runtime.ErrConflict) {
			return err
		}
	}
}

func (k *kit) load(instance runtime.InstanceKey) runtime.Instance {
	k.Helper()
	i, err := k.Store.Load(k.ctx, instance)
	if err != nil {
		k.Fatalf("Load %s: %v", instance, err)
	}
	return i
}

// wantVersion says that an instance is at a version, with an event for each version up to it.
func (k *kit) wantVersion(instance runtime.InstanceKey, version int64) {
	k.Helper()
	i := k.load(instance)
	if i.Version != version {
		k.Errorf("%s is at version %d, want %d", instance, i.Version, version)
	}
	k.wantSerial(i.Events, version)
}

// wantSerial says that events are those of versions 1 to version, in order.
func (k *kit) wantSerial(events []runtime.StoredEvent, version int64) {
	k.Helper()
	var got []int64
	for _, e := range events {
		got = append(got, e.Version)
	}
	var want []int64
	for v := range version {
		want = append(want, v+1)
	}
	if !slices.Equal(got, want) {
		k.Errorf("got events of versions %v, want 1 to %d", got, version)
	}
	if !slices.IsSortedFunc(events, func(a, b runtime.StoredEvent) int { return int(a.GlobalSequence - b.GlobalSequence) }) {
		k.Errorf("the global sequence does not grow with the version")
	}
}

// together runs n goroutines that start at once, and fails the test with whatever they return.
func (k *kit) together(n int, run func(i int) error) {
	k.Helper()
	var group sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = run(i)
		})
	}
	close(start)
	group.Wait()
	for i, err := range errs {
		if err != nil {
			k.Errorf("goroutine %d: %v", i, err)
		}
	}
	if k.Failed() {
		k.FailNow()
	}
}

// soon says that run returns within a time that is long for a machine and short for a lock that is never freed.
func (k *kit) soon(what string, run func()) {
	k.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		k.Fatalf("%s does not return", what)
	}
}

// short cuts a text for a failure message.
func short(s string) string {
	if len(s) > 80 {
		return s[:80] + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return strings.ToValidUTF8(s, "?")
}
