package store

import "fmt"

// NeverReached says that an instance has completed, so that what Await waits for cannot happen any more.
type NeverReached struct {
	Instance InstanceKey
	Status   string // at its end; empty for a workflow without states
	Version  int64  // at its end
	Until    string // what was waited for, as in "until it is paid"
}

func (e *NeverReached) Error() string {
	as := ""
	if e.Status != "" {
		as = " as " + e.Status
	}
	return fmt.Sprintf("%s has completed%s at version %d, so it cannot be waited for %s", e.Instance, as, e.Version, e.Until)
}

// DeadEffects says that effects which Await waits for are dead letters: they are not delivered until somebody retries them.
type DeadEffects struct {
	Instance InstanceKey
	Version  int64             // of the decision that they follow from
	Letters  []WaitingDelivery // at least one
}

func (e *DeadEffects) Error() string {
	first := e.Letters[0]
	text := fmt.Sprintf("%s: what version %d led to stands still: effect %s of %s is a dead letter after %d attempts: %s",
		e.Instance, e.Version, first.Kind.Name, first.Lease.Instance, first.Attempts, first.LastError)
	if n := len(e.Letters) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}
