package diagnostic_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// sample is the declaration of which the examples show a part.
const sample = `ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}
`

var topKey = regexp.MustCompile(`(?m)^(\w+):`)

// complete adds the keys of the sample that an example lacks.
func complete(example string) string {
	if strings.HasPrefix(example, "ironflow:") || strings.HasPrefix(example, "#") {
		return example
	}
	has := make(map[string]bool)
	for _, m := range topKey.FindAllStringSubmatch(example, -1) {
		has[m[1]] = true
	}
	var missing strings.Builder
	for line := range strings.Lines(sample) {
		if key, _, _ := strings.Cut(line, ":"); !has[key] {
			missing.WriteString(line)
		}
	}
	return missing.String() + example
}

// bare are the rules that need no example: it would be too large, the words say it all, or only a front end without unique
// keys of mappings can make the mistake.
var bare = map[diagnostic.Code]bool{
	diagnostic.TooMany: true, diagnostic.FileTooLarge: true, diagnostic.NotUTF8: true, diagnostic.OddLineBreak: true, diagnostic.OddTag: true, diagnostic.TooManyAliases: true,
	diagnostic.TooManyEntries: true, diagnostic.LargeStruct: true, diagnostic.LongName: true, diagnostic.DuplicateName: true, diagnostic.DuplicateField: true,
	diagnostic.UniqueTwice: true, diagnostic.InputTwice: true, diagnostic.StaleFile: true, diagnostic.MissingFile: true,
	diagnostic.OrphanedFile: true, diagnostic.NoWorkflowDirective: true, diagnostic.OnlyInGo: true,
	diagnostic.LockFormat: true, diagnostic.LockConflict: true, diagnostic.LockTruncated: true, diagnostic.LockForeign: true, diagnostic.LockEdited: true,
	diagnostic.LockTwice: true, diagnostic.NameReused: true, diagnostic.NoEarlier: true, diagnostic.LockNotFile: true,
}

// TestRules checks that every rule explains itself, and that its examples do what they say.
func TestRules(t *testing.T) {
	for _, r := range diagnostic.Rules() {
		t.Run(string(r.Code), func(t *testing.T) {
			if r.Title == "" || r.Why == "" {
				t.Error("it says nothing")
			}
			if strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Why, ".") {
				t.Errorf("the title is a title, and the rest is sentences: %q, %q", r.Title, r.Why)
			}
			if (r.Wrong == "") != bare[r.Code] || (r.Right == "") != bare[r.Code] {
				t.Error("examples are missing, or there are some")
			}
			if r.Wrong == "" || strings.HasPrefix(string(r.Code), "IF20") { // the tests of gen/vet check those
				return
			}
			switch r.Form {
			case diagnostic.YAML:
				check(t, r, parse(r.Wrong), parse(r.Right))
			case diagnostic.Go:
				check(t, r, load(t, r.Wrong), load(t, r.Right))
			case diagnostic.Files:
				if strings.HasPrefix(r.Wrong, "-- before") {
					check(t, r, change(t, r.Code, r.Wrong), change(t, r.Code, r.Right))
					return
				}
				check(t, r, plan(t, r.Wrong), plan(t, r.Right))
			}
		})
	}
}

// check compares what the two examples of a rule give.
func check(t *testing.T, r *diagnostic.Rule, wrong, right error) {
	t.Helper()
	if right != nil {
		t.Errorf("the right example has mistakes:\n%v", right)
	}
	var found diagnostic.Errors
	if !errors.As(wrong, &found) {
		t.Fatalf("the wrong example gives %v", wrong)
	}
	for _, d := range found {
		if d.Code != r.Code {
			t.Errorf("the wrong example has another mistake as well: %v", d)
		}
	}
}

func parse(example string) error {
	_, err := yamlspec.Parse("door.ironflow.yaml", []byte(complete(example)))
	return err
}

// goSample is the rest of a file of which the examples in Go show a part, by the types that it declares.
var goSample = []struct{ name, code string }{
	{"State", "//ironflow:workflow type=door id=DoorID\ntype State struct{}\n"},
	{"Open", "//ironflow:input\ntype Open struct{ DoorID string }\n"},
	{"Opened", "//ironflow:event\ntype Opened struct{}\n"},
}

// load reads an example in Go.
func load(t *testing.T, example string) error {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/door\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	content := "package door\n\n" + example + "\n"
	for _, s := range goSample {
		if strings.Contains(example, "type "+s.name+" ") {
			if s.name == "State" {
				content = strings.Replace(content, "type State ", "//ironflow:workflow type=door id=DoorID\ntype State ", 1)
			}
			continue
		}
		content += "\n" + s.code
	}
	p := gospec.Package{Dir: dir, Files: []gospec.File{{Name: "door.go", Content: []byte(content)}}}
	return gospec.Load([]gospec.Package{p})[0].Err
}

// plan plans the generation of an example of several files.
func plan(t *testing.T, example string) error {
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(example + "\n")).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := string(f.Data)
		if filepath.Ext(f.Name) == ".yaml" {
			content = complete(content)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := generate.New([]string{dir + "/..."}, generate.Options{})
	if err != nil || len(plan.Findings) == 0 {
		return err
	}
	return plan.Findings
}

// change compares the two declarations of an example.
func change(t *testing.T, code diagnostic.Code, example string) error {
	sets := make(map[string]*contract.Set)
	for _, f := range txtar.Parse([]byte(example + "\n")).Files {
		w, err := yamlspec.Parse(f.Name, []byte(complete(string(f.Data))))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		sets[f.Name] = contract.Of(w)
	}
	findings := contract.Compare(sets["before.ironflow.yaml"], sets["after.ironflow.yaml"])
	findings = slices.DeleteFunc(findings, func(f contract.Finding) bool {
		isOrder := f.Code == diagnostic.DeployOrder || f.Code == diagnostic.LeftWaiting
		return isOrder && f.Code != code // they go with much that is new
	})
	if list := contract.Diagnostics(findings, nil, true); len(list) > 0 {
		return list
	}
	return nil
}

// TestEveryRuleIsReported looks for each code in what tests expect: in their data, or in the code of a test.
func TestEveryRuleIsReported(t *testing.T) {
	var expected strings.Builder
	for _, root := range []string{"..", "../../cmd", "../../testdata"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			dir := filepath.ToSlash(filepath.Dir(path)) + "/"
			if !strings.Contains(dir, "/testdata/") && !strings.HasSuffix(path, "_test.go") {
				return nil
			}
			content, err := os.ReadFile(path)
			expected.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range diagnostic.Rules() {
		if !strings.Contains(expected.String(), "["+string(r.Code)+"]") && !strings.Contains(expected.String(), `"code":"`+string(r.Code)) {
			t.Errorf("no test expects [%s], %s", r.Code, r.Title)
		}
	}
}
