package randomspec

import (
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// awkward are names of messages and types that look like something else: of Go, of what is generated, of what users have.
var awkward = []string{
	"Func", "Type", "Range", "Select", "Error", "String", "Len", "Nil", "No", "Any", "Int", "Byte", "Time", "Context", "JSON", "Json", "Http",
	"HTTP", "URL", "ID", "Id", "Ids", "A", "Z", "X9", "Init", "Main", "Test", "TestOne", "ExampleOne", "BenchmarkOne", "FuzzOne", "Unfinished",
	"Execute", "Close", "Name", "Kind", "In", "At", "Key", "New", "NewPay", "Encode", "Decode", "EncodeState", "DecodeEvent1", "Definition", "Evolve",
	"Decide", "Handle", "Apply", "Runtime", "Codec", "Now", "Result", "Decision", "Outcome", "Accept", "Reject", "Accepted", "Rejected",
	"Spec", "Schedule", "TimerSpec", "Workflow", "Engine", "Store", "EventID", "InstanceID", "Command", "Pay", "PAY", "PaY", "Paid", "Wait", "Do",
	"Fields", "Option", "Call", "Value", "Errors", "Projector", "Options", "Handlers", "Deciders", "EffectKind", "Cancel", "Start", "Server", "Get",
	"Ab" + strings.Repeat("c", 97),
}

// fixed are the identifiers that a package has anyway, and the inputs that cannot become methods of the client.
var fixed = map[string]bool{"History": true, "Await": true, "StateAt": true, "Terminal": true, "NewHTTPHandler": true, "HTTPClient": true, "NewHTTPClient": true}

// claim takes identifiers, all of them or none.
func (g *generator) claim(identifiers ...string) bool {
	for _, id := range identifiers {
		if g.taken[id] || fixed[id] || spec.IsReserved(id) {
			return false
		}
	}
	for _, id := range identifiers {
		g.taken[id] = true
	}
	return true
}

// message returns a name for a message or a type, of which all that can be generated is free.
func (g *generator) message(prefix string, number int) string {
	for {
		name := fmt.Sprint(prefix, number)
		if g.chance(40) {
			name = g.pick(awkward...)
		}
		n := spec.NamesOfInput(name)
		if g.claim(name, n.Event, n.Effect, n.Timer, n.Decision, n.Outcome, n.Accept, n.Reject, spec.ResultName(name), spec.EffectKindName(name)) {
			return name
		}
		number += 10
	}
}

// snake returns a name for a state or a timer, whose identifier is free.
func (g *generator) snake(prefix string, number int, identifier func(string) string) string {
	for {
		name := fmt.Sprint(prefix, number)
		if g.chance(30) {
			name = g.pick(awkwardFields...)
		}
		if g.claim(identifier(name)) {
			return name
		}
		number += 10
	}
}

// awkwardFields are names in small letters that look like something else: words of Go and YAML, initialisms, variables and
// methods of generated code.
var awkwardFields = []string{
	"break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go", "goto", "if", "import", "interface",
	"map", "package", "range", "return", "select", "struct", "switch", "type", "var", "append", "len", "nil", `"true"`, "iota", "any", "error", "int",
	"new", "make", "string", "bool", "close", "copy", "panic", `"null"`, "yes", "no", "on", "y", "n", "init", "main",
	"input", "event", "effect", "timer", "rejection", "schedule", "spec", "ids", "urls", "user_ids", "http_api", "utf8", "uuid", "x__y", "x_", "a_b",
	"ab", "id", "url", "api_id", "v", "e", "d", "s", "t", "i", "k", "c", "w", "r", "m", "ok", "out", "data", "list", "err", "ctx", "seen", "json", "in", "now", "state",
	"key", "codec", "runtime", "time", "a1", "x_9", "amount", "customer_id", "type_name", "description", "is_input", "status", "call", "result",
	"at", "name", "doc", "fields", "p" + strings.Repeat("q", 99), "reason", "note", "version", "data_2", "value", "decoder", "encoder", "context",
}

func (g *generator) fieldName() string { return g.pick(awkwardFields...) }

// record is the fields of a message, a struct or the state.
type record struct {
	lines   []string
	names   map[string]bool // in the declaration and in Go
	refused map[string]bool
}

func (g *generator) record(refused ...string) *record {
	r := &record{names: make(map[string]bool), refused: make(map[string]bool)}
	for _, name := range refused {
		r.refused[name] = true
	}
	return r
}

// add adds a field, unless the name cannot be had.
func (r *record) add(name, typeText string) bool {
	goName := spec.GoName(name)
	if r.refused[name] || r.names[name] || r.names[goName] {
		return false
	}
	r.names[name], r.names[goName] = true, true
	r.lines = append(r.lines, name+": "+typeText)
	return true
}

func (g *generator) someFields(r *record) {
	for range g.between(0, 5) {
		typeText := g.typeName(0)
		switch {
		case g.chance(10):
			typeText = g.pick(defaulted...)
		case g.chance(5) && !g.inTypes:
			typeText = g.pick("{type: string, personal: true}", "{type: string, personal: false}", "{type: optional<time>, personal: true}", "{type: list<int>, personal: true}")
		case g.chance(20):
			typeText = fmt.Sprintf("{type: %s, doc: %s}", typeText, g.pick(docs...))
		}
		r.add(g.fieldName(), typeText)
	}
}

func (g *generator) write(indent int, r *record) {
	for _, text := range r.lines {
		g.line(indent, "%s", text)
	}
}

// defaulted are types with what stands for a stored value without the field.
var defaulted = []string{
	"{type: string, default: \"back`tick\"}", `{type: string, default: EUR}`, `{type: string, default: "a \"b\" \\ \t ☃"}`, `{type: bool, default: true}`, `{type: int, default: -7}`,
	`{type: uint64, default: 18446744073709551615}`, `{type: float64, default: 1e-3}`, `{type: decimal, default: "-12.50"}`, `{type: duration, default: 90s}`,
}

// docs are texts that could end a comment, or begin something else than one.
var docs = []string{
	"Plain words.", `"Quotes \" and \\ and // and /* too */"`, `"//go:generate nothing"`, `"//go:build ignore"`, `"+build ignore"`,
	`"Two\nlines, and\n\n  indented"`, `"umlauts äöü, snowman ☃, 👩‍👩‍👧 and \u202e right to left"`, `"- list\n- like"`, `"*/ func main() {}"`,
	`"//ironflow:input"`, `"//ironflow:workflow type=x"`, `"# Heading\n\ntext\n\n 1. one\n 2. two"`, `"Deprecated: no."`,
	`"\tcode\n\tmore"`, "\"%d %s `ticks` ${x} {{.}}\"", `"[Link]: https://example.com"`, `"BUG(me): none"`, `"//nolint"`, `"/*"`, `"back\\slash \\n"`,
	`"Code generated by hand. DO NOT EDIT."`, `"\u200b\u00ad\ufeff"`, `"#"`, `"//export x"`, `"//line x.go:1"`, `"a\n//go:embed x\nb"`, `"<script>&amp;"`,
	`"` + strings.Repeat("long ", 60) + `"`,
}

func (g *generator) doc(indent int) {
	if g.chance(40) {
		g.line(indent, "doc: %s", g.pick(docs...))
	}
}
