package runtime

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// hanging is a store that never answers, and ignores its contexts, until the test ends.
type hanging chan struct{}

func stay[T any](h hanging) (value T, err error) {
	<-h
	return value, errors.New("too late")
}

func (h hanging) err() error {
	<-h
	return errors.New("too late")
}

func (h hanging) Read(context.Context, []ReadRequest) ([]Instance, error) { return stay[[]Instance](h) }
func (h hanging) Append(context.Context, Batch) error                     { return h.err() }
func (h hanging) Committed(context.Context, InstanceKey, int64, CommitID) (bool, error) {
	return stay[bool](h)
}
func (h hanging) Begin(context.Context, []ReadRequest) (UnitOfWork, error) {
	return stay[UnitOfWork](h)
}
func (h hanging) InputOutcomes(context.Context, []InputKey) ([][]byte, error) {
	return stay[[][]byte](h)
}
func (h hanging) RecordInputs(context.Context, InputRecords) error { return h.err() }
func (h hanging) Observations(context.Context, ObservationQuery) ([]Observation, error) {
	return stay[[]Observation](h)
}
func (h hanging) PutSchedules(context.Context, []StoredSchedule) error { return h.err() }
func (h hanging) History(context.Context, InstanceKey, int64, int) ([]StoredEvent, error) {
	return stay[[]StoredEvent](h)
}
func (h hanging) ListInstances(context.Context, InstanceList) ([]InstanceSummary, error) {
	return stay[[]InstanceSummary](h)
}
func (h hanging) CountInstances(context.Context, InstanceFilter) (InstanceCounts, error) {
	return stay[InstanceCounts](h)
}
func (h hanging) EventTypes(context.Context, int) ([]EventType, error) {
	return stay[[]EventType](h)
}
func (h hanging) Summary(context.Context, InstanceKey) (InstanceSummary, error) {
	return stay[InstanceSummary](h)
}
func (h hanging) ListDiscarded(context.Context, DiscardedList) ([]DiscardedLetter, error) {
	return stay[[]DiscardedLetter](h)
}
func (h hanging) EventCauses(context.Context, CauseQuery) ([]EventCause, error) {
	return stay[[]EventCause](h)
}
func (h hanging) EndedDeliveries(context.Context, InstanceKey, int64, int) ([]EndedDelivery, error) {
	return stay[[]EndedDelivery](h)
}
func (h hanging) PauseWorkflow(context.Context, Pause) error       { return h.err() }
func (h hanging) ResumeWorkflow(context.Context, string) error     { return h.err() }
func (h hanging) PausedWorkflows(context.Context) ([]Pause, error) { return stay[[]Pause](h) }
func (h hanging) FinishedInstances(context.Context, FinishedList) ([]InstanceSummary, error) {
	return stay[[]InstanceSummary](h)
}
func (h hanging) DeleteInstances(context.Context, []InstanceVersion, FeedPosition) ([]InstanceKey, error) {
	return stay[[]InstanceKey](h)
}
func (h hanging) DeleteRecords(context.Context, RecordKind, time.Time, int) (int64, error) {
	return stay[int64](h)
}
func (h hanging) TakeChore(context.Context, string, time.Time, time.Time) (int64, bool, error) {
	return 0, false, h.err()
}
func (h hanging) MoveChore(context.Context, string, int64, time.Time) (bool, error) {
	return stay[bool](h)
}
func (h hanging) SaveSnapshots(context.Context, []Snapshot) error { return h.err() }
func (h hanging) Effects() Queue                                  { return h }
func (h hanging) Timers() Queue                                   { return h }
func (h hanging) ClaimLimited(context.Context, LimitedClaim) (LimitedClaimed, error) {
	return stay[LimitedClaimed](h)
}
func (h hanging) Unpark(context.Context, []Kind) error { return h.err() }
func (h hanging) LookBack(context.Context, map[Kind]time.Time) (map[Kind]time.Time, error) {
	return stay[map[Kind]time.Time](h)
}
func (h hanging) EventsSince(context.Context, FeedPosition, int, ...EventFilter) (FeedPage, error) {
	return stay[FeedPage](h)
}
func (h hanging) FeedHorizon(context.Context) (FeedHorizon, error) { return stay[FeedHorizon](h) }
func (h hanging) FeedBlockers(context.Context) ([]FeedBlocker, error) {
	return stay[[]FeedBlocker](h)
}
func (h hanging) FirstEventAfter(context.Context, FeedPosition) (time.Time, error) {
	return stay[time.Time](h)
}
func (h hanging) Projections(context.Context, ...string) ([]ProjectionState, error) {
	return stay[[]ProjectionState](h)
}
func (h hanging) UpdateProjection(context.Context, string, ProjectionUpdate) error { return h.err() }
func (h hanging) Claim(context.Context, Claim) ([]Delivery, error)                 { return stay[[]Delivery](h) }
func (h hanging) Extend(context.Context, []Lease, time.Time) ([]Lease, error) {
	return stay[[]Lease](h)
}
func (h hanging) Settle(context.Context, []Settlement) ([]Lease, error)        { return stay[[]Lease](h) }
func (h hanging) Realign(context.Context, time.Time, time.Time) (int64, error) { return stay[int64](h) }
func (h hanging) ListDead(context.Context, DeadLetterList) ([]DeadLetter, error) {
	return stay[[]DeadLetter](h)
}
func (h hanging) CountDead(context.Context, DeadLetterFilter) ([]DeadLetterCount, error) {
	return stay[[]DeadLetterCount](h)
}
func (h hanging) Revive(context.Context, []Lease, time.Time) ([]Lease, error) {
	return stay[[]Lease](h)
}
func (h hanging) Discard(context.Context, []Lease, Discard) ([]Lease, error) {
	return stay[[]Lease](h)
}
func (h hanging) Backlog(context.Context, time.Time, int) ([]Backlog, error) {
	return stay[[]Backlog](h)
}
func (h hanging) Waiting(context.Context, InstanceKey, int) ([]WaitingDelivery, error) {
	return stay[[]WaitingDelivery](h)
}
func (h hanging) Commit(context.Context, CommitID, []Change) error { return h.err() }
func (h hanging) Rollback(context.Context) error                   { return h.err() }
func (h hanging) Instances() []Instance                            { return nil }
func (h hanging) Notify(context.Context, News) error               { return h.err() }
func (h hanging) Listen(context.Context, func(News)) error         { return h.err() }

// hangingTransaction is a transaction of a caller that never answers.
type hangingTransaction struct{ hanging }

func (h hangingTransaction) Notify(context.Context) error { return h.err() }

// Every call to a store ends, at the bound or with the caller's context, even if the store ignores its context. A method that the
// contract gains is found here by itself.
func TestEveryStoreCallIsBounded(t *testing.T) {
	t.Parallel()
	never := make(hanging)
	defer close(never)
	const bound, patience = 50 * time.Millisecond, 20 * time.Millisecond
	wrapped := func(timeout time.Duration) map[reflect.Type]any {
		l := limit{timeout}
		store := bounded(never, timeout)
		return map[reflect.Type]any{
			reflect.TypeFor[Store]():       store,
			reflect.TypeFor[Queue]():       store.Effects(),
			reflect.TypeFor[UnitOfWork]():  &boundedUnit{limit: l, alone: true, work: never},
			reflect.TypeFor[Transaction](): boundedTransaction{l, hangingTransaction{never}},
			reflect.TypeFor[Notifier]():    store.notifier(),
		}
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	calling := func(of reflect.Type, timeout, patience time.Duration, method reflect.Method, check func(err error)) {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			on := wrapped(timeout)[of]
			arguments := []reflect.Value{reflect.ValueOf(ctx)}
			for i := 1; i < method.Type.NumIn(); i++ {
				if !method.Type.IsVariadic() || i < method.Type.NumIn()-1 {
					arguments = append(arguments, reflect.Zero(method.Type.In(i)))
				}
			}
			began := time.Now()
			results := reflect.ValueOf(on).MethodByName(method.Name).Call(arguments)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%v.%s took %v", of, method.Name, took)
			}
			err, _ := results[len(results)-1].Interface().(error)
			check(err)
		})
	}
	for of := range wrapped(time.Hour) {
		for i := range of.NumMethod() {
			method := of.Method(i)
			if method.Type.NumIn() == 0 || method.Type.In(0) != reflect.TypeFor[context.Context]() || method.Name == "Listen" {
				continue
			}
			commits := method.Name == "Append" || method.Name == "Commit"
			calling(of, bound, time.Hour, method, func(err error) {
				var silent *StoreTimeout
				if !errors.As(err, &silent) || silent.Call != method.Name || silent.After != bound || !strings.Contains(err.Error(), method.Name) {
					t.Errorf("%v.%s: got %v", of, method.Name, err)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) != commits {
					t.Errorf("%v.%s is the wrong kind of error: %v", of, method.Name, err)
				}
			})
			if method.Name == "Rollback" {
				continue // it does not end with the caller
			}
			calling(of, time.Hour, patience, method, func(err error) {
				var silent *StoreTimeout
				if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &silent) || errors.Is(err, ErrOutcomeUnknown) != commits {
					t.Errorf("%v.%s with a deadline: got %v", of, method.Name, err)
				}
			})
		}
	}
}

// lateStore begins a unit of work after its caller has gone.
type lateStore struct {
	hanging
	begun chan UnitOfWork
}

func (s lateStore) Begin(context.Context, []ReadRequest) (UnitOfWork, error) { return <-s.begun, nil }

type lateUnit struct {
	hanging
	rolledBack chan struct{}
}

func (u lateUnit) Rollback(context.Context) error {
	close(u.rolledBack)
	return nil
}

func TestUnitOfWorkThatComesTooLateIsRolledBack(t *testing.T) {
	t.Parallel()
	store := lateStore{make(hanging), make(chan UnitOfWork)}
	var silent *StoreTimeout
	if _, err := bounded(store, time.Millisecond).Begin(t.Context(), nil); !errors.As(err, &silent) {
		t.Fatalf("got error %v", err)
	}
	late := lateUnit{rolledBack: make(chan struct{})}
	store.begun <- late
	select {
	case <-late.rolledBack:
	case <-time.After(10 * time.Second):
		t.Error("the unit of work is left open")
	}
}

// brokenStore panics.
type brokenStore struct{ hanging }

func (brokenStore) Read(context.Context, []ReadRequest) ([]Instance, error) { panic("a bug") }

func TestStoreThatPanics(t *testing.T) {
	t.Parallel()
	_, err := bounded(brokenStore{}, time.Minute).Read(t.Context(), nil)
	var panicked *PanicError
	if !errors.As(err, &panicked) || panicked.Value != "a bug" {
		t.Errorf("got error %v", err)
	}
}

// An answer that comes in time is passed on, with its error.
func TestStoreAnswersInTime(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	n, err := answered(t.Context(), limit{time.Minute}, "Call", func(context.Context) (int, error) { return 7, failed }, nil)
	if n != 7 || err != failed {
		t.Errorf("got %d and error %v", n, err)
	}
}
