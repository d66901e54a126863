package ironflowtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Simulation is one run of a script of [Simulate]. Only the goroutine of the script may use it. Stubs and checks may call Errorf.
type Simulation struct {
	sim  *simulator
	plan plan

	start       time.Time
	memory      *memory.Store
	workflows   []*workflow.Workflow
	projections []runtime.AnyProjection
	ctx         context.Context
	cancel      context.CancelFunc
	engines     []*simEngine // those that run
	ended       []*simEngine
	started     int
	gate        *gate

	stubs       map[string]stubFunc
	useHandlers bool
	checks      []func() error
	injected    []fault
	wanders     int
	seen        map[string]int // how often an operation of a name was seen
	idleAt      time.Time      // when everything that is due was looked for in vain

	mu    sync.Mutex // guards what follows, which engines use
	calls []Call
	ran
}

// Call is one call of an effect's handler.
type Call struct {
	Workflow, Instance string
	Effect             string
	Value              any // the effect
	IdempotencyKey     string
	Attempt            int
	Result             any // the input that was returned; nil for none
	Err                error
}

type stubFunc func(effect any, call workflow.EffectCall) (any, error)

// errAbandoned ends the goroutine of a script after a failure.
var errAbandoned = errors.New("the run has failed")

func newSimulation(m *simulator, p plan) *Simulation {
	s := &Simulation{
		sim: m, plan: p, start: time.Now(), memory: memory.New(), gate: newGate(),
		stubs: make(map[string]stubFunc), seen: make(map[string]int), injected: slices.Clone(p.faults),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// play runs the script, and ends all that it has started.
func (s *Simulation) play() *ran {
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(errAbandoned) {
				var err error
				func() {
					defer usererr.RecoverTo(&err, "the script", "")
					panic(v)
				}()
				s.fail("the script panics: " + usererr.Bound(fmt.Sprint(v)))
			}
		}()
		s.sim.script(s)
		s.settle(func() bool { return false })
	}()
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	result := s.ran
	return &result
}

// stop ends all engines.
func (s *Simulation) stop() {
	s.cancel()
	for _, e := range s.engines {
		e.kill()
	}
	s.gate.close()
	for _, e := range append(s.ended, s.engines...) {
		<-e.done
	}
	time.Sleep(3 * time.Hour) // what an engine has left behind goes on for at most a lease
}

// Start starts the engines with these workflows. Only Project, Stub and UseHandlers may be called before it.
func (s *Simulation) Start(workflows ...*workflow.Workflow) {
	if len(s.workflows) > 0 {
		s.Fatalf("Start was called twice; give it all workflows at once")
	}
	for _, w := range workflows {
		if w == nil {
			s.Fatalf("Start: a workflow is nil; pass what the generated NewWorkflow returns")
		}
		if w.Err() != nil {
			s.Fatalf("Start: %v", w.Err())
		}
	}
	s.workflows = workflows
	for range s.plan.engines {
		s.startEngine()
	}
	s.settle(func() bool { return false })
}

// Project makes the engines run projections. Call it before Start.
func (s *Simulation) Project(projections ...runtime.AnyProjection) {
	s.projections = append(s.projections, projections...)
}

// Stub replaces the handler of an effect by handle. The result of handle is an input that the effect returns, or nil for no input.
func Stub[F, R any](s *Simulation, effect string, handle func(effect F, call workflow.EffectCall) (R, error)) {
	s.stubs[effect] = func(e any, call workflow.EffectCall) (any, error) {
		typed, ok := e.(F)
		if !ok {
			return nil, workflow.Permanent(fmt.Errorf("the stub of effect %s takes %T, the effect is a %T; give Stub a function of the effect's own type", effect, *new(F), e))
		}
		result, err := handle(typed, call)
		if err != nil || workflow.IsNil(result) {
			return nil, err
		}
		return result, nil
	}
}

// UseHandlers makes effects without a stub call the handlers that the workflows were created with.
func (s *Simulation) UseHandlers() { s.useHandlers = true }

// Check makes the simulator call check after each operation. An error fails the run. Of the methods of s, check may call only State,
// Status, Calls and Now.
func (s *Simulation) Check(check func() error) { s.checks = append(s.checks, check) }

// Inject makes the next operation with the name at go wrong. Reports of failures print such calls.
func (s *Simulation) Inject(kind FaultKind, at string) {
	s.injected = append(s.injected, fault{kind, at})
}

// Errorf fails the run, and the script continues. Simulate shrinks the failure and reports it.
func (s *Simulation) Errorf(format string, args ...any) { s.fail(fmt.Sprintf(format, args...)) }

// Fatalf is Errorf, and then ends the script. Stubs and handlers must not call it.
func (s *Simulation) Fatalf(format string, args ...any) {
	s.fail(fmt.Sprintf(format, args...))
	panic(errAbandoned)
}

// fail notes the first failure.
func (s *Simulation) fail(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == "" {
		s.failure = text
		s.addLine("FAILED     %s", text)
	}
}

func (s *Simulation) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure != ""
}

// Timeline returns a text with a line for each operation so far.
func (s *Simulation) Timeline() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.told(), "\n")
}

// Now returns the virtual time.
func (s *Simulation) Now() time.Time { return time.Now() }

// Store returns the store of the engines.
func (s *Simulation) Store() *memory.Store { return s.memory }

// Engine returns a running engine, for reading. Send inputs with Send instead.
func (s *Simulation) Engine() *runtime.Engine { return s.engines[0].engine }

// Calls returns the calls of an effect's handler or stub so far.
func (s *Simulation) Calls(effect string) (calls []Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.Effect == effect {
			calls = append(calls, c)
		}
	}
	return calls
}

// State returns the state of an instance, or nil if the instance does not exist.
func (s *Simulation) State(workflowName, id string) any {
	w := s.workflow(workflowName)
	found, err := s.memory.Read(context.Background(), []store.ReadRequest{{Instance: store.InstanceKey{Workflow: workflowName, ID: id}, Completed: true}})
	if err != nil || found[0].Version == 0 {
		return nil
	}
	state, err := w.Replay(nil, found[0])
	if err != nil {
		s.Fatalf("State of %s/%s: %v", workflowName, id, err)
	}
	return state
}

func (s *Simulation) workflow(name string) *workflow.Workflow {
	for _, w := range s.workflows {
		if w.Name() == name {
			return w
		}
	}
	s.Fatalf("workflow %q was not given to Start", name)
	return nil
}

// Status returns the status of an instance, or "" if the instance does not exist. It is for workflows with states.
func (s *Simulation) Status(workflowName, id string) string {
	i, err := s.memory.Summary(context.Background(), store.InstanceKey{Workflow: workflowName, ID: id})
	if err != nil {
		return ""
	}
	return i.Status
}

// Expect fails the run unless an instance has a status.
func (s *Simulation) Expect(workflowName, id, status string) {
	if got := s.Status(workflowName, id); got != status {
		s.Fatalf("%s/%s is in status %q, want %q", workflowName, id, got, status)
	}
}

// startEngine starts one more engine.
func (s *Simulation) startEngine() *simEngine {
	s.started++
	e := &simEngine{number: s.started, sim: s, done: make(chan struct{})}
	e.store = &simStore{Store: s.memory, engine: e, claims: make(map[*store.Kind]string)}
	wrapped := make([]*workflow.Workflow, len(s.workflows))
	for i, w := range s.workflows {
		c := *w
		c.Erased = &simWorkflow{Erased: w.Erased, name: w.Name(), engine: e}
		wrapped[i] = &c
	}
	// Of an engine that has crashed, others take the work over after this. Heartbeats within the lease cost real time.
	const lease = time.Hour
	const never = 1000 * time.Hour // the simulation wakes the engines when something is due
	var err error
	e.engine, err = runtime.NewEngine(e.store, runtime.Config{
		Name: fmt.Sprintf("engine %d", e.number), Logger: slog.New(slog.DiscardHandler), Clock: e, PollInterval: never, Lease: lease,
		Projections: s.projections, StopTimeout: time.Second, Batches: 1,
		EffectHandlers: 128, TimerHandlers: 16, // of which each claim takes half
	}, wrapped...)
	if err != nil {
		close(e.done)
		s.Fatalf("Start: %v", err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	e.cancel = cancel
	go func() {
		defer close(e.done)
		_ = e.engine.Run(ctx) // what handlers leave unfinished is a part of a simulation
	}()
	s.engines = append(s.engines, e)
	return e
}

// crash ends an engine at once, and starts another one in its place.
func (s *Simulation) crash(e *simEngine) {
	i := slices.Index(s.engines, e)
	if i < 0 {
		return
	}
	s.note("CRASH      engine %d; engine %d takes its place", e.number, s.started+1)
	e.kill()
	s.engines = slices.Delete(s.engines, i, i+1)
	s.ended = append(s.ended, e)
	s.startEngine()
}

// settle lets operations happen, one by one, until done reports true or none waits. It reports whether done.
func (s *Simulation) settle(done func() bool) bool {
	synctest.Wait()
	for {
		s.abandonFailed()
		if done() {
			return true
		}
		op := s.next()
		if op == nil {
			return false
		}
		s.allow(op)
	}
}

func (s *Simulation) abandonFailed() {
	if s.failed() {
		panic(errAbandoned)
	}
}

// next picks one of the operations that wait. Claims come first, and in order: how many there are depends on the scheduler.
func (s *Simulation) next() *waiting {
	if s.plan.ordered || !slices.Contains(s.sim.faults, Reordered) {
		return s.gate.pick(nil)
	}
	return s.gate.pick(func(n int) int { return int(s.plan.chance(fmt.Sprintf("order %d", s.done)) % uint64(n)) })
}

// allow lets one operation happen, and waits for what it leads to.
func (s *Simulation) allow(op *waiting) {
	s.sim.progress.Add(1)
	if op.op != "" {
		s.done++
	}
	s.gate.remove(op)
	var kind FaultKind
	if op.op != "" {
		at := s.nth(op.name)
		if kind = s.faultAt(op.op, at); kind != 0 {
			s.note("FAULT      %v at %s", kind, at)
		}
	}
	if kind == CrashBeforeHandler || kind == CrashBeforeCommit {
		s.crash(op.engine)
		op.allowed <- verdict{crashed: true}
		synctest.Wait()
		return
	}
	crashes := kind == CrashAfterHandler || kind == CrashAfterCommit
	if crashes {
		op.held = make(chan struct{})
	}
	op.allowed <- verdict{kind: kind}
	synctest.Wait()
	if crashes {
		s.crash(op.engine)
		close(op.held)
		synctest.Wait()
	}
	if op.op != "" {
		s.check()
	}
}

// nth tells operations of one name apart.
func (s *Simulation) nth(name string) string {
	if s.seen[name]++; s.seen[name] > 1 {
		return fmt.Sprintf("%s (%d)", name, s.seen[name])
	}
	return name
}

// check calls the checks.
func (s *Simulation) check() {
	for _, check := range s.checks {
		var broken error
		err := callUser("a check", func() error {
			broken = check()
			return nil
		})
		if panicked, is := errors.AsType[*store.PanicError](err); is {
			if panicked.Err != nil && errors.Is(panicked.Err, errAbandoned) {
				panic(errAbandoned)
			}
			s.Fatalf("a check panics: %s; instances may not exist yet when it is called\n%s", panicked.Text, userFrames(panicked.Stack))
		}
		if broken != nil {
			s.Fatalf("%v", broken)
		}
	}
}

// drive lets time pass until done reports true or until has come. Everything that is due happens meanwhile.
func (s *Simulation) drive(until time.Time, done func() bool) bool {
	for {
		if s.settle(done) {
			return true
		}
		now := time.Now()
		due := s.nextDue()
		if !due.IsZero() && !due.After(now) {
			switch s.wake(now, done) {
			case wakeDone:
				return true
			case wakeWorked:
				continue
			}
			due = now.Add(unclaimedPause) // nobody takes it now
		}
		if !now.Before(until) {
			return false
		}
		pause := until.Sub(now)
		if !due.IsZero() {
			pause = min(pause, due.Sub(now))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.gate.arrived:
			timer.Stop()
		}
	}
}

// nextDue is when something is due next, by the clock that is most ahead.
func (s *Simulation) nextDue() time.Time {
	_, _, due := s.memory.Pending()
	if due.IsZero() {
		return due
	}
	ahead := s.engines[0].ahead()
	for _, e := range s.engines {
		ahead = max(ahead, e.ahead())
	}
	return due.Add(-ahead)
}

// unclaimedPause is when something is looked for again that is due and that no engine takes.
const unclaimedPause = time.Minute

type wakeResult int

const (
	wakeIdle wakeResult = iota
	wakeWorked
	wakeDone
)

// wake has the engines look for work.
func (s *Simulation) wake(now time.Time, done func() bool) wakeResult {
	if s.idleAt.Equal(now) {
		return wakeIdle
	}
	before, ops := s.pending(), s.done
	for _, e := range s.engines {
		e.engine.Wake()
	}
	switch {
	case s.settle(done):
		return wakeDone
	case s.pending() == before && s.done == ops:
		s.idleAt = now
		return wakeIdle
	}
	return wakeWorked
}

// pending is what waits in the store.
type pending struct {
	effects, timers int
	due             int64 // when the next is due, in ns
}

func (s *Simulation) pending() pending {
	effects, timers, due := s.memory.Pending()
	return pending{effects, timers, due.UnixNano()}
}

// Advance lets time pass. Effects and timers that are due meanwhile are delivered.
func (s *Simulation) Advance(d time.Duration) {
	s.note("advance    %v", d)
	s.drive(time.Now().Add(d), func() bool { return false })
}

// idleLimit is for how long RunUntilIdle lets time pass, in virtual time.
const idleLimit = 60 * 24 * time.Hour

// RunUntilIdle lets time pass until no effect waits any more. Failed attempts are repeated meanwhile, and due timers fire. It does not
// wait for later timers. If effects still wait after 60 days, it fails the run.
func (s *Simulation) RunUntilIdle() {
	idle := func() bool {
		effects, _, _ := s.memory.Pending()
		return effects == 0 && s.gate.empty()
	}
	if !s.drive(time.Now().Add(idleLimit), idle) {
		s.Fatalf("RunUntilIdle: after %v, effects still wait: %v", idleLimit, s.memory.Rows("effects"))
	}
	s.settle(func() bool { return false })
}
