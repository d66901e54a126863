package randomspec

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// HostileNames are names in small letters that generated code has for something else: local names, imports, functions, and names of Go.
var HostileNames = []string{
	"status", "state", "input", "declared", "s", "d", "e", "v", "seen", "ctx", "engine", "err", "store", "any", "error", "int64", "uint64", "nil", "true",
	"context", "fmt", "http", "httpapi", "codec", "runtime", "testing", "time", "ironflowtest",
}

// hostileFunctions are names of generated functions and types, which cannot be had twice.
var hostileFunctions = []string{"adapter", "refuse", "unfinished", "inputID", "withID", "encodeState", "openAPI"}

// HostileFile returns a Go file that declares some hostile names at package level. The names of Go are rarer than the others, because they
// are refused. It declares none of the names that the user's other files have.
func HostileFile(r *rand.Rand, packageName string, isTaken func(name string) bool) []byte {
	g := newGenerator()
	g.r = r
	names := g.some(HostileNames, 0)
	if len(names) > 8 {
		names = names[:8]
	}
	if g.chance(10) {
		names = append(names, g.pick(hostileFunctions...))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", packageName)
	for _, name := range names {
		if isTaken(name) {
			continue
		}
		switch name {
		case "any", "error", "int64", "uint64", "nil", "true":
			if g.chance(80) {
				continue
			}
		}
		switch g.r.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "\ntype %s struct{}\n", name)
		case 1:
			fmt.Fprintf(&b, "\nfunc %s() {}\n", name)
		case 2:
			fmt.Fprintf(&b, "\nvar %s = 1\n", name)
		default:
			fmt.Fprintf(&b, "\nconst %s = iota\n", name)
		}
	}
	return []byte(b.String())
}
