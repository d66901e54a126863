package diagnostic

// Rules of no single area.
var (
	TooMany = define("IF0001", Rule{
		Title: "Too many mistakes",
	})
)
