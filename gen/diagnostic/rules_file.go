package diagnostic

// Rules about the text of a declaration.
var (
	FileTooLarge = define("IF0101", Rule{
		Title: "The file is too large",
		Why: `
A declaration may have 1 MiB. What is larger is not a declaration, or data has got into it.`,
	})

	EmptyFile = define("IF0102", Rule{
		Title: "The file is empty",
		Why: `
The file holds nothing, or comments only. A declaration begins with the version of its format.`,
		Wrong: `
# TODO: declare the workflow`,
		Right: `
ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}`,
	})

	SecondDocument = define("IF0103", Rule{
		Title: "A file holds two declarations",
		Why: `
"---" begins a second YAML document. A file holds one declaration, and a directory one file, because it becomes one Go
package. Move the second to a directory of its own.`,
		Wrong: `
doc: The front door.
---
workflow: gate`,
		Right: `
doc: The front door.`,
	})

	NotUTF8 = define("IF0104", Rule{
		Title: "The file is not UTF-8",
		Why: `
A byte is no part of a character in UTF-8, mostly because an editor saved the file as Latin-1. Save it as UTF-8.`,
	})

	ControlCharacter = define("IF0105", Rule{
		Title: "A control character",
		Why: `
Neither YAML nor Go source code takes control characters other than tabs and line breaks. They come with text that was
copied from elsewhere, or from an escape in quotes.`,
		Wrong: `
doc: "The front door.\a"`,
		Right: `
doc: The front door.`,
	})

	NotYAML = define("IF0106", Rule{
		Title: "The file is not YAML",
		Why: `
The YAML parser gave up, and it is none of the slips that have a code of their own. The message is the parser's.
Comment out the lines around the position to narrow it down.`,
		Wrong: `
doc: "The \q door."`,
		Right: `
doc: The "q" door.`,
	})

	TabIndent = define("IF0107", Rule{
		Title: "A tab indents a line",
		Why: `
YAML indents with spaces only, because a tab is as wide as each editor likes.`,
		Wrong: `
inputs:
	Open: {fields: {door_id: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}`,
	})

	ForeignType = define("IF0108", Rule{
		Title: "A type is spelled in a way that YAML cannot read",
		Why: `
"[", "*", "&" and "?" mean something to YAML, so types are not spelled as in Go or TypeScript: write list<T>, map<T>
and optional<T>.`,
		Wrong: `
types:
  Parcel: {items: []string}`,
		Right: `
types:
  Parcel: {items: list<string>}`,
	})

	NeedsQuotes = define("IF0109", Rule{
		Title: "A text needs quotes",
		Why: `
A text without quotes ends for YAML at a colon with a space behind it, between brackets also at a question mark, and
it cannot begin with "@", "%" or a backquote. In quotes it may hold anything.`,
		Wrong: `
doc: Note: the front door.`,
		Right: `
doc: "Note: the front door."`,
	})

	OpenQuote = define("IF0110", Rule{
		Title: "A quote is not closed",
		Why: `
A text in quotes ends with the same quote with which it began. A quote inside is doubled in single quotes, and written
\" in double ones.`,
		Wrong: `
doc: "The front door.`,
		Right: `
doc: "The front door."`,
	})

	NoSpace = define("IF0111", Rule{
		Title: "A colon without a space",
		Why: `
"name:value" is one text to YAML. A space behind the colon makes it a name and a value.`,
		Wrong: `
inputs:
  Open:{fields: {door_id: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}`,
	})

	StrayListItem = define("IF0112", Rule{
		Title: "A list item among names",
		Why: `
A line that begins with "-" is an entry of a list. Declarations are mappings: a name, a colon and what is declared.`,
		Wrong: `
events:
  Opened: {}
  - Closed`,
		Right: `
events:
  Opened: {}
  Closed: {}`,
	})

	Brackets = define("IF0113", Rule{
		Title: "Brackets or commas are missing, or too many",
		Why: `
Between "{" and "}" stand entries with commas between them, and every bracket that is opened is closed.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string by: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string, by: string}}`,
	})

	NoColon = define("IF0114", Rule{
		Title: "A name without a colon",
		Why: `
A name in a mapping needs a colon, also when nothing follows it.`,
		Wrong: `
events:
  Opened
  Closed: {}`,
		Right: `
events:
  Opened:
  Closed: {}`,
	})

	WrongIndent = define("IF0115", Rule{
		Title: "A line is indented unlike its neighbours",
		Why: `
What belongs together is indented by the same number of spaces, and by more than the line that it belongs to.`,
		Wrong: `
inputs:
  Open:
    fields: {door_id: string}
   id: door_id`,
		Right: `
inputs:
  Open:
    fields: {door_id: string}
    id: door_id`,
	})

	UnknownAlias = define("IF0116", Rule{
		Title: "An alias without an anchor",
		Why: `
"*name" stands for what "&name" marks further up. Without a mark of that name it stands for nothing.`,
		Wrong: `
inputs:
  Open: {fields: *common}`,
		Right: `
inputs:
  Open: {fields: &common {door_id: string}}
  Close: {fields: *common}`,
	})

	TooManyAliases = define("IF0117", Rule{
		Title: "Aliases expand to too much",
		Why: `
Aliases of aliases can turn a few lines into billions. A declaration may have 200,000 values with its aliases replaced
by what they stand for.`,
	})

	BadMerge = define("IF0118", Rule{
		Title: `"<<" merges something else than a mapping`,
		Why: `
"<<" takes the alias of a mapping, or a list of such aliases, and nothing that contains itself.`,
		Wrong: `
inputs:
  Open: {fields: {<<: door_id, door_id: string}}`,
		Right: `
inputs:
  Open: {fields: &common {door_id: string}}
  Close: {fields: {<<: *common, by: string}}`,
	})

	TooManyEntries = define("IF0119", Rule{
		Title: "A mapping or list is too long",
		Why: `
A mapping or a list may have 1,000 entries. Split what needs more into several workflows.`,
	})

	DuplicateKey = define("IF0120", Rule{
		Title: "A key is written twice",
		Why: `
YAML would let one of the two win without a word. Delete one, or rename it if both are meant.`,
		Wrong: `
events:
  Opened: {}
  Opened: {fields: {by: string}}`,
		Right: `
events:
  Opened: {fields: {by: string}}`,
	})

	OddLineBreak = define("IF0121", Rule{
		Title: "A line break that editors do not show",
		Why: `
U+0085 (NEL), U+2028 (LS) and U+2029 (PS) end a line for YAML and hardly anywhere else, so what follows may not mean what it seems
to. A carriage return alone does, too; only "ironflow-gen fmt" refuses it. Replace the character by a line feed, or by a space.`,
	})

	OddTag = define("IF0122", Rule{
		Title: "A tag with odd characters",
		Why: `
"!" before a value is a tag of YAML. Declarations have no use for them, and "ironflow-gen fmt" lays out no file with a tag that
has other characters than letters, digits and "_.:/-". Remove it.`,
	})
)
