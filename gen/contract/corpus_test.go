package contract_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

const evolution = "../../testdata/evolution/"

// change is one file of the corpus.
type change struct {
	name          string
	code, subject string // of a change that breaks
	note          string // code of the warning of one that does not
	old, new      *spec.Workflow
}

// changes reads the corpus.
func changes(t *testing.T) []change {
	t.Helper()
	base, err := os.ReadFile(evolution + "base.ironflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []change
	for _, archive := range []string{"breaking.txtar", "safe.txtar"} {
		a, err := txtar.ParseFile(evolution + archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			c := change{name: f.Name}
			first, edits, _ := strings.Cut(string(f.Data), "\n")
			if rest, breaks := strings.CutPrefix(first, "breaks ["); breaks {
				c.code, c.subject, _ = strings.Cut(rest, "] ")
			} else {
				c.note = strings.Trim(strings.TrimPrefix(first, "safe"), " []")
			}
			old := edit(t, f.Name, string(base), edits, "=")
			c.old = declaration(t, f.Name, old)
			c.new = declaration(t, f.Name, edit(t, f.Name, old, edits, ""))
			if c.old != nil && c.new != nil {
				list = append(list, c)
			}
		}
	}
	return list
}

// edit replaces the texts of the lines that begin with "-" by those that begin with "+", with a mark before both. "cut" removes the rest from
// a text on.
func edit(t *testing.T, name, text, edits, mark string) string {
	t.Helper()
	var from, to []string
	apply := func() {
		if len(from) == 0 {
			return
		}
		before := strings.Join(from, "\n")
		if !strings.Contains(text, before) {
			t.Errorf("%s: %q is not in the declaration", name, before)
		}
		text = strings.Replace(text, before, strings.Join(to, "\n"), 1)
		from, to = nil, nil
	}
	for line := range strings.Lines(edits) {
		line = strings.TrimSuffix(line, "\n")
		if rest, cut := strings.CutPrefix(line, "cut "); cut && mark == "" {
			apply()
			text = text[:strings.Index(text, rest)]
		}
		kind, content, _ := strings.Cut(line, " ")
		switch kind {
		case mark + "-":
			if len(to) > 0 {
				apply()
			}
			from = append(from, content)
		case mark + "+":
			to = append(to, content)
		}
	}
	apply()
	return text
}

func declaration(t *testing.T, name, text string) *spec.Workflow {
	t.Helper()
	w, err := yamlspec.Parse("order.ironflow.yaml", []byte(text))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	return w
}

// classes has the classes of changes by the first letters of their codes.
var classes = map[string]string{"IF31": "STORE", "IF32": "IDENTITY", "IF33": "FLIGHT", "IF34": "REPLAY", "IF35": "READERS"}

// TestCorpus compares the declarations of each change, in YAML and as Go types.
func TestCorpus(t *testing.T) {
	list := changes(t)
	inGo := asGo(t, list)
	missed, alarms, breaking := 0, 0, 0
	rows := make(map[string][2]int) // changes that break and those of them that were found, by class
	for i, c := range list {
		for form, pair := range map[string][2]*spec.Workflow{"YAML": {c.old, c.new}, "Go": inGo[i]} {
			found := diagnostics(c.name, pair[0], pair[1])
			if form == "YAML" && testing.Verbose() {
				t.Logf("%-60s %s", c.name, strings.Join(codes(found), " "))
			}
			if c.code == "" {
				if found.Failed() {
					alarms++
					t.Errorf("%s (%s): a false alarm:\n%v", c.name, form, found)
				}
				if c.note != "" && !slices.Contains(codes(found), c.note) {
					t.Errorf("%s (%s): got %v, want a warning [%s]", c.name, form, found, c.note)
				}
				continue
			}
			breaking++
			row := rows[c.code[:4]]
			row[0]++
			if hit := slices.ContainsFunc(compare(c.name, pair[0], pair[1]), func(f contract.Finding) bool {
				return string(f.Code) == c.code && f.Subject == c.subject
			}); hit && found.Failed() {
				row[1]++
			} else {
				missed++
				t.Errorf("%s (%s): got\n%v\nwant [%s] of %s", c.name, form, found, c.code, c.subject)
			}
			rows[c.code[:4]] = row
		}
	}
	for _, prefix := range []string{"IF31", "IF32", "IF33", "IF34", "IF35"} {
		t.Logf("%-10s %3d breaking, %3d found", classes[prefix], rows[prefix][0], rows[prefix][1])
	}
	t.Logf("%d changes in two forms: %d breaking, %d missed; %d safe, %d false alarms", len(list), breaking, missed, 2*len(list)-breaking, alarms)
}

// compare compares with the lock of the old declaration, unless the change says that it is without one.
func compare(change string, old, new *spec.Workflow) []contract.Finding {
	was, is := contract.Of(old), contract.Of(new)
	if strings.HasSuffix(change, "without a lock") {
		return contract.Compare(was, is)
	}
	return contract.Compare(was, is.With(was))
}

func diagnostics(change string, old, new *spec.Workflow) diagnostic.Errors {
	return contract.Diagnostics(compare(change, old, new), new.Allowed, true)
}

func codes(list diagnostic.Errors) []string {
	var codes []string
	for _, d := range list {
		codes = append(codes, string(d.Code))
	}
	return codes
}

// asGo turns the declarations into Go types, and reads them in one run of the go command.
func asGo(t *testing.T, list []change) [][2]*spec.Workflow {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/user\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var packages []gospec.Package
	for i, c := range list {
		for j, w := range []*spec.Workflow{c.old, c.new} {
			source, err := convert.Go(w)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			p := gospec.Package{Dir: filepath.Join(dir, fmt.Sprintf("p%d_%d", i, j)), Files: []gospec.File{{Name: "order.go", Content: source}}}
			if err := os.Mkdir(p.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(p.Dir, "order.go"), source, 0o644); err != nil {
				t.Fatal(err)
			}
			packages = append(packages, p)
		}
	}
	loaded := make([][2]*spec.Workflow, len(list))
	for i, r := range gospec.Load(packages) {
		if r.Err != nil {
			t.Fatalf("%s as Go types: %v", list[i/2].name, r.Err)
		}
		loaded[i/2][i%2] = r.Workflow
		yaml := []*spec.Workflow{list[i/2].old, list[i/2].new}[i%2]
		if got, want := string(contract.Of(r.Workflow).Format()), string(contract.Of(yaml).Format()); got != want {
			t.Errorf("%s: the lock of the Go types is\n%s\nand that of YAML\n%s", list[i/2].name, got, want)
		}
	}
	return loaded
}
