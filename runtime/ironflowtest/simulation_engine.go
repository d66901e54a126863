package ironflowtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// simEngine is an engine of a simulation, and its clock.
type simEngine struct {
	number int
	sim    *Simulation
	engine *runtime.Engine
	store  *simStore
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
	dead   atomic.Bool
	offset atomic.Int64 // of its clock, in ns
}

func (e *simEngine) Now() time.Time { return time.Now().Add(e.ahead()) }

func (e *simEngine) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (e *simEngine) ahead() time.Duration { return time.Duration(e.offset.Load()) }

// kill ends the engine as a crash does: nothing that it does from now on reaches the store.
func (e *simEngine) kill() {
	e.dead.Store(true)
	if e.cancel != nil {
		e.cancel()
	}
	e.sim.gate.drop(e)
}

var (
	errCrashed   = errors.New("simulated: the process has crashed")
	errSimulated = errors.New("simulated: the handler fails")
	errLost      = errors.New("simulated: the handler's answer is lost")
)

// gate holds operations back, so that one happens at a time.
type gate struct {
	mu      sync.Mutex
	ops     []*waiting // sorted by inOrder
	closed  bool
	arrived chan struct{}
}

// waiting is an operation that is held back.
type waiting struct {
	op      operation // empty for one at which nothing goes wrong
	name    string    // tells operations apart, in all runs of a seed
	engine  *simEngine
	allowed chan verdict
	held    chan struct{} // of one whose engine crashes after it: closed after the crash
}

type verdict struct {
	kind    FaultKind
	crashed bool
}

func newGate() *gate { return &gate{arrived: make(chan struct{}, 1)} }

// wait holds an operation back until the simulation allows it.
func (g *gate) wait(w *waiting) verdict {
	w.allowed = make(chan verdict, 1)
	g.mu.Lock()
	if g.closed || w.engine.dead.Load() {
		g.mu.Unlock()
		return verdict{crashed: true}
	}
	at, _ := slices.BinarySearchFunc(g.ops, w, func(o, w *waiting) int { return cmp.Or(inOrder(o, w), -1) }) // behind those that are equal
	g.ops = slices.Insert(g.ops, at, w)
	g.mu.Unlock()
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	return <-w.allowed
}

func (g *gate) empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.ops) == 0
}

// inOrder orders operations in a way that does not depend on the scheduler.
func inOrder(a, b *waiting) int {
	return cmp.Or(strings.Compare(string(a.op), string(b.op)), strings.Compare(a.name, b.name), cmp.Compare(a.engine.number, b.engine.number))
}

// pick returns one of the operations that wait, or nil. choose chooses one of several at which something can go wrong; nil takes the first.
func (g *gate) pick(choose func(n int) int) *waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case len(g.ops) == 0:
		return nil
	case len(g.ops) == 1 || g.ops[0].op == "" || choose == nil:
		return g.ops[0]
	}
	return g.ops[choose(len(g.ops))]
}

func (g *gate) remove(w *waiting) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.ops, w); i >= 0 {
		g.ops = slices.Delete(g.ops, i, i+1)
	}
	select {
	case <-g.arrived:
	default:
	}
}

// drop ends the operations of an engine that has crashed.
func (g *gate) drop(e *simEngine) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ops = slices.DeleteFunc(g.ops, func(o *waiting) bool {
		if o.engine == e {
			o.allowed <- verdict{crashed: true}
		}
		return o.engine == e
	})
}

// close ends all operations.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, o := range g.ops {
		o.allowed <- verdict{crashed: true}
	}
	g.ops = nil
}

// simStore is the store as an engine of the simulation sees it.
type simStore struct {
	*memory.Store
	engine *simEngine

	mu     sync.Mutex
	claims map[*store.Kind]string // names of claims, by their first kind
}

// NextDue hides that of the memory store, which would make engines look for work by themselves.
func (s *simStore) NextDue() {}

// Notify does not tell of work: the simulation wakes the engines.
func (s *simStore) Notify(ctx context.Context, what store.News) error {
	if what == store.NewWork {
		return nil
	}
	return s.Store.Notify(ctx, what)
}

// Append implements store.Store.
func (s *simStore) Append(ctx context.Context, batch store.Batch) error {
	return s.commit(batch.Changes, func() error { return s.Store.Append(ctx, batch) })
}

// Begin implements store.Store.
func (s *simStore) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if s.engine.dead.Load() {
		return nil, errCrashed
	}
	u, err := s.Store.Begin(ctx, requests)
	return &simUnit{u, s}, err
}

type simUnit struct {
	store.UnitOfWork
	store *simStore
}

func (u *simUnit) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	err := u.store.commit(changes, func() error { return u.UnitOfWork.Commit(ctx, id, changes) })
	if err != nil {
		_ = u.Rollback(ctx)
	}
	return err
}

// commit is a commit of changes, with its fault. One that only compares versions is of a rejection, at which nothing goes wrong.
func (s *simStore) commit(changes []store.Change, store func() error) error {
	w := &waiting{engine: s.engine, name: "commit"}
	if len(changes) > 0 {
		w.op, w.name = opCommit, "commit "+changeNames(changes)
	}
	v := s.engine.sim.gate.wait(w)
	switch {
	case v.crashed || s.engine.dead.Load():
		return errCrashed
	case v.kind == CommitConflict:
		return conflict()
	}
	err := store()
	if err != nil {
		if len(changes) > 0 {
			s.engine.sim.note("not stored %s: %v", w.name, shortError(err))
		}
		return err
	}
	for i := range changes {
		s.engine.sim.noteChange(s.engine, &changes[i])
	}
	switch v.kind {
	case CommitAnswerLost:
		return lostAnswer()
	case CrashAfterCommit:
		<-w.held
		return errCrashed
	}
	return nil
}

func conflict() error   { return fmt.Errorf("simulated: %w", store.ErrConflict) }
func lostAnswer() error { return fmt.Errorf("simulated: %w", store.ErrOutcomeUnknown) }

func shortError(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// changeNames names changes by their instances and first versions.
func changeNames(changes []store.Change) string {
	if len(changes) == 1 {
		return changeName(&changes[0])
	}
	names := make([]string, len(changes))
	for i := range changes {
		names[i] = changeName(&changes[i])
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func changeName(c *store.Change) string {
	return c.Instance.String() + " v" + strconv.FormatInt(c.Version+1, 10)
}

// Effects implements store.Store.
func (s *simStore) Effects() store.Queue { return simQueue{s.Store.Effects(), s, store.EffectQueue} }

// Timers implements store.Store.
func (s *simStore) Timers() store.Queue { return simQueue{s.Store.Timers(), s, store.TimerQueue} }

// simQueue claims one delivery at a time, so that the order in which they are handled does not depend on the scheduler.
type simQueue struct {
	store.Queue
	store *simStore
	name  store.QueueName
}

func (q simQueue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	v := q.store.engine.sim.gate.wait(&waiting{name: q.store.claimName(q.name, claim.Kinds), engine: q.store.engine})
	if v.crashed {
		return nil, errCrashed
	}
	claim.Limit = min(claim.Limit, 1)
	return q.Queue.Claim(ctx, claim)
}

// claimName names a claim. The engine makes the same few claims again and again.
func (s *simStore) claimName(queue store.QueueName, kinds []store.Kind) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := &kinds[0]
	if s.claims[of] == "" {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = k.String()
		}
		slices.Sort(names)
		s.claims[of] = fmt.Sprint("claim ", queue, names)
	}
	return s.claims[of]
}

func (q simQueue) Extend(ctx context.Context, leases []store.Lease, until time.Time) ([]store.Lease, error) {
	if q.store.engine.dead.Load() {
		return nil, errCrashed
	}
	return q.Queue.Extend(ctx, leases, until)
}

func (q simQueue) Settle(ctx context.Context, settlements []store.Settlement) ([]store.Lease, error) {
	if q.store.engine.dead.Load() {
		return nil, errCrashed
	}
	return q.Queue.Settle(ctx, settlements)
}

// UpdateProjection implements store.Projections.
func (s *simStore) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	if s.engine.dead.Load() {
		return errCrashed
	}
	return s.Store.UpdateProjection(ctx, name, update)
}

// simWorkflow is a workflow whose effects go to the simulation.
type simWorkflow struct {
	workflow.Erased
	name   string
	engine *simEngine
}

// Decide notes decisions that the engine refuses.
func (w *simWorkflow) Decide(now time.Time, version int64, state any, input workflow.PreparedInput) (any, workflow.Decided, error) {
	if w.engine.dead.Load() {
		return nil, workflow.Decided{}, errCrashed // not an error of the store, which would be asked again
	}
	doing := "the decider of " + w.name + " for " + input.Name
	w.engine.sim.sim.doing.Store(&doing)
	rejection, d, err := w.Erased.Decide(now, version, state, input)
	if err != nil {
		w.engine.sim.fail(fmt.Sprintf("%s: %s: %v", w.name, input.Name, err))
	}
	return rejection, d, err
}

// Handle calls the stub or the handler of an effect, with the faults of the simulation.
func (w *simWorkflow) Handle(ctx context.Context, payload []byte, call workflow.EffectCall) (any, error) {
	sim := w.engine.sim
	op := &waiting{
		op: opHandle, name: "handle " + call.Effect + " of " + call.IdempotencyKey + ", attempt " + strconv.Itoa(call.Attempt), engine: w.engine,
	}
	v := sim.gate.wait(op)
	switch {
	case v.crashed:
		return nil, errCrashed
	case v.kind == HandlerError:
		return nil, errSimulated
	case v.kind == HandlerPanic:
		return nil, &store.PanicError{In: "the handler of " + call.Effect, Value: "simulated", Text: "simulated: the handler panics"}
	}
	sim.sim.doing.Store(&op.name)
	result, err := w.call(ctx, payload, call)
	switch v.kind {
	case HandlerSlow:
		time.Sleep(slowness)
	case HandlerAnswerLost:
		return nil, errLost
	case CrashAfterHandler:
		<-op.held
		return nil, errCrashed
	}
	return result, err
}

// slowness is how much longer a slow handler takes, in virtual time.
const slowness = 2 * time.Minute

// call calls the stub or the handler, and notes the call.
func (w *simWorkflow) call(ctx context.Context, payload []byte, call workflow.EffectCall) (result any, err error) {
	sim := w.engine.sim
	told := told{w.DecodeEffect, workflow.Encoded{Type: call.Effect, Payload: payload}}
	effect, err := w.DecodeEffect(told.encoded)
	if err != nil {
		return nil, err
	}
	stub := sim.stubs[call.Effect]
	switch {
	case stub != nil:
		err = callUser("the stub of "+call.Effect, func() (err error) {
			result, err = stub(effect, call)
			return err
		})
	case sim.useHandlers:
		result, err = w.Erased.Handle(ctx, payload, call)
	default:
		text := fmt.Sprintf("effect %s has no stub; call ironflowtest.Stub(s, %q, …), or s.UseHandlers() to call the handler that the workflow was made with", call.Effect, call.Effect)
		sim.fail(text)
		return nil, workflow.Permanent(errors.New(text))
	}
	if panicked, is := errors.AsType[*store.PanicError](err); is {
		sim.fail(fmt.Sprintf("%s panics: %s\n%s", panicked.In, panicked.Text, userFrames(panicked.Stack)))
	}
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.calls = append(sim.calls, Call{
		Workflow: call.Instance.Workflow, Instance: call.Instance.ID, Effect: call.Effect, Value: effect,
		IdempotencyKey: call.IdempotencyKey, Attempt: call.Attempt, Result: result, Err: err,
	})
	switch {
	case err != nil:
		sim.addLine("handled    %s of %s, attempt %d → error: %v", told, call.Instance, call.Attempt, shortError(err))
	case result == nil:
		sim.addLine("handled    %s of %s, attempt %d", told, call.Instance, call.Attempt)
	default:
		sim.addLine("handled    %s of %s, attempt %d → %s", told, call.Instance, call.Attempt, tellInput(w.Erased, result))
	}
	return result, err
}
