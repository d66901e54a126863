package commit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// stuckCalls are the calls of user code that the engine has gone on without.
type stuckCalls struct {
	after time.Duration
	log   *slog.Logger
	count atomic.Int32

	mu    sync.Mutex
	calls map[*telemetry.StuckCode]bool // whether it was logged
}

func newStuckCalls(after time.Duration, log *slog.Logger) *stuckCalls {
	return &stuckCalls{after: after, log: log, calls: make(map[*telemetry.StuckCode]bool)}
}

// add notes a call, and logs it when it takes longer than it may.
func (s *stuckCalls) add(call *telemetry.StuckCode) {
	s.mu.Lock()
	s.calls[call] = false
	s.mu.Unlock()
	s.count.Add(1)
	if rest := s.after - time.Since(call.Since); rest > 0 {
		time.AfterFunc(rest, func() { s.tell(call) })
	} else {
		s.tell(call)
	}
}

func (s *stuckCalls) tell(call *telemetry.StuckCode) {
	s.mu.Lock()
	_, there := s.calls[call]
	if there {
		s.calls[call] = true
	}
	s.mu.Unlock()
	if there {
		s.log.Error("ironflow: user code does not return; its instance is left alone until it does", "workflow", call.Instance.Workflow,
			"instance", call.Instance.ID, "input", call.Input, "since", call.Since)
	}
}

// remove notes that a call has returned.
func (s *stuckCalls) remove(call *telemetry.StuckCode) {
	s.mu.Lock()
	logged, there := s.calls[call]
	delete(s.calls, call)
	s.mu.Unlock()
	if there {
		s.count.Add(-1)
	}
	if logged {
		s.log.Info("ironflow: user code has returned, too late", "workflow", call.Instance.Workflow, "instance", call.Instance.ID,
			"input", call.Input, "after", time.Since(call.Since))
	}
}

// refuse returns *Stuck when code of an instance has been running for too long: each further call might never return either. reading
// is about code that was called to read the state, else it is about inputs.
func (s *stuckCalls) refuse(instance store.InstanceKey, reading bool) error {
	if s.count.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for call := range s.calls {
		if call.Instance == instance && (call.Input == "") == reading && time.Since(call.Since) >= s.after {
			return s.error(call)
		}
	}
	return nil
}

func (s *stuckCalls) error(call *telemetry.StuckCode) error {
	return &telemetry.Stuck{Code: *call, After: s.after}
}

// list returns the calls.
func (s *stuckCalls) list() (list []telemetry.StuckCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for call := range s.calls {
		list = append(list, *call)
	}
	return list
}

// guard runs user code on a goroutine of its own, which it may end. It returns when the code does, at the latest after
// Config.DecideTimeout or at the end of ctx. run must touch nothing that the caller uses after an error.
func (s *stuckCalls) guard(ctx context.Context, instance store.InstanceKey, input string, run func() error) error {
	if err := s.refuse(instance, input == ""); err != nil {
		return err
	}
	call := &telemetry.StuckCode{Instance: instance, Input: input, Since: time.Now()}
	returned := make(chan error, 1)
	go func() {
		_ = usererr.Call(run, func(err error) {
			returned <- err
			s.remove(call)
		})
	}()
	timer := time.NewTimer(s.after)
	defer timer.Stop()
	var err error
	select {
	case err := <-returned:
		return err
	case <-timer.C:
		err = s.error(call)
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.add(call)
	select {
	case err := <-returned: // just now
		s.remove(call)
		return err
	default:
		return err
	}
}

// watchdog notices user code that does not return to a lane's goroutine. It costs no timer for each decision, but one now and then
// while the lane is at work.
type watchdog struct {
	lane *lane

	mu     sync.Mutex
	batch  *batch
	call   telemetry.StuckCode // of the code that runs
	inside bool
	count  int // of calls

	ticking bool
	seen    int // count at the last tick
	same    int // ticks that have found the same call

	left *telemetry.StuckCode // the call that the lane has gone on without; nil for none
}

// watchdogTicks is how often the same call is found before it counts as stuck. A process that was frozen finds it once.
const watchdogTicks = 4

// enter says that user code is called.
func (w *watchdog) enter(b *batch, instance store.InstanceKey, input string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batch, w.inside = b, true
	w.call.Instance, w.call.Input = instance, input
	w.count++
	if !w.ticking {
		w.ticking, w.seen, w.same = true, w.count-1, 0
		w.tickLater()
	}
}

func (w *watchdog) tickLater() {
	time.AfterFunc(w.lane.x.stuck.after/watchdogTicks, w.tick)
}

// leave says that user code has returned. When the lane has gone on without it, the goroutine ends here: nothing that it decided
// counts.
func (w *watchdog) leave() {
	if w.returned() {
		goexit()
	}
}

// returned is leave for the end of a goroutine. It reports whether the lane has gone on without it.
func (w *watchdog) returned() bool {
	w.mu.Lock()
	w.inside, w.batch = false, nil
	left := w.left
	w.mu.Unlock()
	if left == nil {
		return false
	}
	w.lane.x.stuck.remove(left)
	return true
}

func (w *watchdog) tick() {
	w.mu.Lock()
	switch {
	case w.inside && w.seen == w.count:
		if w.same++; w.same < watchdogTicks {
			break
		}
		b, call := w.batch, w.call
		call.Since = time.Now().Add(-w.lane.x.stuck.after)
		w.left = &call
		w.mu.Unlock()
		w.lane.x.stuck.add(&call)
		w.lane.goOnWithout(b, &call)
		return
	case w.seen == w.count: // nothing happens any more
		w.ticking = false
		w.mu.Unlock()
		return
	default:
		w.same = 0
	}
	w.seen = w.count
	w.tickLater()
	w.mu.Unlock()
}
