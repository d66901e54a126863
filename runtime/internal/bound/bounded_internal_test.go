package bound

import (
	"context"
	"errors"
	"reflect"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
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

func (h hanging) Read(context.Context, []store.ReadRequest) ([]store.Instance, error) {
	return stay[[]store.Instance](h)
}
func (h hanging) Append(context.Context, store.Batch) error { return h.err() }
func (h hanging) Committed(context.Context, store.InstanceKey, int64, store.CommitID) (bool, error) {
	return stay[bool](h)
}
func (h hanging) Begin(context.Context, []store.ReadRequest) (store.UnitOfWork, error) {
	return stay[store.UnitOfWork](h)
}
func (h hanging) InputOutcomes(context.Context, []store.InputKey) ([][]byte, error) {
	return stay[[][]byte](h)
}
func (h hanging) RecordInputs(context.Context, store.InputRecords) error { return h.err() }
func (h hanging) Observations(context.Context, store.ObservationQuery) ([]store.Observation, error) {
	return stay[[]store.Observation](h)
}
func (h hanging) PutSchedules(context.Context, []store.StoredSchedule) error { return h.err() }
func (h hanging) History(context.Context, store.InstanceKey, int64, int) ([]store.StoredEvent, error) {
	return stay[[]store.StoredEvent](h)
}
func (h hanging) ListInstances(context.Context, store.InstanceList) ([]store.InstanceSummary, error) {
	return stay[[]store.InstanceSummary](h)
}
func (h hanging) CountInstances(context.Context, store.InstanceFilter) (store.InstanceCounts, error) {
	return stay[store.InstanceCounts](h)
}
func (h hanging) IdleInstances(context.Context, []store.InstanceKey) ([]store.InstanceKey, error) {
	return stay[[]store.InstanceKey](h)
}
func (h hanging) RecordProgram(context.Context, store.Program, []byte) error { return h.err() }
func (h hanging) Programs(context.Context) ([]store.Program, error)          { return stay[[]store.Program](h) }
func (h hanging) Manifest(context.Context, string) ([]byte, error)           { return stay[[]byte](h) }
func (h hanging) ForgetPrograms(context.Context, time.Time) error            { return h.err() }
func (h hanging) NextDue(context.Context, store.QueueName, []store.Kind) (time.Time, error) {
	return stay[time.Time](h)
}
func (h hanging) RecordAudit(context.Context, store.AuditRecord) error { return h.err() }
func (h hanging) AuditRecords(context.Context, store.AuditList) ([]store.AuditRecord, error) {
	return stay[[]store.AuditRecord](h)
}
func (h hanging) ChangeSchedule(context.Context, store.ScheduleChange) (bool, error) {
	return stay[bool](h)
}
func (h hanging) EventTypes(context.Context, int) ([]store.EventType, error) {
	return stay[[]store.EventType](h)
}
func (h hanging) Summary(context.Context, store.InstanceKey) (store.InstanceSummary, error) {
	return stay[store.InstanceSummary](h)
}
func (h hanging) Summaries(context.Context, []store.InstanceKey) ([]store.InstanceSummary, error) {
	return stay[[]store.InstanceSummary](h)
}
func (h hanging) Undelivered(context.Context, []store.Lease) ([]store.Lease, error) {
	return stay[[]store.Lease](h)
}
func (h hanging) FindInstances(context.Context, store.FindQuery) ([]store.InstanceSummary, error) {
	return stay[[]store.InstanceSummary](h)
}
func (h hanging) PutSearchValues(context.Context, []store.InstanceSearch) error {
	_, err := stay[struct{}](h)
	return err
}
func (h hanging) ListDiscarded(context.Context, store.DiscardedList) ([]store.DiscardedLetter, error) {
	return stay[[]store.DiscardedLetter](h)
}
func (h hanging) EventCauses(context.Context, store.CauseQuery) ([]store.EventCause, error) {
	return stay[[]store.EventCause](h)
}
func (h hanging) EndedDeliveries(context.Context, store.InstanceKey, int64, int) ([]store.EndedDelivery, error) {
	return stay[[]store.EndedDelivery](h)
}
func (h hanging) PauseWorkflow(context.Context, store.Pause) error { return h.err() }
func (h hanging) ResumeWorkflow(context.Context, string) error     { return h.err() }
func (h hanging) PausedWorkflows(context.Context) ([]store.Pause, error) {
	return stay[[]store.Pause](h)
}
func (h hanging) FinishedInstances(context.Context, store.FinishedList) ([]store.InstanceSummary, error) {
	return stay[[]store.InstanceSummary](h)
}
func (h hanging) DeleteInstances(context.Context, []store.InstanceVersion, store.FeedPosition) ([]store.InstanceKey, error) {
	return stay[[]store.InstanceKey](h)
}
func (h hanging) DeleteRecords(context.Context, store.RecordKind, time.Time, int) (int64, error) {
	return stay[int64](h)
}
func (h hanging) TakeChore(context.Context, string, time.Time, time.Time) (int64, bool, error) {
	return 0, false, h.err()
}
func (h hanging) CellRecord(context.Context) (store.CellRecord, error) {
	return stay[store.CellRecord](h)
}
func (h hanging) PutCellRecord(context.Context, store.CellRecord) error { return h.err() }
func (h hanging) Mark(context.Context, int64, []store.InstanceKey) ([]store.InstanceKey, error) {
	return stay[[]store.InstanceKey](h)
}
func (h hanging) Unmark(context.Context, int64, []store.InstanceKey) error { return h.err() }
func (h hanging) UnmarkAll(context.Context, int64, int) (int, error)       { return stay[int](h) }
func (h hanging) KeepKeys(context.Context, []store.KeptKey) ([]string, error) {
	return stay[[]string](h)
}
func (h hanging) FreeKeys(context.Context, []store.KeptKey) error { return h.err() }
func (h hanging) MoveChore(context.Context, string, int64, time.Time) (bool, error) {
	return stay[bool](h)
}
func (h hanging) ReadStored(context.Context, []store.InstanceKey) ([]store.StoredInstance, error) {
	return stay[[]store.StoredInstance](h)
}
func (h hanging) ReadPayloads(context.Context, []store.InstanceKey) ([]store.InstancePayloads, error) {
	return stay[[]store.InstancePayloads](h)
}
func (h hanging) WriteStored(context.Context, []store.StoredInstance) error { return h.err() }
func (h hanging) SaveSnapshots(context.Context, []store.Snapshot) error     { return h.err() }
func (h hanging) Effects() store.Queue                                      { return h }
func (h hanging) Timers() store.Queue                                       { return h }
func (h hanging) ClaimLimited(context.Context, store.LimitedClaim) (store.LimitedClaimed, error) {
	return stay[store.LimitedClaimed](h)
}
func (h hanging) Unpark(context.Context, []store.Kind) error { return h.err() }
func (h hanging) LookBack(context.Context, map[store.Kind]time.Time) (map[store.Kind]time.Time, error) {
	return stay[map[store.Kind]time.Time](h)
}
func (h hanging) EventsSince(context.Context, store.FeedPosition, int, ...store.EventFilter) (store.FeedPage, error) {
	return stay[store.FeedPage](h)
}
func (h hanging) FeedHorizon(context.Context) (store.FeedHorizon, error) {
	return stay[store.FeedHorizon](h)
}
func (h hanging) FeedBlockers(context.Context) ([]store.FeedBlocker, error) {
	return stay[[]store.FeedBlocker](h)
}
func (h hanging) FirstEventAfter(context.Context, store.FeedPosition) (time.Time, error) {
	return stay[time.Time](h)
}
func (h hanging) Projections(context.Context, ...string) ([]store.ProjectionState, error) {
	return stay[[]store.ProjectionState](h)
}
func (h hanging) UpdateProjection(context.Context, string, store.ProjectionUpdate) error {
	return h.err()
}
func (h hanging) Claim(context.Context, store.Claim) ([]store.Delivery, error) {
	return stay[[]store.Delivery](h)
}
func (h hanging) Extend(context.Context, []store.Lease, time.Time) ([]store.Lease, error) {
	return stay[[]store.Lease](h)
}
func (h hanging) Settle(context.Context, []store.Settlement) ([]store.Lease, error) {
	return stay[[]store.Lease](h)
}
func (h hanging) RetryBlocked(context.Context, []store.Kind, time.Time, int) (int, error) {
	return stay[int](h)
}
func (h hanging) Realign(context.Context, time.Time, time.Time) (int64, error) { return stay[int64](h) }
func (h hanging) ListDead(context.Context, store.DeadLetterList) ([]store.DeadLetter, error) {
	return stay[[]store.DeadLetter](h)
}
func (h hanging) CountDead(context.Context, store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	return stay[[]store.DeadLetterCount](h)
}
func (h hanging) Revive(context.Context, store.QueueName, []store.Lease, time.Time) ([]store.Lease, error) {
	return stay[[]store.Lease](h)
}
func (h hanging) Discard(context.Context, store.QueueName, []store.Lease, store.Discard) ([]store.Lease, error) {
	return stay[[]store.Lease](h)
}
func (h hanging) Backlog(context.Context, store.QueueName, time.Time, int) ([]store.Backlog, error) {
	return stay[[]store.Backlog](h)
}
func (h hanging) LeaseHolders(context.Context, store.QueueName, time.Time, int) ([]store.LeaseHolder, error) {
	return stay[[]store.LeaseHolder](h)
}
func (h hanging) Waiting(context.Context, store.QueueName, store.InstanceKey, int) ([]store.WaitingDelivery, error) {
	return stay[[]store.WaitingDelivery](h)
}
func (h hanging) Commit(context.Context, store.CommitID, []store.Change) error { return h.err() }
func (h hanging) Rollback(context.Context) error                               { return h.err() }
func (h hanging) Instances() []store.Instance                                  { return nil }
func (h hanging) Notify(context.Context, store.News) error                     { return h.err() }
func (h hanging) Listen(context.Context, func(store.News)) error               { return h.err() }
func (h hanging) Time(context.Context) (time.Time, error)                      { return stay[time.Time](h) }
func (h hanging) SnapshotHolders(context.Context) ([]store.SnapshotHolder, error) {
	return stay[[]store.SnapshotHolder](h)
}
func (h hanging) ReplicaStatus(context.Context) (*store.ReplicaStatus, error) {
	return stay[*store.ReplicaStatus](h)
}

func (h hanging) SubjectKeys(context.Context, []string) ([]store.SubjectKey, error) {
	return stay[[]store.SubjectKey](h)
}
func (h hanging) AddSubjectKeys(context.Context, []store.SubjectKey) error { return h.err() }
func (h hanging) ForgetSubject(context.Context, store.ForgottenSubject) (bool, error) {
	return stay[bool](h)
}

// hangingTransaction is a transaction of a caller that never answers.
type hangingTransaction struct{ hanging }

func (h hangingTransaction) Notify(context.Context) error { return h.err() }

// Every call to a store ends, at the bound or with the caller's context, even if the store ignores its context. A method that the
// contract gains is found here by itself. Time is virtual, so that each call has begun before its context ends.
func TestEveryStoreCallIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, everyStoreCallIsBounded)
}

func everyStoreCallIsBounded(t *testing.T) {
	never := make(hanging)
	defer close(never)
	const bound, patience = 50 * time.Millisecond, 20 * time.Millisecond
	wrapped := func(timeout time.Duration) map[reflect.Type]any {
		l := Limit{Timeout: timeout}
		st := New(never, timeout)
		return map[reflect.Type]any{
			reflect.TypeFor[wholeStore]():        st,
			reflect.TypeFor[store.Queue]():       st.Effects(),
			reflect.TypeFor[store.UnitOfWork]():  &boundedUnit{target: target{Limit: l, on: never}},
			reflect.TypeFor[store.Transaction](): boundedTransaction{target{Limit: l, on: hangingTransaction{never}}},
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
			if took := time.Since(began); took > 2*StoreGrace {
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
				var silent *store.StoreTimeout
				if !errors.As(err, &silent) || silent.Call != method.Name || silent.After != bound || !strings.Contains(err.Error(), method.Name) {
					t.Errorf("%v.%s: got %v", of, method.Name, err)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrOutcomeUnknown) != commits {
					t.Errorf("%v.%s is the wrong kind of error: %v", of, method.Name, err)
				}
			})
			if method.Name == "Rollback" {
				continue // it does not end with the caller
			}
			calling(of, time.Hour, patience, method, func(err error) {
				var silent *store.StoreTimeout
				if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &silent) || errors.Is(err, store.ErrOutcomeUnknown) != commits {
					t.Errorf("%v.%s with a deadline: got %v", of, method.Name, err)
				}
			})
		}
	}
}

// lateStore begins a unit of work after its caller has gone.
type lateStore struct {
	hanging
	begun chan store.UnitOfWork
}

func (s lateStore) Begin(context.Context, []store.ReadRequest) (store.UnitOfWork, error) {
	return <-s.begun, nil
}

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
	st := lateStore{make(hanging), make(chan store.UnitOfWork)}
	var silent *store.StoreTimeout
	if _, err := New(st, time.Millisecond).Begin(t.Context(), nil); !errors.As(err, &silent) {
		t.Fatalf("got error %v", err)
	}
	late := lateUnit{rolledBack: make(chan struct{})}
	st.begun <- late
	select {
	case <-late.rolledBack:
	case <-time.After(10 * time.Second):
		t.Error("the unit of work is left open")
	}
}

// brokenStore panics.
type brokenStore struct{ hanging }

func (brokenStore) Read(context.Context, []store.ReadRequest) ([]store.Instance, error) {
	panic("a bug")
}

func TestStoreThatPanics(t *testing.T) {
	t.Parallel()
	_, err := New(brokenStore{}, time.Minute).Read(t.Context(), nil)
	var panicked *store.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "a bug" {
		t.Errorf("got error %v", err)
	}
}

// inProcess is a store in the memory of this process. Its calls end with their contexts.
type inProcess struct {
	hanging
	goroutine chan string
}

func (inProcess) InProcess() {}

func (inProcess) Read(context.Context, []store.ReadRequest) ([]store.Instance, error) {
	panic("a bug")
}

func (s inProcess) Committed(context.Context, store.InstanceKey, int64, store.CommitID) (bool, error) {
	s.goroutine <- ownGoroutine()
	return true, nil
}

func (inProcess) Append(ctx context.Context, _ store.Batch) error {
	<-ctx.Done()
	return ctx.Err()
}

// ownGoroutine returns the heading of the calling goroutine's stack, which has its number.
func ownGoroutine() string {
	stack := make([]byte, 64)
	heading, _, _ := strings.Cut(string(stack[:goruntime.Stack(stack, false)]), "[")
	return heading
}

// The calls of a store in this process have no goroutines of their own. They are bounded, and their panics are errors.
func TestStoreInProcess(t *testing.T) {
	t.Parallel()
	on := inProcess{goroutine: make(chan string, 1)}
	st := New(on, 20*time.Millisecond)
	if stored, err := st.Committed(t.Context(), store.InstanceKey{}, 1, 1); !stored || err != nil {
		t.Errorf("got %v, error %v", stored, err)
	}
	if of := <-on.goroutine; of != ownGoroutine() {
		t.Errorf("the call was made on %s, this is %s", of, ownGoroutine())
	}
	var panicked *store.PanicError
	if _, err := st.Read(t.Context(), nil); !errors.As(err, &panicked) || panicked.Value != "a bug" {
		t.Errorf("a panic: got error %v", err)
	}
	var silent *store.StoreTimeout
	if err := st.Append(t.Context(), store.Batch{}); !errors.As(err, &silent) || silent.Call != "Append" {
		t.Errorf("a call that takes too long: got error %v", err)
	}
	own := &lateTimer{Context: t.Context(), deadline: time.Now()}
	if err := own.Err(); err != context.DeadlineExceeded {
		t.Errorf("a call whose time is over: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Committed(ctx, store.InstanceKey{}, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has gone: got error %v", err)
	}
}

// An answer that comes in time is passed on, with its error.
func TestStoreAnswersInTime(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	n, err := Answered(t.Context(), Limit{Timeout: time.Minute}, "Call", func(context.Context) (int, error) { return 7, failed }, nil)
	if n != 7 || err != failed {
		t.Errorf("got %d and error %v", n, err)
	}
}

// A store that has no ability answers each call that needs one with the same clear error, but for those that only look for what there
// cannot be without the ability.
func TestCallsOfAbilitiesThatAStoreLacks(t *testing.T) {
	t.Parallel()
	st := New(struct{ store.Store }{hanging(nil)}, time.Minute)
	finds := map[string]bool{"ListDiscarded": true, "PausedWorkflows": true, "Projections": true, "SnapshotHolders": true, "ReplicaStatus": true, "Unpark": true, "Programs": true, "Manifest": true}
	own, all := reflect.TypeFor[store.Store](), reflect.TypeFor[wholeStore]()
	for i := range all.NumMethod() {
		method := all.Method(i)
		if _, core := own.MethodByName(method.Name); core {
			continue
		}
		arguments := []reflect.Value{reflect.ValueOf(t.Context())}
		for i := 1; i < method.Type.NumIn(); i++ {
			if !method.Type.IsVariadic() || i < method.Type.NumIn()-1 {
				arguments = append(arguments, reflect.Zero(method.Type.In(i)))
			}
		}
		results := reflect.ValueOf(st).MethodByName(method.Name).Call(arguments)
		err, _ := results[len(results)-1].Interface().(error)
		if finds[method.Name] {
			if err != nil || len(results) > 1 && !results[0].IsZero() {
				t.Errorf("%s: got %v, error %v", method.Name, results[0], err)
			}
			continue
		}
		var lacks *store.Unsupported
		if !errors.As(err, &lacks) {
			t.Errorf("%s: got error %v", method.Name, err)
			continue
		}
		ability, named := abilityTypes[lacks.Ability]
		if !named {
			t.Errorf("%s: unknown ability %s", method.Name, lacks.Ability)
		} else if _, has := ability.MethodByName(method.Name); !has {
			t.Errorf("%s: it is no method of %s", method.Name, lacks.Ability)
		}
		if lacks.Store != "struct { store.Store }" || lacks.Feature == "" {
			t.Errorf("%s: got %+v", method.Name, lacks)
		}
	}
}

var abilityTypes = map[string]reflect.Type{
	"InputLog": reflect.TypeFor[store.InputLog](), "Schedules": reflect.TypeFor[store.Schedules](), "Snapshots": reflect.TypeFor[store.Snapshots](),
	"Inspection": reflect.TypeFor[store.Inspection](), "Causes": reflect.TypeFor[store.Causes](), "DeadLetters": reflect.TypeFor[store.DeadLetters](),
	"SubjectKeys": reflect.TypeFor[store.SubjectKeys](),
	"Pauses":      reflect.TypeFor[store.Pauses](), "Forgetting": reflect.TypeFor[store.Forgetting](), "Limits": reflect.TypeFor[store.Limits](),
	"Feed": reflect.TypeFor[store.Feed](), "Transfer": reflect.TypeFor[store.Transfer](), "Projections": reflect.TypeFor[store.Projections](), "Notifier": reflect.TypeFor[store.Notifier](),
	"Programs": reflect.TypeFor[store.Programs](), "AuditLog": reflect.TypeFor[store.AuditLog](), "Search": reflect.TypeFor[store.Search](), "Timekeeper": reflect.TypeFor[store.Timekeeper](),
	"Cells":    reflect.TypeFor[store.Cells](),
	"DueTimes": reflect.TypeFor[store.DueTimes](),
}
