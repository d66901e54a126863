package randomspec

import (
	"github.com/ironflow-gen/ironflow/gen/spec"
)

var scalars = []string{"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "time", "duration", "bytes", "decimal", "json"}

func (g *generator) typeName(depth int) string { return g.someType(depth, true) }

// someType returns a type. One in an optional is not optional itself.
func (g *generator) someType(depth int, optional bool) string {
	if depth < 7 && g.chance(35-5*max(depth-2, 0)) {
		switch {
		case g.chance(33):
			return "list<" + g.someType(depth+1, true) + ">"
		case g.chance(50):
			return "map<" + g.someType(depth+1, true) + ">"
		case optional:
			return "optional<" + g.someType(depth+1, false) + ">"
		}
	}
	if len(g.types) > 0 && g.chance(30) {
		return g.pick(g.types...)
	}
	return g.pick(scalars...)
}

// importedTypes have, among them, packages of one name, and names of packages that generated code needs itself.
var importedTypes = []string{
	"net/url.URL", "math/big.Int", "net/netip.Addr", "text/template/parse.Pos", "time.Month", "encoding/json.Number", "runtime.Frame",
	"text/template.Template", "html/template.Template", "math/rand.Zipf", "math/rand/v2.Zipf", "io/fs.FileMode", "database/sql.NullString",
	"go/token.Pos", "github.com/ironflow-gen/ironflow/runtime/workflow.EffectKind",
}

// enums are values that make constants.
var enums = []string{
	`[red, dark-green, "1", EUR]`, `[func, type]`, `{a: First., b: "Second, \"quoted\".", c: }`, `[only]`, `["true", "null", "1.5", "a b", "a/b2"]`,
}

// enumValues are what makes constants in each of enums.
var enumValues = [][]string{{"red", "dark-green", "1", "EUR"}, {"func", "type"}, {"a", "b", "c"}, {"only"}, {"true", "null", "1.5", "a b", "a/b2"}}

func (g *generator) declareTypes() {
	n := g.between(0, 5)
	if n == 0 {
		return
	}
	g.line(0, "types:")
	g.inTypes = true
	defer func() { g.inTypes = false }()
	for i := range n {
		name := g.message("Ty", i)
		switch g.r.IntN(5) {
		case 0:
			g.enum(name)
		case 1:
			g.line(1, "%s: {go: %s}", name, g.pick(importedTypes...))
		default:
			g.line(1, "%s:", name)
			g.doc(2)
			g.line(2, "fields:")
			r := g.record()
			r.add("first_id", "string")
			g.someFields(r)
			if g.chance(20) {
				r.add("children", g.pick("list", "map", "optional")+"<"+name+">")
			}
			g.write(3, r)
		}
		g.types = append(g.types, name)
	}
}

func (g *generator) enum(name string) {
	i := g.r.IntN(len(enums))
	var constants []string
	for _, value := range enumValues[i] {
		constants = append(constants, spec.EnumValueName(name, value))
	}
	if !g.claim(constants...) {
		g.line(1, "%s: {fields: {}}", name)
		return
	}
	if g.keyEnum == "" {
		g.keyEnum = name
	}
	if g.chance(30) {
		g.line(1, "%s: {doc: %s, enum: %s}", name, g.pick(docs...), enums[i])
		return
	}
	g.line(1, "%s: {enum: %s}", name, enums[i])
}
