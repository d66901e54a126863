package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of the contract.

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

// PausedLease says that a commit was to lease deliveries of a workflow that is paused, see NewLease. Nothing was stored. It is also
// ErrConflict: the engine decides again, and leases nothing of the workflow for a while.
type PausedLease struct {
	Workflow string
}

func (e *PausedLease) Error() string {
	return fmt.Sprintf("workflow %s is paused, its new effects and timers cannot be leased", e.Workflow)
}

// Is makes it an ErrConflict.
func (e *PausedLease) Is(target error) bool { return target == ErrConflict }

// LeaseLost says that an effect or timer is no longer the caller's to complete: its lease ran out and another worker
// claimed it, or it was cancelled, replaced or consumed. Nothing was stored.
type LeaseLost struct {
	Lease Lease
}

func (e *LeaseLost) Error() string {
	what := itemOf(e.Lease)
	if e.Lease.Queue != TimerQueue {
		what += fmt.Sprintf(" of version %d", e.Lease.Version)
	}
	return fmt.Sprintf("%s: %s is no longer leased to this worker", e.Lease.Instance, what)
}

// Unavailable says that the store cannot be reached, or cannot do now what it was asked for: its server is down, starting, a
// standby, or out of disk. Nothing of an input was stored, and the same call may succeed later.
//
// The engine repeats such a call until the context's deadline, or for Config.UnavailableTimeout if there is none, before it
// returns the error. If the deadline ended that, the error is also the context's.
type Unavailable struct {
	Reason string // for people
	Err    error  // of the driver; nil over HTTP
}

func (e *Unavailable) Error() string {
	if e.Err == nil {
		return "the store is unavailable: " + e.Reason
	}
	return fmt.Sprintf("the store is unavailable: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the driver's error.
func (e *Unavailable) Unwrap() error { return e.Err }

// ErrReadOnly says that the engine's store was opened for reading only: inputs, and Run, need an engine whose store writes.
var ErrReadOnly = errors.New("ironflow: the store was opened for reading only; inputs and Run need a store on a server that takes writes")

// Unsupported says that a feature needs an ability that the store lacks. NewEngine fails with it when the config or a workflow
// needs the feature; otherwise the call that needs it does. Nothing was done.
type Unsupported struct {
	Store   string // type of the store, as in "*sqlite.Store"
	Ability string // name of the interface that it does not implement, as in "Feed"
	Feature string // what needs it, as in "Config.Retention"
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("ironflow: %s needs a store that implements %s; %s does not", e.Feature, e.Ability, e.Store)
}

// Errors of the engine about what is stored.

// StoreTimeout says that the store did not answer a call within Config.StoreTimeout: its server hangs, or a connection to it
// is open and carries nothing any more. It is a context.DeadlineExceeded to errors.Is. When the call was a commit,
// it is ErrOutcomeUnknown, too.
type StoreTimeout struct {
	Call    string        // the method of the store's contract, or a step of a projection
	After   time.Duration // the bound
	Setting string        // what sets it: Config.StoreTimeout or Projection.Timeout
	Err     error         // what the store returned; nil when the call has not returned yet
}

func (e *StoreTimeout) Error() string {
	text := fmt.Sprintf("the store did not answer within %v (%s): %s", e.After, e.Setting, e.Call)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns context.DeadlineExceeded and what the store returned.
func (e *StoreTimeout) Unwrap() []error {
	if e.Err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.Err}
}

// Timeout reports true: the commit of a call that was given up may still be on its way.
func (e *StoreTimeout) Timeout() bool { return true }

// PanicError is a panic in user code, or in a store, turned into an error. errors.Is and errors.As find Value when it is an error.
type PanicError struct {
	In    string // what was called
	Value any    // what it panicked with; its methods may panic, too
	Stack []byte // where

	Text string // what Value says, at most a few thousand bytes
	Err  error  // Value when it is an error, safe to ask
}

func (e *PanicError) Error() string { return e.In + " panicked: " + e.Text }

// Unwrap returns Err.
func (e *PanicError) Unwrap() error { return e.Err }

// InputIDReused says that an input came with an id under which another input came before. Nothing was stored.
type InputIDReused struct {
	Instance InstanceKey
	InputID  string
	First    string // name of the input that came first
}

func (e *InputIDReused) Error() string {
	return fmt.Sprintf("the input id %q was used for another input, a %s; give each input an id of its own", e.InputID, e.First)
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

// UnknownDelivery says that no decision asked for an effect or timer.
type UnknownDelivery struct {
	Delivery Lease
}

func (e *UnknownDelivery) Error() string {
	return fmt.Sprintf("%s: no decision that led to version %d asked for %s", e.Delivery.Instance, e.Delivery.Version, itemOf(e.Delivery))
}

// itemOf names a delivery within its instance and version.
func itemOf(l Lease) string {
	if l.Queue == TimerQueue {
		return fmt.Sprintf("timer %q", l.Key)
	}
	return fmt.Sprintf("effect %d", l.Position)
}
