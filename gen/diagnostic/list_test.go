package diagnostic

import (
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

func TestAreas(t *testing.T) {
	titles := make(map[string]bool)
	for _, a := range Areas() {
		titles[a.Prefix] = true
	}
	for _, r := range Rules() {
		if !titles[r.Code.text[:4]] {
			t.Errorf("%s belongs to no area", r.Code)
		}
		if found, ok := LookUp(strings.ToLower(r.Code.text)); !ok || found != r || r.Code.Rule() != r {
			t.Errorf("%s is not found", r.Code)
		}
	}
}
