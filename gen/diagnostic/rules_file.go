package diagnostic

// Rules about the text of a declaration.
var (
	FileTooLarge = define("IF0101", Rule{
		Title: "The file is too large",
	})
	EmptyFile = define("IF0102", Rule{
		Title: "The file is empty",
	})
	SecondDocument = define("IF0103", Rule{
		Title: "A file holds two declarations",
	})
	NotUTF8 = define("IF0104", Rule{
		Title: "The file is not UTF-8",
	})
	ControlCharacter = define("IF0105", Rule{
		Title: "A control character",
	})
	NotYAML = define("IF0106", Rule{
		Title: "The file is not YAML",
	})
	TabIndent = define("IF0107", Rule{
		Title: "A tab indents a line",
	})
	ForeignType = define("IF0108", Rule{
		Title: "A type is spelled in a way that YAML cannot read",
	})
	NeedsQuotes = define("IF0109", Rule{
		Title: "A text needs quotes",
	})
	OpenQuote = define("IF0110", Rule{
		Title: "A quote is not closed",
	})
	NoSpace = define("IF0111", Rule{
		Title: "A colon without a space",
	})
	StrayListItem = define("IF0112", Rule{
		Title: "A list item among names",
	})
	Brackets = define("IF0113", Rule{
		Title: "Brackets or commas are missing, or too many",
	})
	NoColon = define("IF0114", Rule{
		Title: "A name without a colon",
	})
	WrongIndent = define("IF0115", Rule{
		Title: "A line is indented unlike its neighbours",
	})
	UnknownAlias = define("IF0116", Rule{
		Title: "An alias without an anchor",
	})
	TooManyAliases = define("IF0117", Rule{
		Title: "Aliases expand to too much",
	})
	BadMerge = define("IF0118", Rule{
		Title: "\"<<\" merges something else than a mapping",
	})
	TooManyEntries = define("IF0119", Rule{
		Title: "A mapping or list is too long",
	})
	DuplicateKey = define("IF0120", Rule{
		Title: "A key is written twice",
	})
)
