package diagnostic

// Rules about the directory that is generated into.
var (
	SharedDirectory = define("IF0901", Rule{
		Title: "Two declarations in one directory",
	})
	PackageMismatch = define("IF0902", Rule{
		Title: "The declared package is not that of the directory",
	})
	FileTaken = define("IF0903", Rule{
		Title: "A file of the name of a generated one",
	})
)
