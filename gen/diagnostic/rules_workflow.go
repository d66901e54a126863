package diagnostic

// Rules about the workflow as a whole and the identity of its instances.
var (
	NoWorkflowName = define("IF0501", Rule{
		Title: "The workflow has no name",
		Why: `
The name is stored with every instance, and inputs are sent to it.`,
		Wrong: `
ironflow: 1
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
		Right: `
ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
	})

	NoPackageName = define("IF0502", Rule{
		Title: "The Go package is not named",
		Why: `
The generated files need a package clause, which is that of the other Go files in the directory.`,
		Wrong: `
ironflow: 1
workflow: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
		Right: `
ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
	})

	NoInputs = define("IF0503", Rule{
		Title: "The workflow has no inputs",
		Why: `
Everything that happens to an instance begins with an input, so nothing could ever happen to one of this workflow.`,
		Wrong: `
inputs: {}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}`,
	})

	NoEvents = define("IF0504", Rule{
		Title: "The workflow has no events",
		Why: `
Events are what is stored. An accepted input emits at least one.`,
		Wrong: `
events: {}`,
		Right: `
events:
  Opened: {}`,
	})

	NoID = define("IF0505", Rule{
		Title: "The workflow has no id",
		Why: `
An input must say which instance it is for. "id" names the field that does, in every input that has no id of its own.`,
		Wrong: `
ironflow: 1
workflow: door
package: door
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
		Right: `
ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
	})

	NoIDField = define("IF0506", Rule{
		Title: "An input lacks the field that names its instance",
		Why: `
Every input has the field that "id" names, or an id of its own that names another of its fields.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {by: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string, by: string}}`,
	})

	IDNotString = define("IF0507", Rule{
		Title: "The field that names an instance is not a string",
		Why: `
Instances are named by strings of 1 to 512 bytes.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: int}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}`,
	})

	UniqueTwice = define("IF0508", Rule{
		Title: "An input has two unique keys",
		Why: `
An input takes one unique key at most. To keep two things unique, let two inputs take them.`,
	})

	NoUniqueField = define("IF0509", Rule{
		Title: "A unique key that is no field of its input",
		Why: `
"unique" names, for an input, the field whose value no two active instances may share.`,
		Wrong: `
unique: {Open: key}`,
		Right: `
inputs:
  Open: {fields: {door_id: string, key: string}}
unique: {Open: key}`,
	})

	BadSender = define("IF0511", Rule{
		Title: "Nobody who can send an input",
		Why: `
An input is sent by clients, or it is internal: only the engine delivers it. Inputs that effects return, that timers and
schedules deliver, and that tell of dead letters and ends of children are internal unless they say "from: client".`,
		Wrong: `
inputs:
  Open: {from: anyone, fields: {door_id: string}}`,
		Right: `
inputs:
  Open: {from: client, fields: {door_id: string}}`,
	})

	UniqueNotString = define("IF0510", Rule{
		Title: "A unique key that is not a string",
		Why: `
Unique keys are compared as text, and an input that names one must bring it, so the field is a plain string.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string, key: optional<string>}}
unique: {Open: key}`,
		Right: `
inputs:
  Open: {fields: {door_id: string, key: string}}
unique: {Open: key}`,
	})
)
