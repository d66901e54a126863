package diagnostic

// Rules about effects.
var (
	RetryRange = define("IF0601", Rule{
		Title: "Retries begin above their longest delay",
	})
)
