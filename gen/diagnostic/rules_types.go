package diagnostic

// Rules about types and fields.
var (
	BadType = define("IF0401", Rule{
		Title: "Not a type",
	})
	UnknownType = define("IF0402", Rule{
		Title: "A type that is not known",
	})
	NoType = define("IF0403", Rule{
		Title: "A field without a type",
	})
	LargeType = define("IF0404", Rule{
		Title: "A type that is too long or too deep",
	})
	EmptyEnum = define("IF0405", Rule{
		Title: "An enum without values",
	})
	BadGoType = define("IF0406", Rule{
		Title: "An imported Go type that cannot be used",
	})
	DoubleOptional = define("IF0407", Rule{
		Title: "An optional of an optional",
	})
	RecursiveType = define("IF0408", Rule{
		Title: "A type that contains itself",
	})
	ReservedField = define("IF0409", Rule{
		Title: "A field whose name is taken",
	})
	DuplicateField = define("IF0410", Rule{
		Title: "Two fields of one name",
	})
	FieldCollision = define("IF0411", Rule{
		Title: "Two fields need the same Go name",
	})
)
