package diagnostic

// Rules about types and fields.
var (
	BadType = define("IF0401", Rule{
		Title: "Not a type",
		Why: `
A type is a scalar like string or int64, a name that is declared under types, or list<T>, map<T> or optional<T> of
one. The keys of a map are always strings.`,
		Wrong: `
state:
  visits: map<string, int>`,
		Right: `
state:
  visits: map<int>`,
	})

	UnknownType = define("IF0402", Rule{
		Title: "A type that is not known",
		Why: `
The name is neither a scalar nor declared under types.`,
		Wrong: `
state:
  opened_at: datetime`,
		Right: `
state:
  opened_at: time`,
	})

	NoType = define("IF0403", Rule{
		Title: "A field without a type",
		Why: `
A field in its long form has a type beside its doc.`,
		Wrong: `
state:
  visits: {doc: How often somebody came in.}`,
		Right: `
state:
  visits: {type: int, doc: How often somebody came in.}`,
	})

	LargeType = define("IF0404", Rule{
		Title: "A type that is too long or too deep",
		Why: `
list, map and optional nest 8 deep at most. Declare a type for the inner part.`,
		Wrong: `
state:
  a: list<list<list<list<list<list<list<list<list<int>>>>>>>>>`,
		Right: `
types:
  Row: {cells: list<int>}
state:
  a: list<list<list<list<Row>>>>`,
	})

	EmptyEnum = define("IF0405", Rule{
		Title: "An enum without values",
		Why: `
No value would be valid, so no field of this type could ever be set.`,
		Wrong: `
types:
  Size: {enum: []}`,
		Right: `
types:
  Size: {enum: [small, large]}`,
	})

	BadGoType = define("IF0406", Rule{
		Title: "An imported Go type that cannot be used",
		Why: `
An imported type is written as import path, dot and name. Generated code is another package, so the name must be
exported, and the package must be one that it can import. Generated code copies values, so the type must allow that.`,
		Wrong: `
types:
  Money: {go: github.com/shopspring/decimal.decimal}`,
		Right: `
types:
  Money: {go: github.com/shopspring/decimal.Decimal}`,
	})

	DoubleOptional = define("IF0407", Rule{
		Title: "An optional of an optional",
		Why: `
A value is there or it is not, and JSON has one null for it.`,
		Wrong: `
state:
  opened_at: optional<optional<time>>`,
		Right: `
state:
  opened_at: optional<time>`,
	})

	RecursiveType = define("IF0408", Rule{
		Title: "A type that contains itself",
		Why: `
A value of such a type would be without end. An optional, a list or a map may be empty and so breaks the circle.`,
		Wrong: `
types:
  Room: {next: Room}`,
		Right: `
types:
  Room: {next: optional<Room>}`,
	})

	ReservedField = define("IF0409", Rule{
		Title: "A field whose name is taken",
		Why: `
Inputs as JSON carry their name in "type", and the state of a workflow with states holds the current one in "status".`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string, type: string}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string, manner: string}}`,
	})

	DuplicateField = define("IF0410", Rule{
		Title: "Two fields of one name",
		Why: `
Nothing could tell them apart. Delete one, or rename it if both are meant.`,
	})

	FieldCollision = define("IF0411", Rule{
		Title: "Two fields need the same Go name",
		Why: `
order_id and orderid differ as JSON, but underscores are no part of Go names, where they would meet.`,
		Wrong: `
state:
  order_id: string
  order__id: string`,
		Right: `
state:
  order_id: string
  other_order_id: string`,
	})

	LargeStruct = define("IF0414", Rule{
		Title: "A struct that is too large",
		Why: `
A field whose type is a struct holds all of it, so a struct doubles with every type that has two fields of the one before. A
struct may take 64 KiB with all that it holds in this way. An optional or a list takes a few bytes, whatever is in it.`,
	})

	UnionType = define("IF0415", Rule{
		Title: "A type that is one of several",
		Why: `
A value of an enum is a text without data, and no type is one of several: stored values are read by one type, and a case that is
added later has to leave them readable. Declare a struct with a tag, which is a field of an enum, and an optional field for the data of
each value. The decider refuses what does not fit together.`,
		Wrong: `
types:
  Payment: {enum: {cash: , card: {fields: {number: string}}}}`,
		Right: `
types:
  PaymentKind: {enum: [cash, card]}
  Card: {number: string}
  Payment: {kind: PaymentKind, card: optional<Card>}`,
	})
)
