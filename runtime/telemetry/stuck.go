package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// StuckCode is user code that did not return in time. The engine goes on without it and drops its result.
type StuckCode struct {
	// Instance and Input say what a decider or evolver was called for. Input is empty if the state was read.
	Instance store.InstanceKey
	Input    string

	Projection string // the projection whose step has not returned; empty for a decider or evolver

	Since time.Time // by the process's clock
}

// Stuck says that user code of an instance, usually its decider or evolver, did not return within Config.DecideTimeout. Nothing
// of the input was stored. In this process, further inputs of the instance fail with Stuck until the code returns; other
// instances are not affected. errors.Is takes it as context.DeadlineExceeded.
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

// Is reports whether target is context.DeadlineExceeded.
func (e *Stuck) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout reports true.
func (e *Stuck) Timeout() bool { return true }
