package diagnostic

// Rules about effects.
var (
	RetryRange = define("IF0601", Rule{
		Title: "Retries begin above their longest delay",
		Why: `
Pauses between attempts begin with base and double until they are as long as max.`,
		Wrong: `
effects:
  Ring: {retry: {base: 5m, max: 1m}}`,
		Right: `
effects:
  Ring: {retry: {base: 1s, max: 1m}}`,
	})
)
