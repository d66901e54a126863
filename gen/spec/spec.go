// Package spec is the model of a workflow declaration: the one shape that every front end produces and every
// emitter reads.
//
// A front end (gen/yamlspec) fills in a [Workflow] with the names as the user wrote them and the position of each of
// them. [Validate] then checks the whole model, resolves what one part says about another, and reports every mistake
// it finds. Emitters are only given models that passed; they do not check again.
package spec

import (
	"cmp"
	"slices"
	"time"
)

// Form is the way in which a declaration is written.
type Form int

// The forms.
const (
	YAML Form = iota
	Go        // annotated Go types: what the declaration names is the user's own code, and is not generated
)

// Workflow is one declaration. Slices keep the order of the declaration, so that generated code reads in the same
// order as the source. Docs, here and below, keep their lines but have no blank ones at the end, and no control
// characters but tabs and line feeds; they went through [DocText].
type Workflow struct {
	Form    Form
	File    string // as given by the user; positions refer to it
	Pos     Pos
	Name    Name // its stored name is in every instance
	Package Name // Go package of the generated code
	// ImportPath is that of the package. It is empty where nobody has looked for it, or the package belongs to no module.
	ImportPath string
	// Evolver is the fingerprint of the user's code that folds events. It is empty where nobody has looked for it.
	Evolver string
	Doc     string
	HTTP    bool // generate an HTTP handler, its OpenAPI document and a client

	// External says that another service has the workflow. It is declared by its inputs and rejections alone, and only a client is generated.
	External    bool
	ExternalPos Pos // where that is written

	ID         Name        // input field that names the instance, unless an input overrides it
	Unique     []UniqueKey // at most one for each input
	Search     []Name      // fields of the state, or else of inputs, that instances are found by; see SearchFields
	Subject    Name        // state field that names the subject of personal fields; the zero Name for the instance itself
	Types      []*Type     // declared structs, enums and imported Go types
	State      []*Field    // the user's part of the state; the status is generated
	Inputs     []*Message  // each with its ID field resolved by Validate
	Events     []*Message  //
	Effects    []*Effect   //
	Timers     []*Timer    //
	Schedules  []*Schedule // of the workflow as a whole; a timer may have one of its own
	Rejections []*Message  // without NotAccepted, which is generated
	States     []*State    // the first is the initial one; empty when the workflow declares no machine

	// The Go identifiers of the state: its type, the type of its status, and the field that holds the status. Front ends
	// set them where they are not State, Status and Status; Validate fills in the rest.
	StateType, StatusType, StatusField string

	// Histories says that the package has golden histories, and the types that a test needs to replay them.
	Histories bool

	// Allowed are the findings about a change of the declaration that are meant.
	Allowed []Allowance

	// Moves is the status function: one target for each pair of state and event. Validate fills it in, explicit
	// transitions first, then those that follow for the later events of one decision (see Move).
	Moves []Move
}

// HasStates reports whether the declaration has a state machine.
func (w *Workflow) HasStates() bool { return len(w.States) > 0 }

// Handled returns the effects that a handler of the user's carries out: all but those that the engine delivers itself.
func (w *Workflow) Handled() []*Effect {
	var list []*Effect
	for _, e := range w.Effects {
		if !e.Delivered() {
			list = append(list, e)
		}
	}
	return list
}

// ClientInputs returns the inputs that clients may send.
func (w *Workflow) ClientInputs() []*Message {
	return slices.DeleteFunc(slices.Clone(w.Inputs), func(m *Message) bool { return m.Internal || m.Operator })
}

// InternalInputs returns the inputs that only the engine delivers.
func (w *Workflow) InternalInputs() []*Message {
	return slices.DeleteFunc(slices.Clone(w.Inputs), func(m *Message) bool { return !m.Internal })
}

// OperatorInputs returns the inputs that only operators send.
func (w *Workflow) OperatorInputs() []*Message {
	return slices.DeleteFunc(slices.Clone(w.Inputs), func(m *Message) bool { return !m.Operator })
}

// Messages returns the inputs, events, effects and rejections.
func (w *Workflow) Messages() []*Message {
	list := slices.Concat(w.Inputs, w.Events)
	for _, e := range w.Effects {
		list = append(list, &e.Message)
	}
	return append(list, w.Rejections...)
}

// Name is an identifier of the declaration with the place where it was written. The Go names derived from its text are made by
// [GoName]. What is stored is [Name.Stored].
//
// The zero Name means that nothing was written. A Name with a position but no text stands for something that the front
// end could not read and has reported: Validate takes it for any name at all, and says nothing that may only follow
// from it. A front end that cannot read a whole list leaves one such entry in it, for the same reason.
type Name struct {
	Text string
	Pos  Pos

	// StoredAs is what the declaration says with "as", "" when it says nothing. Front ends set it where something is declared;
	// Validate copies it to where that is used.
	StoredAs string
	AsPos    Pos // where StoredAs is written
}

// Stored returns the text under which what has the name is stored, and under which other programs know it. It is the name itself
// unless the declaration says otherwise.
func (n Name) Stored() string { return cmp.Or(n.StoredAs, n.Text) }

// SetStored takes what a declaration says with "as".
func (n *Name) SetStored(as Name) { n.StoredAs, n.AsPos = as.Text, as.Pos }

// unread reports whether the front end could not read what is written here.
func (n Name) unread() bool { return n.Text == "" && n.Pos.Line > 0 }

// Allowance lets a change of the declaration pass that would be refused.
type Allowance struct {
	Code    string // of the finding
	Subject string // of the finding, as in event Paid.cents
	Reason  string
	Pos     Pos
}

// UniqueKey says that the field Key of Input names something that at most one active instance may hold.
type UniqueKey struct {
	Input Name
	Field Name
}

// Message is a named record: an input, an event, an effect's request or a rejection.
type Message struct {
	Name   Name
	Doc    string
	Fields []*Field

	// ID is the field that names the instance. Only inputs have one: the input's own, or the workflow's. Front ends
	// set it only when the input has its own; Validate fills in the rest.
	ID Name

	// From says who may send an input: FromClient, FromInternal or FromOperator, the zero Name when nothing is declared. Internal and
	// Operator are what follows: only the engine delivers the input, or only operators send it. Validate fills them in. All are for
	// inputs only.
	From     Name
	Internal bool
	Operator bool

	// Retired says that nothing new is made of an event, an effect or an input. What is stored of it is still read.
	Retired bool

	// Schema is the version of the fields, 0 when the declaration does not say. SchemaPos is where it is written.
	Schema    int
	SchemaPos Pos

	// Older are the versions before Schema, oldest first. The lock has them; gen/contract fills them in.
	Older []*Older
}

// Older is a version of a message that may be stored and that nothing new is made of.
type Older struct {
	Version int
	Name    string // of the Go type
	Fields  []*Field
	Samples []string // payloads as JSON: one with all fields and, if some may be missing, one without those
}

// Version is the version of the message's fields: Schema, or 1 when the declaration does not say.
func (m *Message) Version() int { return max(m.Schema, 1) }

// Field returns the field of a name, or nil.
func (m *Message) Field(name string) *Field {
	f, _ := field(m.Fields, name)
	return f
}

// Field of a message, a struct or the state.
type Field struct {
	Name Name // snake_case; in JSON it has its stored name
	Doc  string
	Type TypeRef

	// GoName selects the field in Go: OrderID or, where it belongs to an embedded struct, Base.OrderID. Front ends set it
	// where it is not made from the name; Validate fills in the rest.
	GoName string

	Default Name // JSON that stands for a stored value without the field; the zero Name when there is none
	Was     Name // stored name of the field in the version before; the zero Name when it had the same

	Personal    bool // its values are stored encrypted with the key of a subject
	PersonalPos Pos  // where that is written
	NotPersonal bool // the declaration says that its values are not personal; see PlainCopies
}

// TypeRef is a use of a type: list<Item> is Kind List with Elem Item. Kind is zero when the front end could not read
// the type and has reported it.
type TypeRef struct {
	Kind Kind
	Elem *TypeRef // of Optional, List and Map
	Name string   // of Scalar: the built-in type; of Declared: the declared type's name
	Decl *Type    // of Declared; resolved by Validate
	As   *GoType  // the defined Go type that stands here for what is otherwise plain, as in "type SKU string"; nil for the plain one
	Pos  Pos
}

// Innermost returns what is in the middle of optionals, lists and maps: the scalar or the declared type.
func (ref *TypeRef) Innermost() *TypeRef {
	for ref.Elem != nil {
		ref = ref.Elem
	}
	return ref
}

// Kind tells what a TypeRef is.
type Kind int

// The kinds of TypeRef.
const (
	Scalar   Kind = iota + 1
	Declared      // one of Workflow.Types
	Optional      // optional<T>: *T in Go, null in JSON
	List          // list<T>: []T
	Map           // map<T>: map[string]T
)

// Type is a declared type: exactly one of Fields (a struct, possibly empty), Values (an enum) and Go (imported) is used,
// as Kind says. Kind is zero when the front end could not read the type and has reported it.
type Type struct {
	Name   Name
	Doc    string
	Kind   TypeKind
	Fields []*Field
	Values []EnumValue
	Go     GoType
	As     *GoType // how Go code writes the type; nil when it goes by its name
	Locked bool    // only older versions of messages have it, and the lock says what it is
	Pos    Pos
}

// TypeKind tells what a declared type is.
type TypeKind int

// The kinds of Type.
const (
	Struct TypeKind = iota + 1
	Enum
	Imported
)

// EnumValue is one value of an enum; the stored name is the JSON text.
type EnumValue struct {
	Name   Name
	Doc    string
	GoName string // the constant; Validate fills it in where the front end does not
}

// GoType is a Go type: "github.com/shopspring/decimal.Decimal" has Path "github.com/shopspring/decimal". A type argument may
// also be made of others: then Name is "*", "[]", "[4]" or "map", without Path, and Args are those others.
type GoType struct {
	Path string // empty for a predeclared type, and for one of the package that is generated into
	Name string
	Args []*GoType // of a generic type
	Pos  Pos
}

// Effect is work outside the workflow: for a handler of the user's or, with Starts or Sends, for the engine, which then
// delivers the effect's fields to another workflow. At most one of Returns, Starts and Sends is used.
type Effect struct {
	Message
	Returns    []Name // inputs, one of which is the handler's result; empty when the result is only an error
	Optional   Name   // the word ReturnsOptional among what it returns: the handler may also answer with no input; else the zero Name
	Retry      Retry
	Timeout    time.Duration // of one attempt; 0 means the engine's default
	TimeoutPos Pos           // where Timeout is written

	Starts *Delivery // of the first input of a child; nil when the effect starts none
	Ended  Name      // input for the end of that child; the zero Name when the workflow need not hear of it
	Sends  *Delivery // of an input to another instance; nil when the effect sends none

	Refused Name // input for when that instance does not accept what was sent; the zero Name when the workflow need not hear of it

	Dead        Name // input for when the effect becomes a dead letter; the zero Name when there is none
	Priority    int  // from -1000 to 1000, higher first
	PriorityPos Pos  // where Priority is written
	Limit       *Limit

	// EndedFill, RefusedFill and DeadFill say what the engine puts into those inputs. Validate fills them in.
	EndedFill   []Fill
	RefusedFill []Fill
	DeadFill    []Fill
}

// Delivered reports whether the engine itself carries the effect out, so that it has no handler.
func (e *Effect) Delivered() bool { return e.Starts != nil || e.Sends != nil }

// ReturnsOptional is the word that stands among the inputs that an effect returns when there may be none.
const ReturnsOptional = "optional"

// SetReturns takes what a declaration lists as returns: inputs, and perhaps [ReturnsOptional]. A word that is listed again stays
// among the inputs.
func (e *Effect) SetReturns(list []Name) {
	for _, n := range list {
		if n.Text == ReturnsOptional && e.Optional == (Name{}) {
			e.Optional = n
		} else {
			e.Returns = append(e.Returns, n)
		}
	}
}

// ReturnsList is the opposite of SetReturns.
func (e *Effect) ReturnsList() []Name {
	if e.Optional == (Name{}) {
		return e.Returns
	}
	return append(slices.Clip(e.Returns), e.Optional)
}

// Retry holds what the declaration says about retries; zero values mean the engine's defaults. Since zero means that
// nothing was written, it is the front end that refuses a written zero or less, here and in all other durations.
type Retry struct {
	MaxAttempts int
	Base        time.Duration
	Max         time.Duration
	MaxPos      Pos // where Max is written
}

// Timer delivers an input later: once, or again and again when it has a schedule.
type Timer struct {
	Name     Name // snake_case
	Doc      string
	Input    Name
	After    time.Duration // default delay; 0 when each start names its own, and with a schedule
	AfterPos Pos           // where After is written
	Recurrence
	While []Name // states; armed on entry from outside of them, cancelled on exit. Empty: decisions start it
	Pos   Pos

	// Retired says that the timer is not started any more. One that runs still fires, once, unless the instance leaves the states of While.
	Retired bool
}

// State is one status of the workflow.
type State struct {
	Name     Name // snake_case
	Doc      string
	Terminal bool
	Retired  bool // only instances that are in it already, or had a retired event, are ever in it
	Waits    Name // WaitsClient, Text empty when nobody is waited for
	Accepts  []*Transition
	GoName   string // the constant; Validate fills it in where the front end does not
	Pos      Pos

	// Deadline is how long an instance may wait in the state before it counts as stuck; 0 for no limit.
	Deadline    time.Duration
	DeadlinePos Pos
}

// Transition says what an input may lead to in one state: either it is refused with Reject, or its decision may emit
// the events of Moves, each with the state it leads to, with these effects and timers.
type Transition struct {
	Input   Name
	Doc     string
	Reject  Name // the declared rejection, Text empty when there is none
	Moves   []EventMove
	Effects []Name
	Timers  []Name // that the decision may start or cancel
	Pos     Pos
}

// EventMove is an event with the state it leads to.
type EventMove struct {
	Event Name
	To    Name
}

// Move is one entry of the status function, by stored names. Derived moves are those of an event that follows another in the same
// decision: when an input may emit A (leading to a) and B (leading to b), B leads from a to b as well, unless the state
// a says something else of B, or two inputs would disagree; then there is no such move, and a decision that needs it
// fails when it runs.
type Move struct {
	From, Event, To string
	Derived         bool
}
