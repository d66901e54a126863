package commit

import (
	"cmp"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Request is an input on its way into an instance. Without an input, it only asks whether the instance can be read.
type Request struct {
	Workflow  *workflow.Workflow
	Input     workflow.PreparedInput
	To        recipient
	NotBefore time.Time // the decision's now is not earlier: the time a timer was to fire
	InputID   string    // empty when it came without one
	Trace     string    // W3C trace context to go on with

	Operator store.Operator // who sends the input; the zero value for a client
	Action   bool           // it is a part of an action that the audit log has, and gets no record of its own

	Arrival *Arrival          // of the effect or timer that brought the input; nil for a client's
	Within  store.Transaction // of the caller; nil for one of its own
}

// Arrival is a delivery that brings an input.
type Arrival struct {
	store.Delivery
	Ends store.Settlement // how the delivery ends in the input's commit; Done deletes it

	// Apart says that the delivery may be in another store. The input's commit does not end it, and the request has an InputID, so that the
	// input is decided once however often it is delivered.
	Apart bool
}

// recipient says which instance takes an input. The zero value is whichever has the id, or a new one.
type recipient struct {
	only    existence
	Parent  *store.Parent  // of a new instance
	created store.CommitID // of the commit that created an old one; 0 for any
}

type existence int

const (
	oldOrNew existence = iota
	onlyNew
	onlyOld
)

// NewInstance takes the input only when it creates an instance. parent may be nil.
func NewInstance(parent *store.Parent) recipient { return recipient{only: onlyNew, Parent: parent} }

// OldInstance takes the input only when the instance exists, and was created by that commit. 0 stands for any commit.
func OldInstance(created store.CommitID) recipient { return recipient{only: onlyOld, created: created} }

// refuses returns the outcome of an input that is not for the instance as it is; "" when it is.
func (r *recipient) refuses(instance *cached) Kind {
	switch {
	case r.only == onlyNew && instance.version > 0:
		return Existed
	case r.only == onlyOld && instance.version == 0:
		return Missing
	case r.created != 0 && !instance.completed && r.created != instance.created:
		return Replaced
	}
	return ""
}

func (r *Request) Key() store.InstanceKey {
	return store.InstanceKey{Workflow: r.Workflow.Name(), ID: r.Input.Instance}
}

func (r *Request) inputKey() store.InputKey { return store.InputKey{Instance: r.Key(), ID: r.InputID} }

// onlyReads reports that there is no input.
func (r *Request) onlyReads() bool { return r.Input.Value == nil }

// ofClient reports whether a caller of the engine waits, and not a delivery.
func (r *Request) ofClient() bool { return r.Arrival == nil && !r.onlyReads() }

// purpose names what user code is called for.
func (r *Request) purpose() string { return cmp.Or(r.Input.Name, "of a delivery") }

// Kind says what became of an input, in the word that records and reports have for it.
type Kind string

const (
	Accepted  Kind = "accepted"
	Rejected  Kind = "rejected"
	Completed Kind = "completed" // the instance had ended before

	// Existed, Missing and Replaced are for the engine's own inputs, which name their recipient.
	Existed  Kind = "existed"  // the child that was to be started
	Missing  Kind = "missing"  // the instance that was to hear of something
	Replaced Kind = "replaced" // by another instance of the same id
)

// ofClients reports whether an input of a client can have the outcome.
func (k Kind) ofClients() bool { return k == Accepted || k == Rejected || k == Completed }

// Result is what became of a request.
type Result struct {
	Kind      Kind
	Events    []any
	Version   int64
	Rejection any
	Apart     bool // the delivery that brought the input is still to be ended, see Arrival.Apart
	repeated  bool // it is the outcome of the input that came first under the id

	stored []store.NewEvent // the events, encoded
}

// Describe says in a log what became of an input that was not accepted.
func (r Result) Describe() string {
	switch r.Kind {
	case Rejected:
		return fmt.Sprintf("rejected with %T", r.Rejection)
	case Existed:
		return "the instance existed already"
	case Missing:
		return "there is no such instance"
	case Replaced:
		return "the instance it was for was deleted, and there is another one of its id"
	default:
		return "the instance had completed"
	}
}

// Named says which input an error is about.
func (r *Request) Named(err error) error {
	return fmt.Errorf("%s: input %s: %w", r.Key(), r.Input.Name, err)
}
