package commit

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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
		s.log.Error("ironflow: user code does not return; inputs of its instance fail until it does", "workflow", call.Instance.Workflow,
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
		s.log.Info("ironflow: user code has returned, but too late; its result is dropped", "workflow", call.Instance.Workflow, "instance", call.Instance.ID,
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
