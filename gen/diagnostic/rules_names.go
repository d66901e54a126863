package diagnostic

// Rules about names, wherever they are declared or used.
var (
	NameForm = define("IF0301", Rule{
		Title: "A name that is not formed like its kind",
		Why: `
The form tells what a name is: inputs, events, effects, rejections and types are written OrderPlaced, since they
become Go types; the workflow, states, timers and fields are written order_id.`,
		Wrong: `
events:
  door_opened: {}`,
		Right: `
events:
  DoorOpened: {}`,
	})

	LongName = define("IF0302", Rule{
		Title: "A name that is too long",
		Why: `
A name may have 100 bytes, which leaves room for what generated code makes of it.`,
	})

	ReservedName = define("IF0303", Rule{
		Title: "A name that generated code needs itself",
		Why: `
Every workflow is generated with types like State, Event and Client. Nothing that is declared can have their names.`,
		Wrong: `
events:
  State: {}`,
		Right: `
events:
  StateChanged: {}`,
	})

	DuplicateName = define("IF0304", Rule{
		Title: "Two declarations of one kind have the same name",
		Why: `
Nothing could tell them apart. Delete one, or rename it if both are meant.`,
	})

	IdentifierCollision = define("IF0305", Rule{
		Title: "Two declarations need the same Go identifier",
		Why: `
All that is declared becomes Go of one package, so an input and an event cannot share a name, nor can two names that
differ only in ways that Go names do not have. It is the custom to name an input as an order and its event as a fact:
Pay and Paid.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
events:
  Open: {}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
events:
  Opened: {}`,
	})

	Undeclared = define("IF0306", Rule{
		Title: "A name that is not declared",
		Why: `
The name is used here but declared nowhere, or declared as something else. Mend the spelling, or declare it.`,
		Wrong: `
effects:
  Ring: {returns: [Opne]}`,
		Right: `
effects:
  Ring: {returns: [Open]}`,
	})

	ListedTwice = define("IF0307", Rule{
		Title: "A list has a name twice",
		Why: `
The second mention says nothing new, so it is probably another name that was meant.`,
		Wrong: `
effects:
  Ring: {returns: [Open, Open]}`,
		Right: `
effects:
  Ring: {returns: [Open]}`,
	})

	StoredForm = define("IF0308", Rule{
		Title: "A text that nothing can be stored under",
		Why: `
"as" takes any text of 1 to 100 bytes that can be printed, has a letter or a digit, and neither begins nor ends with a
space. A field's is a JSON name that Go tags can have: letters, digits, spaces and punctuation, without commas, quotes and
backslashes. Those of inputs have no slash, and those of inputs, effects and timers do not begin with "schedule:", as stored schedules do.`,
		Wrong: `
events:
  Opened: {as: "opened\tdoor"}`,
		Right: `
events:
  Opened: {as: opened door}`,
	})

	StoredCollision = define("IF0309", Rule{
		Title: "Two things of one kind are stored under one name",
		Why: `
The stored name is all that tells them apart when they are read. "as" cannot give a thing the stored name of another one of
its kind, nor one that ironflow itself stores there: "type" in an input, "status" in the state of a workflow with states, and
the rejection "NotAccepted".`,
		Wrong: `
events:
  Opened: {}
  Unlocked: {as: Opened}`,
		Right: `
events:
  Opened: {as: Unsealed}
  Unlocked: {as: Opened}`,
	})
)
