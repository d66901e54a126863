package gospec_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/gospec"
)

// randomPackages is how many packages TestRandomTypes makes.
const randomPackages = 200

// TestRandomTypes makes packages of random types, all of them valid. Each must be accepted, generate code that compiles, and
// mean the same in YAML where that can say it.
func TestRandomTypes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/user\n\ngo 1.26.0\n")
	var packages []gospec.Package
	number := uint64(randomPackages)
	if testing.Short() {
		number /= 10
	}
	for seed := range number {
		g := randomGo{r: rand.New(rand.NewPCG(seed, 5))}
		packages = append(packages, gospec.Package{
			Dir:   filepath.Join(root, fmt.Sprint("p", seed)),
			Files: []gospec.File{{Name: "w.go", Content: []byte(g.file())}},
		})
	}
	for i, result := range gospec.Load(packages) {
		if !checkResult(t, result, packages[i]) {
			t.Errorf("a valid package is refused: %v\n%s", result.Err, packages[i].Files[0].Content)
		}
	}
}

// randomGo writes a random Go file.
type randomGo struct {
	r       *rand.Rand
	types   []string // that a field may have
	structs []string // that a struct may embed
	generic []string // with one parameter
	n       int
}

func (g *randomGo) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *randomGo) pick(list []string) string { return list[g.r.IntN(len(list))] }

func (g *randomGo) name(prefix string) string {
	g.n++
	return fmt.Sprintf("%s%d", prefix, g.n)
}

var (
	plainTypes = []string{
		"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "rune", "[]byte", "time.Time", "time.Duration", "json.RawMessage",
	}
	foreignTypes = []string{"url.URL", "big.Int", "netip.Addr", "sql.Null[int]", "sql.Null[[]map[string]*url.URL]"}
	names        = []string{"Plain", "plain", "Snake_Case", "URL", "State", "Status2", "x", "T"}
)

func (g *randomGo) file() string {
	var b strings.Builder
	b.WriteString("package w\n\nimport (\n\t\"database/sql\"\n\t\"encoding/json\"\n\t\"math/big\"\n\t\"net/netip\"\n\t\"net/url\"\n\t\"time\"\n)\n\n" +
		"var _ = []any{sql.ErrNoRows, json.Valid, big.NewInt, netip.AddrFrom4, url.Parse, time.Now}\n")
	for range 3 + g.r.IntN(8) {
		b.WriteString("\n" + g.declaration())
	}
	state := g.name(g.pick([]string{"State", "account", "Thing"}))
	fmt.Fprintf(&b, "\n// Said of the state.\n//\n//ironflow:workflow type=w id=Ident http=%t\ntype %s struct {\n%s}\n", g.chance(30), state, g.fields())
	for _, kind := range []string{"input", "input", "event", "event", "effect", "rejection"} {
		id := ""
		if kind == "input" {
			id = "\tIdent string `json:\"who\"`\n"
		}
		fmt.Fprintf(&b, "\n//ironflow:%s\ntype %s struct {\n%s%s}\n", kind, g.name("Message"), id, g.fields())
	}
	return b.String()
}

// declaration declares a type, and maybe makes it one that fields can have.
func (g *randomGo) declaration() string {
	name := g.name(g.pick(names))
	declare := func(format string, args ...any) string { // whose arguments cannot mention the type yet
		g.types = append(g.types, name)
		return fmt.Sprintf("type "+name+" "+format+"\n", args...)
	}
	switch g.r.IntN(8) {
	case 0:
		text := declare("string") + "\nconst (\n"
		for _, value := range []string{"red", "dark-green", "EUR"} {
			text += fmt.Sprintf("\t// Said of %s.\n\t%s %s = %q\n", value, g.name("c"), name, value)
		}
		return text + ")\n"
	case 1:
		return declare("= %s", g.typeText(2))
	case 2:
		return declare("%s", g.pick([]string{
			g.pick(plainTypes), "[]" + g.typeText(2), "map[string]" + g.typeText(2),
		}))
	case 3:
		text := fmt.Sprintf("type %s[A any] struct {\n\tOne A\n\tMany []A\n\tMore *%s[A]\n%s}\n", name, name, g.fields())
		g.generic = append(g.generic, name)
		return text
	case 4:
		text := declare("struct{ hidden int }")
		return text + fmt.Sprintf("\nfunc (v %s) MarshalText() ([]byte, error) { return nil, nil }\nfunc (v *%s) UnmarshalText([]byte) error { return nil }\n", name, name)
	}
	text := declare("struct {\n%s}", g.fields())
	g.structs = append(g.structs, name)
	return text
}

// fields writes fields whose names do not repeat, in whatever they are embedded.
func (g *randomGo) fields() string {
	var b strings.Builder
	if len(g.structs) > 0 && g.chance(30) {
		fmt.Fprintf(&b, "\t%s\n", g.pick(g.structs))
	}
	for range g.r.IntN(5) {
		name := g.name("Field")
		tag := g.pick([]string{"", "", "", fmt.Sprintf(" `json:\"%s,omitempty\"`", strings.ToLower(name)), fmt.Sprintf(" `json:\"%s-tag\"`", name)})
		fmt.Fprintf(&b, "\t%s %s%s", name, g.typeText(0), tag)
		if g.chance(20) {
			b.WriteString(" // Said of a field.")
		}
		b.WriteByte('\n')
	}
	if g.chance(10) {
		fmt.Fprintf(&b, "\t%s []*string `ironflow:\"decimal\"`\n\t_ struct{}\n", g.name("Prices"))
	}
	return b.String()
}

// typeText writes a type that can be stored.
func (g *randomGo) typeText(depth int) string {
	switch {
	case depth < 3 && g.chance(15):
		return "[]" + g.typeText(depth+1)
	case depth < 3 && g.chance(15):
		return "map[string]" + g.typeText(depth+1)
	case depth < 3 && len(g.generic) > 0 && g.chance(20):
		return g.pick(g.generic) + "[" + g.typeText(depth+1) + "]"
	case depth == 0 && g.chance(20):
		return "*" + g.pick(plainTypes)
	case len(g.types) > 0 && g.chance(50):
		return g.pick(g.types)
	case g.chance(20):
		return g.pick(foreignTypes)
	}
	return g.pick(plainTypes)
}
