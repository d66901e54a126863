package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// kit is what a rule works with: its fixture, and the ways to write and read that nearly every rule needs.
type kit struct {
	*testing.T
	Fixture
	way way             // in which the rule stores its changes
	ctx context.Context // ends after a time no rule needs unless something hangs

	abilities
}

// abilities are those of the store; nil for those that it lacks.
type abilities struct {
	inputLog    store.InputLog
	schedules   store.Schedules
	snapshots   store.Snapshots
	inspection  store.Inspection
	causes      store.Causes
	search      store.Search
	deadLetters store.DeadLetters
	pauses      store.Pauses
	subjects    store.SubjectKeys
	programs    store.Programs
	audit       store.AuditLog
	forgetting  store.Forgetting
	cells       store.Cells
	limits      store.Limits
	feed        store.Feed
	transfer    store.Transfer
	progress    store.Projections
	dueTimes    store.DueTimes
}

// has reports whether the store has an ability, by the name of its interface, or SQL.
func (k *kit) has(name string) bool {
	a := &k.abilities
	return map[string]bool{
		"SQL":      k.DB != nil,
		"InputLog": a.inputLog != nil, "Schedules": a.schedules != nil, "Snapshots": a.snapshots != nil, "Inspection": a.inspection != nil,
		"Causes": a.causes != nil, "Search": a.search != nil, "DeadLetters": a.deadLetters != nil, "Pauses": a.pauses != nil, "Forgetting": a.forgetting != nil, "Cells": a.cells != nil,
		"Limits": a.limits != nil, "Feed": a.feed != nil, "Transfer": a.transfer != nil, "Projections": a.progress != nil,
		"Programs": a.programs != nil, "AuditLog": a.audit != nil, "SubjectKeys": a.subjects != nil, "DueTimes": a.dueTimes != nil,
	}[name]
}

func abilitiesOf(st store.Store) (a abilities) {
	a.inputLog, _ = st.(store.InputLog)
	a.schedules, _ = st.(store.Schedules)
	a.snapshots, _ = st.(store.Snapshots)
	a.inspection, _ = st.(store.Inspection)
	a.causes, _ = st.(store.Causes)
	a.search, _ = st.(store.Search)
	a.deadLetters, _ = st.(store.DeadLetters)
	a.pauses, _ = st.(store.Pauses)
	a.subjects, _ = st.(store.SubjectKeys)
	a.programs, _ = st.(store.Programs)
	a.audit, _ = st.(store.AuditLog)
	a.forgetting, _ = st.(store.Forgetting)
	a.cells, _ = st.(store.Cells)
	a.limits, _ = st.(store.Limits)
	a.feed, _ = st.(store.Feed)
	a.transfer, _ = st.(store.Transfer)
	a.progress, _ = st.(store.Projections)
	a.dueTimes, _ = st.(store.DueTimes)
	return a
}

func newKit(t *testing.T, f Fixture, w way) *kit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return &kit{T: t, Fixture: f, way: w, ctx: ctx, abilities: abilitiesOf(f.Store)}
}

// epoch is the now of most changes. Its last digit is a microsecond, the smallest step a store keeps.
var epoch = time.Date(2031, time.March, 4, 5, 6, 7, 890_123_000, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// order names an instance of the workflow that most rules use.
func order(id string) store.InstanceKey { return store.InstanceKey{Workflow: "order", ID: id} }

// change appends n events to an instance that is at version; a rule adds to it what it is about.
func change(instance store.InstanceKey, version int64, n int) store.Change {
	c := store.Change{Instance: instance, Version: version, Now: epoch, Due: epoch}
	for i := range n {
		c.Events = append(c.Events, store.NewEvent{
			Type: "Noted", SchemaVersion: 1, Payload: fmt.Appendf(nil, `{"version":%d}`, version+int64(i)+1),
		})
	}
	return c
}

// way is one of the two ways to decide and store.
type way int

const (
	unitOfWork way = iota // Begin, Commit
	appending             // Read, Append
)

func (w way) String() string { return [...]string{"unit of work", "append"}[w] }

func newID() store.CommitID { return store.CommitID(rand.Int64() + 1) }

// ask asks for the whole of instances.
func ask(instances ...store.InstanceKey) []store.ReadRequest {
	var requests []store.ReadRequest
	for _, i := range instances {
		requests = append(requests, store.ReadRequest{Instance: i})
	}
	return requests
}

func (k *kit) begin(instances ...store.InstanceKey) store.UnitOfWork {
	k.Helper()
	u, err := k.Store.Begin(k.ctx, ask(instances...))
	if err != nil {
		k.Fatalf("Begin %v: %v", instances, err)
	}
	return u
}

// first returns the instance of a unit of work over one.
func first(u store.UnitOfWork) store.Instance { return u.Instances()[0] }

func (k *kit) rollback(u store.UnitOfWork) {
	k.Helper()
	if err := u.Rollback(k.ctx); err != nil {
		k.Fatalf("Rollback: %v", err)
	}
}

// attempt does what the engine does for a set of inputs: it loads the instances, lets next make changes of them, and
// stores these.
func (k *kit) attempt(instances []store.InstanceKey, next func([]store.Instance) []store.Change) error {
	if k.way == appending {
		found, err := k.Store.Read(k.ctx, ask(instances...))
		if err != nil {
			return fmt.Errorf("read %v: %w", instances, err)
		}
		return k.Store.Append(k.ctx, store.Batch{Commit: newID(), Changes: next(found)})
	}
	u, err := k.Store.Begin(k.ctx, ask(instances...))
	if err != nil {
		return fmt.Errorf("begin %v: %w", instances, err)
	}
	return u.Commit(k.ctx, newID(), next(u.Instances()))
}

// decide attempts anew as long as it loses a race. It may be called by any goroutine.
func (k *kit) decide(instances []store.InstanceKey, next func([]store.Instance) []store.Change) error {
	for {
		if err := k.attempt(instances, next); !isConflict(err) {
			return err
		}
	}
}

func (k *kit) decideOne(instance store.InstanceKey, next func(store.Instance) store.Change) error {
	return k.decide([]store.InstanceKey{instance}, func(found []store.Instance) []store.Change {
		return []store.Change{next(found[0])}
	})
}

// tryAs stores changes under an id. It may be called by any goroutine.
func (k *kit) tryAs(id store.CommitID, changes ...store.Change) error {
	if k.way == appending {
		return k.Store.Append(k.ctx, store.Batch{Commit: id, Changes: changes})
	}
	var instances []store.InstanceKey
	for _, c := range changes {
		if !slices.Contains(instances, c.Instance) {
			instances = append(instances, c.Instance)
		}
	}
	u, err := k.Store.Begin(k.ctx, ask(instances...))
	if err != nil {
		return fmt.Errorf("begin %v: %w", instances, err)
	}
	return u.Commit(k.ctx, id, changes)
}

func (k *kit) try(changes ...store.Change) error { return k.tryAs(newID(), changes...) }

func (k *kit) commit(changes ...store.Change) {
	k.Helper()
	if err := k.try(changes...); err != nil {
		k.Fatalf("%v: %v", k.way, err)
	}
}

// refuse says that the changes are refused with an error that is accepted by want, and leave no trace. When a batch is
// appended, any error will do: the engine takes its members one by one to see what is wrong with which.
func (k *kit) refuse(want func(error) bool, changes ...store.Change) {
	k.Helper()
	before := k.dump()
	err := k.try(changes...)
	if err == nil || !want(err) && (k.way != appending || len(changes) == 1) {
		k.Errorf("%v: got error %v, which is not the one wanted", k.way, err)
	}
	k.unchanged(before)
}

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

func isLeaseLost(err error) bool {
	var lost *store.LeaseLost
	return errors.As(err, &lost)
}

func (k *kit) read(requests ...store.ReadRequest) []store.Instance {
	k.Helper()
	found, err := k.Store.Read(k.ctx, requests)
	if err != nil || len(found) != len(requests) {
		k.Fatalf("Read %v: got %d instances, error %v", requests, len(found), err)
	}
	return found
}

// load reads all of an instance, also when it is completed.
func (k *kit) load(instance store.InstanceKey) store.Instance {
	k.Helper()
	return k.read(store.ReadRequest{Instance: instance, Completed: true})[0]
}

// wantVersion says that an instance is at a version, with an event for each version up to it.
func (k *kit) wantVersion(instance store.InstanceKey, version int64) {
	k.Helper()
	i := k.load(instance)
	if i.Version != version {
		k.Errorf("%s is at version %d, want %d", instance, i.Version, version)
	}
	k.wantSerial(i.Events, version)
}

// wantSerial says that events are those of versions 1 to version, in order.
func (k *kit) wantSerial(events []store.StoredEvent, version int64) {
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
	if !slices.IsSortedFunc(events, func(a, b store.StoredEvent) int { return int(a.GlobalSequence - b.GlobalSequence) }) {
		k.Errorf("the global sequence does not grow with the version")
	}
}

// pages reads a list to its end. next reads the part behind an item, or the first part for nil.
func pages[T any](k *kit, limit int, next func(after *T) ([]T, error)) (all []T) {
	k.Helper()
	for {
		var after *T
		if len(all) > 0 {
			after = &all[len(all)-1]
		}
		page, err := next(after)
		if err != nil || len(page) > limit {
			k.Fatalf("got %d of at most %d, error %v", len(page), limit, err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
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
	if len(s) > 2000 {
		return s[:2000] + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return strings.ToValidUTF8(s, "?")
}
