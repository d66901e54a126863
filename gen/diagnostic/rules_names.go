package diagnostic

// Rules about names, wherever they are declared or used.
var (
	NameForm = define("IF0301", Rule{
		Title: "A name that is not formed like its kind",
	})
	LongName = define("IF0302", Rule{
		Title: "A name that is too long",
	})
	ReservedName = define("IF0303", Rule{
		Title: "A name that generated code needs itself",
	})
	DuplicateName = define("IF0304", Rule{
		Title: "Two declarations of one kind have the same name",
	})
	IdentifierCollision = define("IF0305", Rule{
		Title: "Two declarations need the same Go identifier",
	})
	Undeclared = define("IF0306", Rule{
		Title: "A name that is not declared",
	})
	ListedTwice = define("IF0307", Rule{
		Title: "A list has a name twice",
	})
)
