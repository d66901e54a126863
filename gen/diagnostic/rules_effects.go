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

	EmptyReturns = define("IF0615", Rule{
		Title: "A result that is optional and nothing else",
		Why: `
"optional" among what an effect returns says that its handler may answer with no input instead of one that is listed. An effect
without "returns" never answers.`,
		Wrong: `
effects:
  Ring: {returns: [optional]}`,
		Right: `
effects:
  Ring: {returns: [Open, optional]}`,
	})
)
