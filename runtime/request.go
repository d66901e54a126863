package runtime

import (
	"cmp"
	"fmt"
	"time"
)

// request is an input on its way into an instance. Without an input, it only asks whether the instance can be read.
type request struct {
	workflow  *Workflow
	input     preparedInput
	to        recipient
	notBefore time.Time // the decision's now is not earlier: the time a timer was to fire
	inputID   string    // empty when it came without one
	trace     string    // W3C trace context to go on with

	arrival *arrival    // of the effect or timer that brought the input; nil for a client's
	within  Transaction // of the caller; nil for one of its own
}

// arrival is a delivery that brings an input.
type arrival struct {
	Delivery
	ends Settlement // how the delivery ends in the input's commit; Done deletes it
}

// recipient says which instance takes an input. The zero value is whichever has the id, or a new one.
type recipient struct {
	only    existence
	parent  *Parent  // of a new instance: who hears of its end
	created CommitID // of the commit that created an old one; 0 for any
}

type existence int

const (
	oldOrNew existence = iota
	onlyNew
	onlyOld
)

// newInstance takes the input only when it creates an instance. parent, who hears of its end, may be nil.
func newInstance(parent *Parent) recipient { return recipient{only: onlyNew, parent: parent} }

// oldInstance takes the input only when the instance exists, and was created by that commit. 0 stands for any commit.
func oldInstance(created CommitID) recipient { return recipient{only: onlyOld, created: created} }

// refuses returns the outcome of an input that is not for the instance as it is; 0 when it is.
func (r *recipient) refuses(instance *cached) outcomeKind {
	switch {
	case r.only == onlyNew && instance.version > 0:
		return existed
	case r.only == onlyOld && instance.version == 0:
		return missing
	case r.created != 0 && !instance.completed && r.created != instance.created:
		return replaced
	}
	return 0
}

func (r *request) key() InstanceKey {
	return InstanceKey{Workflow: r.workflow.name, ID: r.input.instance}
}

func (r *request) inputKey() InputKey { return InputKey{Instance: r.key(), ID: r.inputID} }

// onlyReads reports that there is no input.
func (r *request) onlyReads() bool { return r.input.value == nil }

// ofClient reports whether a caller of the engine waits, and not a delivery.
func (r *request) ofClient() bool { return r.arrival == nil && !r.onlyReads() }

// purpose names what user code is called for.
func (r *request) purpose() string { return cmp.Or(r.input.name, "of a delivery") }

// result is what became of a request.
type result struct {
	kind      outcomeKind
	events    []any
	version   int64
	rejection any
	repeated  bool // it is the outcome of the input that came first under the id

	stored []NewEvent // the events, encoded
}

// describe says in a log what became of an input that was not accepted.
func (r result) describe() string {
	switch r.kind {
	case rejected:
		return fmt.Sprintf("rejected with %T", r.rejection)
	case existed:
		return "the instance existed already"
	case missing:
		return "there is no such instance"
	case replaced:
		return "the instance it was for was deleted, and there is another one of its id"
	default:
		return "the instance had completed"
	}
}

// named says which input an error is about.
func (r *request) named(err error) error {
	return fmt.Errorf("%s: input %s: %w", r.key(), r.input.name, err)
}
