package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// StuckCode is user code that did not return in time, so that the engine goes on without it. Its result is dropped.
type StuckCode struct {
	// Instance and Input say what a decider or evolver was called for. Input is empty for a read of the state.
	Instance store.InstanceKey
	Input    string

	Projection string // whose step has not returned; empty for a decider or evolver

	Since time.Time // of the process's clock
}

// Stuck says that user code of an instance, its decider or evolver most likely, has not returned within Config.DecideTimeout.
// Nothing of the input was stored. Further inputs of the instance fail with it in this process until the code returns; other
// instances are not affected. It is a context.DeadlineExceeded to errors.Is.
type Stuck struct {
	Code  StuckCode
	After time.Duration // Config.DecideTimeout
}

func (e *Stuck) Error() string {
	what := "replaying the instance"
	if e.Code.Input != "" {
		what = "the decider or evolver, called for input " + e.Code.Input + ","
	}
	return fmt.Sprintf("%s: %s has not returned since %s, which is longer than %v (Config.DecideTimeout)",
		e.Code.Instance, what, e.Code.Since.UTC().Format(time.RFC3339), e.After)
}

// Is reports that it is a context.DeadlineExceeded.
func (e *Stuck) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout reports true.
func (e *Stuck) Timeout() bool { return true }
