package diagnostic

// Rules about the directory that is generated into.
var (
	SharedDirectory = define("IF0901", Rule{
		Title: "Two declarations in one directory",
		Why: `
A directory is one Go package, and a package holds one workflow: two of them would both need the types State, Event
and so on.`,
		Wrong: `
-- door.ironflow.yaml --
workflow: door
-- gate.ironflow.yaml --
workflow: gate`,
		Right: `
-- door/door.ironflow.yaml --
workflow: door
-- gate/gate.ironflow.yaml --
workflow: gate`,
		Form: Files,
	})

	PackageMismatch = define("IF0902", Rule{
		Title: "The declared package is not that of the directory",
		Why: `
All Go files of a directory are of one package. Change "package" in the declaration, or the package clause of the
other files.`,
		Wrong: `
-- doors.go --
package doors
-- door.ironflow.yaml --
package: door`,
		Right: `
-- doors.go --
package doors
-- door.ironflow.yaml --
package: doors`,
		Form: Files,
	})

	FileTaken = define("IF0903", Rule{
		Title: "A file with the name of a generated one",
		Why: `
The file would be overwritten, but its head does not say that ironflow-gen wrote it, so it may be yours. Rename it, or
delete it. If it was generated, its head was changed.`,
		Wrong: `
-- types_ironflow.go --
package door
-- door.ironflow.yaml --
package: door`,
		Right: `
-- kinds.go --
package door
-- door.ironflow.yaml --
package: door`,
		Form: Files,
	})
)
