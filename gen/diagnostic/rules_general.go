package diagnostic

// Rules of no single area.
var (
	TooMany = define("IF0001", Rule{
		Title: "Too many mistakes",
		Why: `
A run prints 200 mistakes at most. Mend those and run again; many of the others often follow from them.`,
	})
)
