package diagnostic

// Rules about keys and what stands behind them.
var (
	FormatVersion = define("IF0201", Rule{
		Title: "The version of the format is missing or not known",
	})
	UnknownKey = define("IF0202", Rule{
		Title: "A key that is not known",
	})
	NotMapping = define("IF0203", Rule{
		Title: "Not a mapping",
	})
	NotList = define("IF0204", Rule{
		Title: "Not a list",
	})
	NotText = define("IF0205", Rule{
		Title: "Not a text",
	})
	NotName = define("IF0206", Rule{
		Title: "Not a name",
	})
	NotASCII = define("IF0207", Rule{
		Title: "A name with a character outside of ASCII",
	})
	NotBoolean = define("IF0208", Rule{
		Title: "Neither true nor false",
	})
	NotNumber = define("IF0209", Rule{
		Title: "Not a whole number that can be meant",
	})
	BadDuration = define("IF0210", Rule{
		Title: "Not a duration",
	})
)
