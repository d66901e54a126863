package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// ErrConflict says that a unit of work lost a race against another and left nothing behind. The engine runs the input
// again; callers of the engine do not see it.
var ErrConflict = errors.New("ironflow: the instance changed in the meantime")

// ErrLocked and ErrDeadlock are also ErrConflict. The engine runs an input again after them, except within the caller's own
// transaction, see Within.
var (
	// ErrLocked says that another transaction held a lock that was needed, for longer than a store waits.
	ErrLocked error = &lockError{"another transaction holds the lock"}

	// ErrDeadlock says that two transactions waited for each other, and that the database ended this one's wait. Roll it back and
	// run all of it again. Transactions that take their instances in one order do not wait for each other.
	ErrDeadlock error = &lockError{"a deadlock: this transaction and another one waited for each other"}
)

type lockError struct{ text string }

func (e *lockError) Error() string { return e.text }

// Is makes it an ErrConflict.
func (e *lockError) Is(target error) bool { return target == ErrConflict }

// ErrOutcomeUnknown says that the store's answer to a commit did not come, or not before the caller's context ended: the input is
// stored entirely or not at all. Send it again with the same WithInputID, or look at the instance, to find out which.
var ErrOutcomeUnknown = errors.New("the store's answer was lost, so it is unknown whether the input is stored")

// ErrReadOnly says that the engine's store was opened for reading only: inputs, and Run, need an engine whose store writes.
var ErrReadOnly = errors.New("ironflow: the store was opened for reading only; inputs and Run need a store on a server that takes writes")

// UniqueKeyConflict says that another active instance holds the unique key of an input. Nothing was stored. Its text does not have the
// key, which is a part of the input.
type UniqueKeyConflict struct {
	Instance InstanceKey // the one that asked for the key
	Key      string
	Holder   string // id of the instance that has it
}

func (e *UniqueKeyConflict) Error() string {
	return fmt.Sprintf("the unique key is held by %s/%s until that instance completes", e.Instance.Workflow, e.Holder)
}

// LeaseLost says that an effect or timer is no longer the caller's to complete: its lease ran out and another worker
// claimed it, or it was cancelled, replaced or consumed. Nothing was stored.
type LeaseLost struct {
	Lease Lease
}

func (e *LeaseLost) Error() string {
	what := fmt.Sprintf("effect %d of version %d", e.Lease.Position, e.Lease.Version)
	if e.Lease.Queue == TimerQueue {
		what = fmt.Sprintf("timer %q", e.Lease.Key)
	}
	return fmt.Sprintf("%s: %s is no longer leased to this worker", e.Lease.Instance, what)
}

// UnknownInstance says that no event of the instance is stored.
type UnknownInstance struct {
	Instance InstanceKey
}

func (e *UnknownInstance) Error() string {
	return fmt.Sprintf("%s: no such instance; its first accepted input creates it", e.Instance)
}

// UnknownVersion says that an instance has not been at a version.
type UnknownVersion struct {
	Instance InstanceKey
	Version  int64
	Newest   int64 // the version it is at; 0 when that was not looked up
}

func (e *UnknownVersion) Error() string {
	if e.Newest == 0 {
		return fmt.Sprintf("%s: there is no version %d, versions count from 1", e.Instance, e.Version)
	}
	return fmt.Sprintf("%s: there is no version %d, the newest is %d", e.Instance, e.Version, e.Newest)
}

// RegisteredTwice says that two workflows, or two projections, that were given to NewEngine have the same name.
type RegisteredTwice struct {
	What string // workflow or projection
	Name string
}

func (e *RegisteredTwice) Error() string {
	return fmt.Sprintf("%s %q is registered twice; pass it to NewEngine once", e.What, e.Name)
}

// UnknownWorkflow says that an engine was asked for a workflow that is not registered with it.
type UnknownWorkflow struct {
	Workflow   string
	Registered []string
}

func (e *UnknownWorkflow) Error() string {
	return fmt.Sprintf("workflow %q is not registered with this engine (registered: %s); pass it to NewEngine",
		e.Workflow, strings.Join(e.Registered, ", "))
}

// PanicError is a panic in user code, caught and turned into an error. In says what was called, Value what the code panicked with,
// Stack where. errors.Is and errors.As find Value when it is an error.
type PanicError = usererr.PanicError

// storeError marks a failure of the store, which may pass; what the store says by contract is none.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// fromStore marks err unless it is one of the contract's.
func fromStore(err error) error {
	_, conflict := usererr.OwnAs[*UniqueKeyConflict](err)
	_, lost := usererr.OwnAs[*LeaseLost](err)
	if err == nil || conflict || lost || usererr.OwnIs(err, ErrConflict) {
		return err
	}
	return &storeError{err}
}
