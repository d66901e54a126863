package randomspec

// HostileNames are names in small letters that generated code has for something else: local names, imports, functions, and names of Go.
var HostileNames = []string{
	"status", "state", "input", "declared", "s", "d", "e", "v", "seen", "ctx", "engine", "err", "store", "any", "error", "int64", "nil", "true",
	"context", "fmt", "http", "httpapi", "codec", "runtime", "testing", "time", "ironflowtest",
}
