package diagnostic

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	var l List
	if l.Err() != nil || !l.Empty() {
		t.Fatal("the zero value has mistakes")
	}
	l.Report(Pos{"b", 1, 1}, NotName, "second file")
	l.Report(Pos{"a", 2, 1}, NotName, "second line")
	l.Report(Pos{"a", 1, 2}, NotName, "second column; %s", "a; b")
	l.Report(Pos{"a", 1, 1}, NotName, "first %s; %s", "of; all", "")
	l.Report(Pos{"a", 1, 1}, NotName, "first %s; %s", "of; all", "").Relate(Pos{"a", 1, 9}, "lost with the repetition")
	const want = "a:1:1: first of; all [IF0206]\na:1:2: second column; a; b [IF0206]\na:2:1: second line [IF0206]\nb:1:1: second file [IF0206]"
	if got := l.Err().Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if d := l.Sorted()[0]; d.Message != "first of; all" || d.Fix != "" || d.Related != nil {
		t.Errorf("got %#v", d)
	}
	if d := l.Sorted()[1]; d.Message != "second column" || d.Fix != "a; b" {
		t.Errorf("got %#v", d)
	}
	for i := range 2 * maxDiagnostics {
		l.Report(Pos{"c", i, 1}, NotName, "many")
	}
	list := l.Sorted()
	last := list[len(list)-1]
	if len(list) != maxDiagnostics+1 || last.Code != TooMany || !strings.HasPrefix(last.Message, "more than") {
		t.Errorf("%d mistakes, the last is %v", len(list), last)
	}
}

func TestRelate(t *testing.T) {
	var l List
	d := l.Report(Pos{"a", 1, 1}, NotName, "twice")
	d.Relate(Pos{}, "nowhere")
	d.Relate(Pos{"a", 3, 1}, "the first")
	if got := l.Sorted()[0].Related; len(got) != 1 || got[0].Pos.Line != 3 {
		t.Errorf("got %v", got)
	}
}

// TestCodes compares the codes with the page that explains them.
func TestCodes(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared, explained []string
	for _, m := range regexp.MustCompile(`Code = "(.*)"`).FindAllSubmatch(source, -1) {
		declared = append(declared, string(m[1]))
	}
	codeForm := regexp.MustCompile(`^IF\d{4}$`)
	for _, area := range Areas() {
		for _, r := range area.Rules {
			explained = append(explained, string(r.Code))
			if !codeForm.MatchString(string(r.Code)) || r.Code[:4] != area.Rules[0].Code[:4] {
				t.Errorf("%q is no code of the area %q", r.Code, area.Title)
			}
			if found, ok := LookUp(strings.ToLower(string(r.Code))); !ok || found != r || r.Code.Rule() != r {
				t.Errorf("%s is not found", r.Code)
			}
		}
	}
	if !slices.Equal(declared, explained) {
		t.Errorf("codes.go has\n%v\nand docs/reference/diagnostics.md explains\n%v", declared, explained)
	}
}
