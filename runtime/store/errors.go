package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of the contract.

// ErrConflict says that another commit changed an instance first, so nothing was stored. The engine decides on the input again;
// callers of the engine do not see this error.
var ErrConflict = errors.New("ironflow: the instance changed in the meantime")

// ErrLocked and ErrDeadlock are also ErrConflict. The engine decides on the input again after them, except in a transaction of
// the caller, see Within.
var (
	// ErrLocked says that another transaction held a lock for longer than the store waits.
	ErrLocked error = &lockError{"another transaction holds the lock"}

	// ErrDeadlock says that the database ended this transaction because it and another one waited for each other. Roll it back
	// and run all of it again. To avoid deadlocks, use instances in the same order in all transactions.
	ErrDeadlock error = &lockError{"a deadlock: this transaction and another one waited for each other"}
)

type lockError struct{ text string }

func (e *lockError) Error() string { return e.text }

// Is reports whether target is ErrConflict.
func (e *lockError) Is(target error) bool { return target == ErrConflict }

// ErrOutcomeUnknown says that the store's answer to a commit was lost, or that the caller's context ended before it. The decision
// is stored completely or not at all. To find out which, send the input again with the same WithInputID, or look at the instance.
var ErrOutcomeUnknown = errors.New("the store's answer was lost, so it is unknown whether the input is stored")

// UniqueKeyConflict says that another active instance holds the unique key of an input. Nothing was stored. The error text does
// not have the key, because it is a part of the input.
type UniqueKeyConflict struct {
	Instance InstanceKey // the instance of the input
	Key      string
	Holder   string // id of the instance that holds the key
}

func (e *UniqueKeyConflict) Error() string {
	return fmt.Sprintf("the unique key is held by %s/%s until that instance completes", e.Instance.Workflow, e.Holder)
}

// OperatorOnly says that an input was not sent by an operator, although its declaration says "from: operator". Nothing was stored. Send it
// with runtime.AsOperator, and say who you are and why.
type OperatorOnly struct {
	Workflow, Input string
}

func (e *OperatorOnly) Error() string {
	return fmt.Sprintf("only operators send input %s of workflow %s; send it with runtime.AsOperator, with who sends it and why", e.Input, e.Workflow)
}

// PausedLease says that a commit would have leased deliveries of a paused workflow, see NewLease. Nothing was stored. It is also
// ErrConflict: the engine decides again, and for a while leases nothing of the workflow in commits.
type PausedLease struct {
	Workflow string
}

func (e *PausedLease) Error() string {
	return fmt.Sprintf("workflow %s is paused; its new effects and timers cannot be leased", e.Workflow)
}

// Is reports whether target is ErrConflict.
func (e *PausedLease) Is(target error) bool { return target == ErrConflict }

// LeaseLost says that the caller does not hold the lease of an effect or timer any more: the lease ended and another worker
// claimed it, or the delivery was cancelled, replaced or consumed. Nothing was stored.
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

// Unavailable says that the store cannot be reached or cannot serve the call now: the server is down, starting, a standby, or out
// of disk space. Nothing was stored, and the same call may succeed later.
//
// The engine retries such a call until the context's deadline, or for Config.UnavailableTimeout if there is none. Then it returns
// this error. If the deadline has passed, the error is also the context's.
type Unavailable struct {
	Reason string // for people
	Err    error  // error of the driver; nil over HTTP
}

func (e *Unavailable) Error() string {
	if e.Err == nil {
		return "the store is unavailable: " + e.Reason
	}
	return fmt.Sprintf("the store is unavailable: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the driver's error.
func (e *Unavailable) Unwrap() error { return e.Err }

// ErrReadOnly says that the engine's store was opened read-only. Inputs and Run need a store that writes.
var ErrReadOnly = errors.New("ironflow: the store was opened for reading only; inputs and Run need a store that writes")

// Unsupported says that a feature needs an ability that the store lacks. If the config or a workflow needs the feature, NewEngine
// fails with this error, otherwise the call that needs it. Nothing was done.
type Unsupported struct {
	Store   string // type of the store, as in "*sqlite.Store"
	Ability string // name of the interface that the store does not implement, as in "Feed"
	Feature string // the feature that needs the ability, as in "Config.Retention"
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("ironflow: %s needs a store that implements %s; %s does not", e.Feature, e.Ability, e.Store)
}

// Errors of the engine about what is stored.

// StoreTimeout says that the store did not answer a call within Config.StoreTimeout: the server hangs, or the connection is dead.
// errors.Is takes it as context.DeadlineExceeded. If the call was a commit, it is also ErrOutcomeUnknown.
type StoreTimeout struct {
	Call    string        // method of Store or of an ability, or a step of a projection
	After   time.Duration // the limit
	Setting string        // name of the limit: Config.StoreTimeout or Projection.Timeout
	Err     error         // what the store returned; nil if the call has not returned yet
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

// Timeout reports true. The store may still carry out the commit of a call that timed out.
func (e *StoreTimeout) Timeout() bool { return true }

// PanicError is a panic of user code or of a store, as an error. errors.Is and errors.As find Value if it is an error.
type PanicError struct {
	In    string // the function that was called
	Value any    // the value of the panic; its methods may panic too
	Stack []byte // stack trace of the panic

	Text string // Value as text, at most a few thousand bytes
	Err  error  // Value if it is an error; its methods are safe to call
}

func (e *PanicError) Error() string { return e.In + " panicked: " + e.Text }

// Unwrap returns Err.
func (e *PanicError) Unwrap() error { return e.Err }

// InputIDReused says that another input was sent with the same id before. Nothing was stored.
type InputIDReused struct {
	Instance InstanceKey
	InputID  string
	First    string // name of the input that was sent first
}

func (e *InputIDReused) Error() string {
	return fmt.Sprintf("the input id %q was used for another input, a %s; give each input an id of its own", e.InputID, e.First)
}

// UnknownInstance says that an instance has no stored events.
type UnknownInstance struct {
	Instance InstanceKey
}

func (e *UnknownInstance) Error() string {
	return fmt.Sprintf("%s: no such instance; its first accepted input creates it", e.Instance)
}

// UnknownVersion says that an instance never had the given version.
type UnknownVersion struct {
	Instance InstanceKey
	Version  int64
	Newest   int64 // the newest version; 0 if that was not looked up
}

func (e *UnknownVersion) Error() string {
	if e.Newest == 0 {
		return fmt.Sprintf("%s: there is no version %d; versions count from 1", e.Instance, e.Version)
	}
	return fmt.Sprintf("%s: there is no version %d; the newest is %d", e.Instance, e.Version, e.Newest)
}

// UnknownDelivery says that no stored decision requested an effect or timer.
type UnknownDelivery struct {
	Delivery Lease
}

func (e *UnknownDelivery) Error() string {
	return fmt.Sprintf("%s: no decision that led to version %d requested %s", e.Delivery.Instance, e.Delivery.Version, itemOf(e.Delivery))
}

// itemOf names a delivery within its instance and version.
func itemOf(l Lease) string {
	if l.Queue == TimerQueue {
		return fmt.Sprintf("timer %q", l.Key)
	}
	return fmt.Sprintf("effect %d", l.Position)
}
