package diagnostic

// Rules about declarations that are annotated Go types.
var (
	UnknownDirective = define("IF1001", Rule{
		Title: "A directive that is not known",
		Why: `
A comment that begins with //ironflow: is a directive: a word right behind the colon, and arguments.`,
		Wrong: `
//ironflow:evnt
type Opened struct{}`,
		Right: `
//ironflow:event
type Opened struct{}`,
		Form: Go,
	})

	MisplacedDirective = define("IF1002", Rule{
		Title: "A directive in the wrong place",
		Why: `
A directive says something of what its comment stands on: of a struct that is an input, an event, an effect, a rejection
or the state, or of a constant that is one of the states. Timers and schedules may also stand for themselves.`,
		Wrong: `
//ironflow:event
type Opened string`,
		Right: `
//ironflow:event
type Opened struct{}`,
		Form: Go,
	})

	DirectiveSyntax = define("IF1003", Rule{
		Title: "An argument of a directive that cannot be read",
		Why: `
What stands behind a directive is key=value, or a name alone where the directive declares one. Lists have commas and no
spaces, and a value with spaces is written in quotes.`,
		Wrong: `
//ironflow:effect returns=Open timeout="20s
type Ring struct{}`,
		Right: `
//ironflow:effect returns=Open timeout=20s
type Ring struct{}`,
		Form: Go,
	})

	NoWorkflowDirective = define("IF1004", Rule{
		Title: "No struct is the state of a workflow",
		Why: `
The declaration belongs to the struct that holds the state, in a file that is built on this machine.`,
	})

	StatusConstant = define("IF1005", Rule{
		Title: "A constant that cannot be a state",
		Why: `
The states are the constants of one string type of the package; their values are what is stored.`,
		Wrong: `
type State struct{}

const (
	//ironflow:accepts Open Opened=open
	Closed = "closed"
	//ironflow:terminal
	IsOpen = "open"
)`,
		Right: `
type State struct{ Status Status }

type Status string

const (
	//ironflow:accepts Open Opened=open
	Closed Status = "closed"
	//ironflow:terminal
	IsOpen Status = "open"
)`,
		Form: Go,
	})

	NoStatusField = define("IF1006", Rule{
		Title: "The state has no field for its status",
		Why: `
With states, the struct that holds the state has one field of their type. The runtime sets it as events lead from state to
state.`,
		Wrong: `
type State struct{}

type Status string

const (
	//ironflow:accepts Open Opened=open
	Closed Status = "closed"
	//ironflow:terminal
	IsOpen Status = "open"
)`,
		Right: `
type State struct{ Status Status }

type Status string

const (
	//ironflow:accepts Open Opened=open
	Closed Status = "closed"
	//ironflow:terminal
	IsOpen Status = "open"
)`,
		Form: Go,
	})

	NotStored = define("IF1007", Rule{
		Title: "A field that would not be stored",
		Why: `
Inputs, events, effects and states are written and read again, maybe by another process. A field that has no place in their
JSON is there the first time and empty ever after, so the same events would not lead to the same state.`,
		Wrong: `
//ironflow:event
type Opened struct {
	by string
}`,
		Right: `
//ironflow:event
type Opened struct {
	By string
}`,
		Form: Go,
	})

	FieldTag = define("IF1008", Rule{
		Title: "A tag that has no meaning here",
		Why: `
The tag "json" names a field; its options "omitempty" and "omitzero" make no difference, and others are not known. The tag
"ironflow" has one value, "decimal", for strings that hold a number.`,
		Wrong: "\n//ironflow:event\ntype Opened struct {\n\tCents int `json:\",string\"`\n}",
		Right: "\n//ironflow:event\ntype Opened struct {\n\tCents int\n}",
		Form:  Go,
	})

	UnsupportedGoType = define("IF1009", Rule{
		Title: "A Go type that cannot be stored",
		Why: `
A field has one of the types that a YAML declaration knows too: string, bool, int, int32, int64, uint32, uint64, float64,
time.Time, time.Duration, []byte, json.RawMessage, pointers to them, slices and maps of them, and structs, enums and defined
types of your own. Any other type needs JSON methods of its own, or comes from another package.`,
		Wrong: `
//ironflow:event
type Opened struct {
	By any
}`,
		Right: `
//ironflow:event
type Opened struct {
	By string
}`,
		Form: Go,
	})

	ConstrainedDeclaration = define("IF1015", Rule{
		Title: "A declaration that is built only sometimes",
		Why: `
A build constraint, as in //go:build linux or in the name door_linux.go, leaves a file out on other machines. The code that is
generated from its directives would not compile there, and the same events would mean something else. Move the directives, and
the types and constants that they use, to a file without a constraint.`,
		Wrong: `
-- go.mod --
module example.com/door
-- door.go --
//go:build linux

package door

//ironflow:workflow type=door id=DoorID
type State struct{}

//ironflow:input
type Open struct{ DoorID string }

//ironflow:event
type Opened struct{}`,
		Right: `
-- go.mod --
module example.com/door
-- door.go --
package door

//ironflow:workflow type=door id=DoorID
type State struct{}

//ironflow:input
type Open struct{ DoorID string }

//ironflow:event
type Opened struct{}`,
		Form: Files,
	})

	GoError = define("IF1010", Rule{
		Title: "An error in the Go code of the package",
		Why: `
The compiler would report it too, and it keeps the declaration from being understood. Identifiers that are yet to be
generated are no errors.`,
		Wrong: `
//ironflow:event
type Opened struct {
	By Person
}`,
		Right: `
//ironflow:event
type Opened struct {
	By Person
}

type Person struct{ Name string }`,
		Form: Go,
	})

	OnlyInGo = define("IF1011", Rule{
		Title: "Something that only annotated Go types can say",
		Why: `
"ironflow-gen convert" writes a declaration in YAML that means the same. JSON names that are not in snake_case, types with JSON
methods in the package itself, other packages' types with type arguments, and enums with an empty text have no place there.`,
	})
)
