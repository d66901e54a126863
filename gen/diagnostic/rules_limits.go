package diagnostic

// Rules about the order of effects, and how many of them are done.
var (
	PriorityRange = define("IF0602", Rule{
		Title: "A priority that is out of range",
		Why: `
A priority is a whole number from -1000 to 1000. Effects with a higher one come first; 0 is that of an effect which says
nothing.`,
		Wrong: `
effects:
  Ring: {priority: 5000}`,
		Right: `
effects:
  Ring: {priority: 100}`,
	})

	EmptyLimit = define("IF0603", Rule{
		Title: "A limit that limits nothing",
		Why: `
A limit says how many effects are done at once, in one process, in all of them or for one value of a field, or how many
are begun in each second.`,
		Wrong: `
effects:
  Ring: {limit: {}}`,
		Right: `
effects:
  Ring: {limit: {concurrency: 4}}`,
	})

	HalfLimit = define("IF0604", Rule{
		Title: "Half a limit",
		Why: `
"burst" is how many effects may begin at once although a rate is kept, so it goes with "rate". "key" names a field and
"per_key" how many effects are done at once for one value of it, so neither says anything without the other.`,
		Wrong: `
effects:
  Ring: {fields: {bell: string}, limit: {key: bell}}`,
		Right: `
effects:
  Ring: {fields: {bell: string}, limit: {key: bell, per_key: 1}}`,
	})

	LimitUnreached = define("IF0605", Rule{
		Title: "A limit that another one never lets it reach",
		Why: `
"global" counts over all processes and all keys, so no process and no key can get above it.`,
		Wrong: `
effects:
  Ring: {limit: {concurrency: 20, global: 10}}`,
		Right: `
effects:
  Ring: {limit: {concurrency: 5, global: 10}}`,
	})

	LimitKey = define("IF0606", Rule{
		Title: "A limit by a field that is none, or is no key",
		Why: `
"key" names a field of the effect. Its values are told apart as text, so it is a string, an integer like int64 or uint32, or an
enum.`,
		Wrong: `
effects:
  Ring: {fields: {volume: float64}, limit: {key: volume, per_key: 1}}`,
		Right: `
effects:
  Ring: {fields: {bell: string}, limit: {key: bell, per_key: 1}}`,
	})
)
