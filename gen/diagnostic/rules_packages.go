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

	StaleFile = define("IF0904", Rule{
		Title: "A generated file is not up to date",
		Why: `
The declaration or the code of the evolver was changed, ironflow-gen has another version, or somebody edited the file.
"ironflow-gen check" finds this so that CI refuses it. "ironflow-gen" writes the file again.

Generated code has a fingerprint of the evolver, so that snapshots of states that another evolver made are not used.`,
	})

	MissingFile = define("IF0905", Rule{
		Title: "A file is missing that would be written",
		Why: `
Generated files belong into the repository, since users of the package do not run ironflow-gen. So do decider.go, handler.go
and their test, which are written once when there is nothing like them. "ironflow-gen" writes what is missing.`,
	})

	OrphanedFile = define("IF0906", Rule{
		Title: "A generated file that is not needed any more",
		Why: `
ironflow-gen wrote the file for a declaration that has changed since, or is gone. "ironflow-gen" removes it; it never removes a
file that does not say in its head that it was generated.`,
	})
)
