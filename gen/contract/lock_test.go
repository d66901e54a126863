package contract_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// order is the contract of the order example.
func order(t *testing.T) *contract.Set {
	t.Helper()
	const file = "../../examples/order/order/order.ironflow.yaml"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, file, content)
}

func parse(t *testing.T, file string, content []byte) *contract.Set {
	t.Helper()
	w, err := yamlspec.Parse(file, content)
	if err != nil {
		t.Fatal(err)
	}
	return contract.Of(w)
}

func TestOrderExample(t *testing.T) {
	lock := order(t).Format()
	if n := bytes.Count(lock, []byte("\n")); n > 80 {
		t.Errorf("the lock has %d lines, want 80 at most:\n%s", n, lock)
	}
}

// TestRoundTrip writes and reads the lock of every declaration of the tests.
func TestRoundTrip(t *testing.T) {
	n := 0
	for file, content := range corpus.Declarations(t, "../..", ".yaml") {
		w, err := yamlspec.Parse(file, content)
		if err != nil {
			continue
		}
		n++
		set := contract.Of(w)
		lock := set.Format()
		read, err := contract.Parse("lock", lock, w.Name.Stored())
		if err != nil {
			t.Fatalf("%s: %v\n%s", file, err, lock)
		}
		if again := read.Format(); !bytes.Equal(again, lock) {
			t.Errorf("%s: wrote\n%s\nand read\n%s", file, lock, again)
		}
		if list := contract.Compare(read, set); len(list) > 0 {
			t.Errorf("%s: the lock differs from what it was written of: %v", file, list)
		}
	}
	if n < 20 {
		t.Fatalf("only %d declarations were found", n)
	}
}

// TestOrderOfLines checks that lines count in any order and once.
func TestOrderOfLines(t *testing.T) {
	lock := string(order(t).Format())
	lines := strings.SplitAfter(lock, "\n")
	lines[3], lines[10] = lines[10], lines[3]
	lines[20] += lines[5] + "\n# a note\n"
	set, err := contract.Parse("lock", []byte(strings.Join(lines, "")), "order")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(set.Format()); got != lock {
		t.Errorf("got\n%s\nwant\n%s", got, lock)
	}
	if _, err := contract.Parse("lock", []byte(strings.ReplaceAll(lock, "\n", "\r\n")), "order"); err != nil {
		t.Errorf("with the line ends of Windows: %v", err)
	}
}

// TestBadLock damages a lock and checks what is said, and where.
func TestBadLock(t *testing.T) {
	lock := string(order(t).Format())
	lineOf := func(text string) string {
		for line := range strings.Lines(lock) {
			if strings.HasPrefix(line, text) {
				return line
			}
		}
		t.Fatalf("no line %q in\n%s", text, lock)
		return ""
	}
	paid := lineOf("event Paid 1 field amount_cents:")
	for name, test := range map[string]struct{ from, to, want string }{
		"newer":       {"ironflow-lock 1 ", "ironflow-lock 2 ", "order.ironflow.lock:1:1: the lock has format 2, and this ironflow-gen knows format 1; use the ironflow-gen that wrote it, or a newer one [IF3001]"},
		"conflict":    {paid, "<<<<<<< HEAD\n" + paid + "=======\n>>>>>>> topic\n", `the lock has the marks of a merge conflict; keep the lines of both sides, delete the marks, and run "ironflow-gen" again [IF3002]`},
		"truncated":   {"# end\n", "", "the lock does not end with \"# end\", so a part of it is missing; restore the file from version control, and run \"ironflow-gen\" again [IF3003]"},
		"cut":         {lock[len(lock)/2:], "", "[IF3003]"},
		"foreign":     {"ironflow-lock 1 order", "ironflow-lock 1 parcel", `order.ironflow.lock:1:1: the lock is that of the workflow "parcel", and the declaration beside it stores "order"; write "as: parcel" to keep what is stored, or move the lock to the declaration that it belongs to [IF3004]`},
		"edited":      {": int64 #", ": int32 #", `this line is not as ironflow-gen wrote it for the workflow "order"; restore the file from version control, and run "ironflow-gen" again [IF3005]`},
		"no lock":     {lock, "workflow: order\n", `order.ironflow.lock:1:1: the lock does not begin with "ironflow-lock 1" and a workflow`},
		"empty":       {lock, "", "[IF3005]"},
		"binary":      {lock, "\x00\xff", "[IF3005]"},
		"bad version": {"ironflow-lock 1 ", "ironflow-lock x ", "the first line of the lock cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(lock, test.from, test.to, 1)
			if text == lock {
				t.Fatalf("%q is not in the lock", test.from)
			}
			set, err := contract.Parse("order.ironflow.lock", []byte(text), "order")
			if err == nil || set != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
			if name == "edited" && !strings.Contains(err.Error(), "order.ironflow.lock:") {
				t.Errorf("no position in %v", err)
			}
		})
	}
}

// TestTwice puts a line of another branch into a lock that says something else of the same field.
func TestTwice(t *testing.T) {
	declaration := func(field string) *contract.Set {
		return parse(t, "door.ironflow.yaml", []byte("ironflow: 1\nworkflow: door\npackage: door\nid: door_id\n"+
			"inputs: {Open: {fields: {door_id: string}}}\nevents: {Opened: {fields: {width: "+field+"}}}\n"))
	}
	ours, theirs := string(declaration("int32").Format()), string(declaration("string").Format())
	for line := range strings.Lines(theirs) {
		if strings.HasPrefix(line, "event Opened 1 field") {
			ours = strings.Replace(ours, "# end\n", line+"# end\n", 1)
		}
	}
	_, err := contract.Parse("lock", []byte(ours), "door")
	if err == nil || !strings.Contains(err.Error(), "the lock says two things of event Opened 1 field width; keep the line that was deployed first, and delete the other [IF3006]") {
		t.Errorf("got %v", err)
	}
}

// TestReused removes a field and adds another one of its name: comparing with the revision before shows nothing, and the lock does.
func TestReused(t *testing.T) {
	door := func(fields string) *contract.Set {
		return parse(t, "door.ironflow.yaml", []byte("ironflow: 1\nworkflow: door\npackage: door\nid: door_id\n"+
			"inputs: {Open: {fields: {door_id: string}}}\nevents: {Opened: {fields: {"+fields+"}}}\n"))
	}
	first, second, third := door("width: int64"), door(""), door("width: optional<string>")
	if list := contract.Compare(second, third); len(list) > 0 {
		t.Errorf("comparing two revisions: %v", list)
	}
	lock, err := contract.Parse("door.ironflow.lock", second.Extend(first).Format(), "door")
	if err != nil {
		t.Fatal(err)
	}
	if list := contract.Compare(lock, second); len(list) > 0 {
		t.Errorf("the lock does not know what is gone: %v", list)
	}
	list := contract.Diagnostics(contract.Compare(lock, third), nil, false)
	want := "door.ironflow.yaml:6:28: event Opened.width was int64 once and is optional<string> now, and stored events may have the old one; choose another stored name [IF3102]"
	if len(list) != 1 || list[0].String() != want {
		t.Errorf("got %v\nwant %s", list, want)
	}
	if list := contract.Compare(lock, door("width: int64")); len(list) != 1 || list[0].Code != diagnostic.FieldAdded {
		t.Errorf("a field that is back and needed: %v", list)
	}
	for _, f := range contract.Compare(lock, door("width: optional<int64>")) {
		if f.Code.Severity() == diagnostic.Error {
			t.Errorf("a field that is back and optional: %v", f)
		}
	}
}
