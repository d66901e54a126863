package diagnostic

// Rules about the workflow as a whole and the identity of its instances.
var (
	NoWorkflowName = define("IF0501", Rule{
		Title: "The workflow has no name",
	})
	NoPackageName = define("IF0502", Rule{
		Title: "The Go package is not named",
	})
	NoInputs = define("IF0503", Rule{
		Title: "The workflow has no inputs",
	})
	NoEvents = define("IF0504", Rule{
		Title: "The workflow has no events",
	})
	NoID = define("IF0505", Rule{
		Title: "The workflow has no id",
	})
	NoIDField = define("IF0506", Rule{
		Title: "An input lacks the field that names its instance",
	})
	IDNotString = define("IF0507", Rule{
		Title: "The field that names an instance is not a string",
	})
	UniqueTwice = define("IF0508", Rule{
		Title: "An input has two unique keys",
	})
	NoUniqueField = define("IF0509", Rule{
		Title: "A unique key that is no field of its input",
	})
	UniqueNotString = define("IF0510", Rule{
		Title: "A unique key that is not a string",
	})
)
