package generate_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// door is a small declaration with states.
const door = `ironflow: 1
workflow: door
package: door
id: door_id
inputs:
  Open: {fields: {door_id: string}}
events:
  Opened: {}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}
`

// stateless is door without states.
var stateless = door[:strings.Index(door, "states:")]

func TestIdempotent(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	for name := range read(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	before := read(t, dir)
	for _, step := range run(t, dir) {
		if step.Action != generate.Unchanged && step.Action != generate.Keep {
			t.Errorf("the second run acts on %s", step.Path)
		}
	}
	if !maps.Equal(before, read(t, dir)) {
		t.Error("the second run changed a file")
	}
	for name := range before {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(old) {
			t.Errorf("the second run touched %s", name)
		}
		if name != "door.ironflow.yaml" && info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v", name, info.Mode().Perm())
		}
	}
}

// unlock removes the locks of a directory, as one does while nothing is stored yet.
func unlock(t *testing.T, dir string) {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(dir, "*.ironflow.lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lock := range locks {
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLineEndingsDoNotCount(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	for name, content := range read(t, dir) {
		write(t, dir, name, strings.ReplaceAll(content, "\n", "\r\n"))
	}
	before := read(t, dir)
	run(t, dir)
	if !maps.Equal(before, read(t, dir)) {
		t.Error("files checked out with CRLF were rewritten")
	}
}

// TestUserFiles changes every file that is the user's and checks that no run ever changes it, whatever becomes of the
// declaration.
func TestUserFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	mine := make(map[string]string)
	for name, content := range read(t, dir) {
		if strings.HasSuffix(name, ".go") && !strings.Contains(name, "_ironflow") {
			mine[name] = strings.ReplaceAll(content, "package door", "package  door // mine\r\n")
			write(t, dir, name, mine[name])
		}
	}
	if len(mine) != 2 {
		t.Fatalf("got %d files of the user's, want decider.go and decider_test.go", len(mine))
	}
	mine["helper_ironflow.go"] = "package door\n\n// " + emit.Header + "\n"
	mine["notes_ironflow.txt"] = emit.Header
	mine["copied.go"] = emit.Header + "\n\npackage door\n"
	mine["other_ironflow.go"] = emit.Header + "\n// Source: other.txt\n\npackage door\n"
	for name, content := range mine {
		write(t, dir, name, content)
	}
	for _, declaration := range []string{door, stateless, strings.ReplaceAll(door, "Open", "Swing"), "broken", door} {
		write(t, dir, "door.ironflow.yaml", declaration)
		unlock(t, dir)
		plan, err := generate.New([]string{dir}, generate.Options{})
		if err == nil {
			err = plan.Apply()
		}
		if (err != nil) != (declaration == "broken") {
			t.Fatal(err)
		}
		after := read(t, dir)
		for name, content := range mine {
			if after[name] != content {
				t.Errorf("%s was changed", name)
			}
		}
	}
}

func TestStaleFilesGo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	stale := emit.Header + "\n// Source: door.ironflow.yaml\n\npackage door\n\nfunc f() {}\n"
	write(t, dir, "old_ironflow.go", stale)
	run(t, dir)
	if _, ok := read(t, dir)["old_ironflow.go"]; ok {
		t.Error("old_ironflow.go is still there")
	}

	// A renamed declaration takes what was generated along.
	write(t, dir, "old_ironflow.go", stale)
	if err := os.Rename(filepath.Join(dir, "door.ironflow.yaml"), filepath.Join(dir, "gate.ironflow.yml")); err != nil {
		t.Fatal(err)
	}
	run(t, dir)
	if _, ok := read(t, dir)["old_ironflow.go"]; ok {
		t.Error("old_ironflow.go of the renamed declaration is still there")
	}
}

// TestStaleFilesUnderGoGenerate checks that no file is removed while go generate may have yet to read it.
func TestStaleFilesUnderGoGenerate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	write(t, dir, "old_ironflow.go", emit.Header+"\n// Source: door.ironflow.yaml\n\npackage door\n\nfunc f() {}\n")
	const emptied = emit.Header + "\n// Source: door.ironflow.yaml\n\npackage door\n"
	for _, want := range []generate.Action{generate.Empty, generate.Unchanged} {
		plan, err := generate.New([]string{dir}, generate.Options{UnderGoGenerate: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(); err != nil {
			t.Fatal(err)
		}
		for _, step := range plan.Steps {
			if filepath.Base(step.Path) == "old_ironflow.go" && (step.Action != want || step.Note == "") {
				t.Errorf("got the action %v with the note %q, want %v", step.Action, step.Note, want)
			}
		}
		if got := read(t, dir)["old_ironflow.go"]; got != emptied {
			t.Errorf("old_ironflow.go is %q, want %q", got, emptied)
		}
	}
	run(t, dir)
	if _, ok := read(t, dir)["old_ironflow.go"]; ok {
		t.Error("old_ironflow.go is still there")
	}
}

// TestMachineStays checks that a workflow that loses its states keeps the file, which go generate has listed.
func TestMachineStays(t *testing.T) {
	dir := t.TempDir()
	for _, declaration := range []string{door, stateless} {
		write(t, dir, "door.ironflow.yaml", declaration)
		unlock(t, dir)
		run(t, dir)
		want := "func Machine()"
		if declaration == stateless {
			want = "// The workflow declares no states."
		}
		if got := read(t, dir)["machine_ironflow.go"]; !strings.Contains(got, want) {
			t.Errorf("%q is not in machine_ironflow.go:\n%s", want, got)
		}
	}
}

// TestBlockedDirectory checks that a directory that takes no files is reported once.
func TestBlockedDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "blocked", "a file")
	for path, want := range map[string]string{
		"blocked":      "cannot write to DIR/blocked: not a directory",
		"blocked/more": "cannot write to DIR/blocked/more: DIR/blocked: not a directory",
	} {
		plan := &generate.Plan{}
		for _, name := range []string{"a.go", "b.go", "c.go"} {
			plan.Steps = append(plan.Steps, generate.Step{Path: filepath.Join(dir, path, name), Action: generate.Write})
		}
		if got := strings.ReplaceAll(fmt.Sprint(plan.Apply()), dir, "DIR"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestNothingWithoutAll checks that a mistake in one package keeps all others from being written.
func TestNothingWithoutAll(t *testing.T) {
	for name, extra := range map[string]map[string]string{
		"mistake":      {"b/b.ironflow.yaml": "ironflow: 2\n"},
		"two":          {"b/b.ironflow.yaml": door, "b/c.ironflow.yaml": door},
		"package name": {"b/b.ironflow.yaml": door, "b/b.go": "package b\n"},
		"name taken":   {"b/b.ironflow.yaml": door, "b/types_ironflow.go": "package door\n"},
		"broken file":  {"b/b.ironflow.yaml": door, "b/x.go": "package door\n\nfunc {\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a/a.ironflow.yaml", door)
			for name, content := range extra {
				write(t, dir, name, content)
			}
			before := read(t, dir)
			_, err := generate.New([]string{dir + "/..."}, generate.Options{})
			var mistakes spec.Errors
			if !errors.As(err, &mistakes) {
				t.Fatalf("got %v, want mistakes with positions", err)
			}
			for _, m := range mistakes {
				if m.Pos.Line < 1 || m.Pos.Col < 1 || !strings.HasPrefix(m.Pos.File, filepath.Join(dir, "b")) {
					t.Errorf("the position of %q is %v", m.Message, m.Pos)
				}
			}
			if !maps.Equal(before, read(t, dir)) {
				t.Error("something was written")
			}
		})
	}
}

// TestFailureLeavesNothing lets writing fail half-way.
func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Somebody is faster: the last file of the skeleton has appeared since.
	write(t, dir, "decider_test.go", "package door\n")
	before := read(t, dir)
	if err := plan.Apply(); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v, want an error that says the file exists", err)
	}
	if after := read(t, dir); !maps.Equal(before, after) {
		t.Errorf("files were left behind or changed: %v", names(after))
	}
}

// TestFilesWithoutPackage checks that a file that says of no package that it belongs to it is no reason to stop.
func TestFilesWithoutPackage(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "comment": "// Package door is to be written.\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "door.ironflow.yaml", door)
			write(t, dir, "new.go", content)
			ignored := false
			for _, step := range run(t, dir) {
				ignored = ignored || step.Action == generate.Ignore && filepath.Base(step.Path) == "new.go" && step.Note != ""
			}
			if !ignored {
				t.Error("nothing says that new.go was ignored")
			}
		})
	}
}

func TestIgnoredFilesMayHaveAnotherPackage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	write(t, dir, "script.go", "//go:build ignore\n\npackage main\n\ntype Decider int\n")
	write(t, dir, "x_test.go", "package door_test\n")
	run(t, dir)
	if _, ok := read(t, dir)["decider.go"]; !ok {
		t.Error("decider.go was not written")
	}
}

// TestManyPackages checks that the order of the steps does not depend on who is done first.
func TestManyPackages(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		write(t, dir, fmt.Sprintf("p%02d/door.ironflow.yaml", i), door)
	}
	var paths []string
	for _, step := range run(t, dir+"/...") {
		paths = append(paths, filepath.Dir(step.Path))
	}
	if len(paths) != 20*11 || !slices.IsSorted(paths) {
		t.Errorf("got %d steps in the order %v", len(paths), slices.Compact(paths))
	}
}

// BenchmarkTenWorkflows generates ten workflows of the size of an order: into empty directories, and again.
func BenchmarkTenWorkflows(b *testing.B) {
	order, err := os.ReadFile("../yamlspec/testdata/order.ironflow.yaml")
	if err != nil {
		b.Fatal(err)
	}
	prepare := func(dir string) {
		for i := range 10 {
			write(b, dir, fmt.Sprintf("order%d/order.ironflow.yaml", i), string(order))
		}
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := b.TempDir()
			prepare(dir)
			b.StartTimer()
			run(b, dir+"/...")
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		dir := b.TempDir()
		prepare(dir)
		run(b, dir+"/...")
		for b.Loop() {
			run(b, dir+"/...")
		}
	})
}

// run generates and returns what it did.
func run(t testing.TB, path string) []generate.Step {
	t.Helper()
	plan, err := generate.New([]string{path}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(); err != nil {
		t.Fatal(err)
	}
	return plan.Steps
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns all files below a directory.
func read(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func names(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }
