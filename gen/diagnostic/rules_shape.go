package diagnostic

// Rules about keys and what stands behind them.
var (
	FormatVersion = define("IF0201", Rule{
		Title: "The version of the format is missing or not known",
		Why: `
"ironflow: 1" says in which format the file is written, so that a later ironflow-gen still reads it as it was meant.
This one reads version 1.`,
		Wrong: `
ironflow: 2
workflow: door
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

	UnknownKey = define("IF0202", Rule{
		Title: "A key that is not known",
		Why: `
The key has no meaning in its place, so it is misspelled or stands one level too high or too low. docs/declaration.md
lists all keys; an editor that knows the schema of "ironflow-gen schema" completes them.`,
		Wrong: `
inputs:
  Open: {feilds: {door_id: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}`,
	})

	NotMapping = define("IF0203", Rule{
		Title: "Not a mapping",
		Why: `
Here names are declared, each with a colon and what it stands for.`,
		Wrong: `
events: [Opened, Closed]`,
		Right: `
events:
  Opened: {}
  Closed: {}`,
	})

	NotList = define("IF0204", Rule{
		Title: "Not a list",
		Why: `
Here stands a list of names, [first, second], or one name alone.`,
		Wrong: `
effects:
  Ring: {returns: {Open: yes}}`,
		Right: `
effects:
  Ring: {returns: [Open]}`,
	})

	NotText = define("IF0205", Rule{
		Title: "Not a text",
		Why: `
Here stands a text. YAML takes words like 2024, true or 1.5 for something else unless they are in quotes.`,
		Wrong: `
doc: 2024`,
		Right: `
doc: "2024"`,
	})

	NotName = define("IF0206", Rule{
		Title: "Not a name",
		Why: `
Here stands a name. YAML takes yes, no, on, off, null and numbers for something else unless they are in quotes.`,
		Wrong: `
workflow: 42`,
		Right: `
workflow: door_42`,
	})

	NotASCII = define("IF0207", Rule{
		Title: "A name with a character outside of ASCII",
		Why: `
Names become Go identifiers and are compared by databases, so they are kept to what every tool reads alike.`,
		Wrong: `
events:
  Geöffnet: {}`,
		Right: `
events:
  Geoeffnet: {}`,
	})

	NotBoolean = define("IF0208", Rule{
		Title: "Neither true nor false",
		Why: `
Here stands true or false.`,
		Wrong: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: certainly}`,
		Right: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	NotNumber = define("IF0209", Rule{
		Title: "Not a number that is possible here",
		Why: `
Here stands a number within the limits that the message names.`,
		Wrong: `
effects:
  Ring: {retry: {max_attempts: 0}}`,
		Right: `
effects:
  Ring: {retry: {max_attempts: 3}}`,
	})

	BadDuration = define("IF0210", Rule{
		Title: "Not a duration",
		Why: `
A duration is a number with a unit, ns, us, ms, s, m or h, or several of them, and may begin with whole days: 500ms,
1h30m, 7d, 1d12h. It is longer than zero.`,
		Wrong: `
effects:
  Ring: {timeout: 20}`,
		Right: `
effects:
  Ring: {timeout: 20s}`,
	})
)
