package yamlspec_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

const megabyte = 1 << 20

// fill repeats text up to the size limit of a file.
func fill(text string) string { return strings.Repeat(text, megabyte/len(text)) }

const header = "ironflow: 1\nworkflow: w\npackage: w\nid: id\n"

// laughs are ten levels of ten aliases each.
func laughs(format string) string {
	var b strings.Builder
	b.WriteString(header + "effects:\n  E0: &e0 {doc: ha}\n")
	for i := 1; i <= 10; i++ {
		fmt.Fprintf(&b, "  E%d: &e%d "+format+"\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*e%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// mergeChain is mappings that each merge the one before.
func mergeChain() string {
	var b strings.Builder
	b.WriteString(header + "effects:\n  E0: &e0 {doc: ha}\n")
	for i := 1; i < 800; i++ {
		fmt.Fprintf(&b, "  E%d: &e%d {<<: *e%d}\n", i, i, i-1)
	}
	return b.String()
}

// wideMachine has states that all share one transition with as many events as a mapping may have. Each of them derives
// a million moves.
func wideMachine() string {
	var b strings.Builder
	b.WriteString(header + "state: {a: Typo}\ninputs: {Go: {fields: {id: string}}}\nevents:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  E%d:\n", i)
	}
	b.WriteString("states:\n  s0:\n    accepts: &all\n      Go:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "        E%d: s%d\n", i, i%80)
	}
	for i := 1; i < 80; i++ {
		fmt.Fprintf(&b, "  s%d: {accepts: *all}\n", i)
	}
	return b.String()
}

// fieldTypos are as many unknown types as fit.
func fieldTypos() string {
	var b strings.Builder
	b.WriteString(header + "inputs: {Go: {fields: {id: string}}}\nevents:\n")
	for i := 0; b.Len() < megabyte-100_000; i++ {
		fmt.Fprintf(&b, "  E%d: {fields: {", i)
		for j := range 500 {
			fmt.Fprintf(&b, "f%d: Typo%d, ", j, j)
		}
		b.WriteString("}}\n")
	}
	return b.String()
}

// deadEverywhere is as many effects as there may be that share an input with as many fields, none of which can be filled.
func deadEverywhere() string {
	var b strings.Builder
	b.WriteString(header + "inputs:\n  Go: {fields: {id: string, ")
	for i := range 999 {
		fmt.Fprintf(&b, "f%d: int, ", i)
	}
	b.WriteString("}}\nevents: {Gone: }\neffects:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  E%d: {dead: Go, starts: {workflow: w, input: Go}, ended: Go}\n", i)
	}
	return b.String()
}

// nestedZeros is structs that hold the next one many times, and a field of each in the input for a child's end.
func nestedZeros() string {
	var b strings.Builder
	b.WriteString(header + "events: {Gone: }\ntypes:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  T%d: {a: T%d, b: T%d, c: T%d}\n", i, i+1, i+1, i+1)
	}
	b.WriteString("  T300: {n: decimal}\ninputs:\n  Go: {fields: {id: string, ")
	for i := range 300 {
		fmt.Fprintf(&b, "f%d: T%d, ", i, i)
	}
	b.WriteString("}}\neffects:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  E%d: {starts: {workflow: w, input: Go}, ended: Go}\n", i)
	}
	return b.String()
}

// schedules are as many of them as there may be, each with a schedule that takes long to find a day for.
func schedules() string {
	var b strings.Builder
	b.WriteString(header + "inputs: {Go: {fields: {id: string}}}\nevents: {Gone: }\nschedules:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  s%d: {input: Go, schedule: \"%s 30 2 *\", zone: Zone%d, instance: \"%s\"}\n",
			i, strings.TrimSuffix(strings.Repeat("0-59/1,", 20), ",")+" 0-23", i, strings.Repeat("{time}", 40))
	}
	return b.String()
}

// TestHostile feeds what would take for ever, or all memory, without a limit. The test has no clock of its own: without
// the limits it does not come to an end.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"too large", fill("#\n") + "#\n", "hostile.yaml:1:1: the file is 1048578 bytes; a declaration may be at most 1 MiB [IF0101]"},
		{"flow lists", fill("["), "exceeded max depth of 10000 [IF0106]"},
		{"flow mappings", fill("{a: "), "exceeded max depth"},
		{"block lists", fill("- "), "exceeded max depth"},
		{"explicit keys", fill("? "), "exceeded max depth"},
		{"allowed depth", "a: " + strings.Repeat("[", 9999) + strings.Repeat("]", 9999), `has no key "a"`},
		{"one long line", "{" + fill("a: ä, ")[:megabyte-10] + "}", "a mapping may have at most 1000 [IF0119]"},
		{"documents", fill("---\n"), "a second YAML document begins here"},
		{"recursive list", "ironflow: 1\nstates: &a [*a]\n", "states must be a mapping of names, not a list"},
		{"recursive mapping", "ironflow: 1\nstates: &a {b: *a}\n", `state "b" has no key "b"`},
		{"lists of laughter", laughs("[%s]"), `effect "E10" must be a mapping of names, not a list`},
		{"merges of laughter", laughs("{<<: [%s]}"), "the declaration expands to more than 200000 values; it uses too many aliases [IF0117]"},
		{"merges of merges", mergeChain(), `"<<" nests more than 50 deep`},
		{"wide machine", wideMachine(), `5:12: type "Typo" is not known`},
		{"many typos", fieldTypos(), "more than 200 mistakes; fix the others first [IF0001]"},
		{"dead everywhere", deadEverywhere(), "more than 200 mistakes"},
		{"nested zeros", nestedZeros(), "more than 200 mistakes"},
		{"schedules", schedules(), "more than 200 mistakes"},
		{"long type", header + "state: {a: " + strings.Repeat("list<", 100_000) + "}\n", "is 500000 bytes long; a type may be at most 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := yamlspec.Parse("hostile.yaml", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.500v, want %q", err, c.want)
			}
		})
	}
}

// TestBytes has the cases that a text file cannot hold well.
func TestBytes(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"NUL", "ironflow: 1\nworkflow: w\x00\n", "f:2:12: control character U+0000 is not allowed in a declaration; delete it"},
		{"invalid UTF-8", "ironflow: 1\n# Gr\xfc\xdfe\n", "f:2:5: byte 0xfc is not valid UTF-8; save the file as UTF-8 [IF0104]"},
		{"byte order mark", "\ufeffironflow: 3\n", "f:1:11: version 3 "},
		{"UTF-16", "\xff\xfei\x00", "f:1:1: byte 0xff is not valid UTF-8"},
		{"line separator", "ironflow: 1\ndoc: a\u2028 b\n", "f:2:7: the character U+2028 (LS, line separator) ends a line for YAML and not for editors; replace it by a line feed or a space [IF0121]"},
		{"next line", "doc: ä\u0085\nironflow: 2\n", "f:1:8: the character U+0085 (NEL, next line) ends a line"},
		{"next line in a comment", "# a\u0085\nironflow: 2\n", "f:1:4: the character U+0085 (NEL, next line) ends a line"},
		{"paragraph separator in quotes", "doc: \"a\u2029\"\n", "f:1:8: the character U+2029 (PS, paragraph separator) ends a line"},
		{"YAML 2", "%YAML 2.0\n---\nironflow: 1\n", "f:1:1: this is not valid YAML: found incompatible YAML document"},
		{"YAML 1.2", "# c\n\n%YAML 1.2\n---\nironflow: 2\n", "f:5:11: version 2"},
		{"YAML 1.1", "%YAML 1.1 # c\r\n---\r\nironflow: 2\r\n", "f:3:11: version 2"},
		{"only comments behind", "ironflow: 1\n---\n# the end\n", "f:2:1: a second YAML document begins here and holds nothing; delete this line [IF0103]"},
		{"nothing behind", "ironflow: 1\n---\n", "f:2:1: a second YAML document begins here and holds nothing; delete this line [IF0103]"},
		{"comments behind the first of two", "--- # x\nironflow: 1\n...\n# c\n---\n# d\n", "f:5:1: a second YAML document begins here and holds nothing"},
		{"bracket behind a carriage return", "#\r[\n0", "f:2:1: this is not valid YAML: did not find expected ',' or ']'"},
		{"carriage returns", "doc: a\r b\rironflow: 2\r\nid: 3\r\n", "f:2:5: id of"},
		{"type of a line break", "state:\n A: \"\n\"", `f:2:5: the type of field "A" of the state is ""`},
		{"wide characters", "{doc: ä日\U0001f600, ironflow: 2}", "f:1:28: version 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := yamlspec.Parse("f", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got:\n%v\nwant %q", err, c.want)
			}
		})
	}
}

// FuzzParse looks for input that makes Parse panic, hang, report a place that is not in the file, or accept a declaration for
// which code is generated that does not compile.
func FuzzParse(f *testing.F) {
	order, err := os.ReadFile("testdata/order.ironflow.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(order)
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range archive.Files {
			if strings.HasSuffix(c.Name, ".yaml") {
				f.Add(c.Data)
			}
		}
	}
	for seed := range uint64(20) {
		f.Add([]byte(randomspec.YAML(rand.New(rand.NewPCG(seed, 17)), "random")))
	}
	typecheck.Warm(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		w, err := yamlspec.Parse("fuzz.yaml", src)
		if err == nil {
			if w == nil {
				t.Fatal("neither a workflow nor an error")
			}
			if err := typecheck.Workflow(w, nil); err != nil {
				t.Fatal(err)
			}
			return
		}
		var list spec.Errors
		if !errors.As(err, &list) {
			t.Fatalf("the error is a %T", err)
		}
		lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
		for _, d := range list {
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len(lines[d.Pos.Line-1])+1 {
				t.Errorf("%s is not in the file", d)
			}
		}
	})
}
