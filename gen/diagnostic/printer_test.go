package diagnostic

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// files is what the tests read from.
var files = map[string]string{
	"wide.yaml":   "\ufeffdoc: {日本: \"門\", de\u0301ja: Opem}\r\n\t\tOpem: x\nlast",
	"long.yaml":   strings.Repeat("x", 300) + " Opem " + strings.Repeat("門", 200),
	"escape.yaml": "a: \x1b[31mred\u202e: Opem",
	"two.yaml":    "events:\n  Opened: {}\n  Closed: {}\n  Opened: {}\n",
}

func readFile(name string) ([]byte, error) {
	content, ok := files[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return []byte(content), nil
}

// find returns the position of the nth occurrence of a text, as a front end counts.
func find(t *testing.T, file, text string, nth int) Pos {
	t.Helper()
	content := strings.TrimPrefix(files[file], "\ufeff")
	at := -1
	for range nth {
		next := strings.Index(content[at+1:], text)
		if next < 0 {
			t.Fatalf("there are fewer than %d %q in %s", nth, text, file)
		}
		at += 1 + next
	}
	before := content[:at]
	return Pos{file, strings.Count(before, "\n") + 1, at - strings.LastIndex(before, "\n")}
}

func TestPrinter(t *testing.T) {
	var l List
	l.Report(find(t, "wide.yaml", "Opem", 1), Undeclared, "input %q is not declared; %s", "Opem", `did you mean "Open"?`)
	l.Report(find(t, "wide.yaml", "Opem", 2), UnknownKey, "no key")
	l.Report(find(t, "wide.yaml", "\"門\"", 1), NotText, "wide")
	l.Report(Pos{"wide.yaml", 3, 5}, NoColon, "behind the end")
	l.Report(Pos{"wide.yaml", 3, 7}, NoColon, "not in the file")
	l.Report(Pos{"gone.yaml", 1, 1}, NotName, "no such file; make it")
	l.Report(find(t, "escape.yaml", "Opem", 1), NotName, "escapes")
	l.Report(find(t, "long.yaml", "Opem", 1), NotName, "a long line")
	l.Report(find(t, "two.yaml", "Opened", 2), DuplicateKey, "twice; delete one").Relate(find(t, "two.yaml", "Opened", 1), "the first")
	for name, p := range map[string]Printer{
		"plain":    {},
		"snippets": {Snippets: true, Width: 60},
		"color":    {Snippets: true, Width: 60, Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			p.Out, p.ReadFile = &out, readFile
			if err := p.Print(l.Sorted()); err != nil {
				t.Fatal(err)
			}
			// Colours are readable in the golden file.
			got := strings.ReplaceAll(out.String(), "\x1b[", "␛")
			if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Errorf("control characters get through:\n%q", got)
			}
			golden(t, "testdata/"+name+".golden", got)
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// TestSnippetFits lays out random lines, and checks that the caret is below the character that it is for and that nothing
// gets wider than it may.
func TestSnippetFits(t *testing.T) {
	alphabet := []string{"a", "b", " ", "\t", "門", "é", "e\u0301", ": ", "\x1b", "\xff", "\U0001f600", "{"}
	random := rand.New(rand.NewPCG(1, 2))
	columns := func(text string) (n int) {
		for _, c := range cells([]byte(text)) {
			n += c.width
		}
		return n
	}
	for range 5000 {
		var line strings.Builder
		for range random.IntN(80) {
			line.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		at := line.Len()
		line.WriteString("Z")
		for range random.IntN(80) {
			line.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		const most = 50
		text, marks := snippet([]byte(line.String()), at+1, most)
		if columns(text) > most || columns(marks) > most {
			t.Fatalf("%q is wider than %d:\n%s\n%s", line.String(), most, text, marks)
		}
		before, _, ok := strings.Cut(text, "Z")
		if caret := strings.IndexByte(marks, '^'); !ok || caret != columns(before) {
			t.Fatalf("the caret of %q is at %d, not %d:\n%s\n%s", line.String(), caret, columns(before), text, marks)
		}
	}
}

func TestJSON(t *testing.T) {
	var l List
	l.Report(find(t, "wide.yaml", "\"門\"", 1), NotText, "wide; %s", "narrow it")
	l.Report(find(t, "two.yaml", "Opened", 2), DuplicateKey, "twice").Relate(find(t, "two.yaml", "Opened", 1), "the first")
	l.Report(Pos{"gone.yaml", 1, 1}, NotName, "no such file")
	got, err := json.MarshalIndent(Errors(l.Sorted()).JSON(readFile), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/json.golden", string(got)+"\n")
	if none, err := json.Marshal(Errors(nil).JSON(nil)); err != nil || string(none) != "[]" {
		t.Errorf("an empty list is %s, %v", none, err)
	}
}

func TestSplit(t *testing.T) {
	var l List
	l.Report(Pos{"a", 2, 1}, NotName, "second")
	var m List
	m.Report(Pos{"a", 1, 1}, NotName, "first")
	m.Report(Pos{"a", 2, 1}, NotName, "second")
	other := fmt.Errorf("reading: %w", os.ErrNotExist)
	list, others := Split(errors.Join(l.Err(), errors.Join(other, m.Err()), nil))
	if len(list) != 2 || list[0].Message != "first" || list[1].Message != "second" {
		t.Errorf("got %v", list)
	}
	if len(others) != 1 || others[0] != other {
		t.Errorf("got %v", others)
	}
	if list, others := Split(nil); list != nil || others != nil {
		t.Errorf("nothing is split into %v and %v", list, others)
	}
}

// What a mistake is about ends where the word does, and with it the waves below it and the range for editors.
func TestWordLength(t *testing.T) {
	for text, want := range map[string]int{
		"": 1, "Opem: x": 4, "tine>": 4, "list<tine>>, x": 10, "map<list<tine>>": 15, "optional<tine": 13, ">": 1, "a-b-,": 3, "30s}": 3, "*time.Time": 10,
		`"a b" c`: 5, `"a\"b" c`: 6, ": x": 1, "門を x": 6,
	} {
		if got := wordLength([]byte(text)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
