package generate_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/generate"
)

// grownDoor is door after it has grown by an input, an event and an effect.
const grownDoor = `ironflow: 1
workflow: door
package: door
id: door_id
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events:
  Opened: {}
  Closed: {}
effects:
  Ring: {}
states:
  closed: {accepts: {Open: {Opened: open, effects: [Ring]}}}
  open: {accepts: {Close: {Closed: shut}}}
  shut: {terminal: true}
`

// A test process that is to be killed gets these variables.
const (
	killedIn = "IRONFLOW_TEST_KILLED_IN"
	killedAt = "IRONFLOW_TEST_KILLED_AT"
)

// processes are what the test process does instead of testing, by the variable that names a directory for it.
var processes = map[string]func(dir string){killedIn: generateUntilKilled}

func TestMain(m *testing.M) {
	for variable, do := range processes {
		if dir := os.Getenv(variable); dir != "" {
			do(dir)
		}
	}
	os.Exit(m.Run())
}

// generateUntilKilled generates with stubs, and kills its own process before the change with the given number.
func generateUntilKilled(dir string) {
	at, err := strconv.Atoi(os.Getenv(killedAt))
	if err != nil {
		panic(err)
	}
	plan, err := generate.New([]string{dir}, generate.Options{Stubs: true})
	if err != nil {
		panic(err)
	}
	n := 0
	err = plan.ApplyWith(func(op, path string) error {
		if n == at {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err == nil {
				select {} // until the signal is there
			}
			panic(err)
		}
		n++
		return nil
	})
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

// TestKilled kills a run before each of the changes that it makes. Every file is then as before or as it will be, nothing else
// is a Go file, and the next run leaves the same as one that was not killed.
func TestKilled(t *testing.T) {
	t.Parallel()
	// An old package that is in use, and from scratch.
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"grown": prepareGrown,
		"new":   func(t *testing.T, dir string) { write(t, dir, "door.ironflow.yaml", grownDoor) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := t.TempDir()
			prepare(t, whole)
			before := read(t, whole)
			runStubs(t, whole)
			after := read(t, whole)

			for at := 0; ; at++ {
				dir := t.TempDir()
				prepare(t, dir)
				killed := killAt(t, dir, at)
				leftovers := 0
				for file, content := range read(t, dir) {
					switch {
					case generate.IsTemporary(file):
						leftovers++
					case content != before[file] && content != after[file]:
						t.Errorf("killed before change %d, %s is neither old nor new:\n%s", at, file, content)
					}
				}
				// The last change only removes a file.
				if leftovers > 0 && !killed || leftovers == 0 && at == 0 {
					t.Errorf("killed before change %d: %v, and there are %d temporary files", at, killed, leftovers)
				}
				runStubs(t, dir)
				if got := read(t, dir); !maps.Equal(got, after) {
					t.Errorf("killed before change %d, the next run leaves %v, want %v", at, names(got), names(after))
				}
				if !killed {
					if at < 8 {
						t.Errorf("there were only %d changes", at)
					}
					return
				}
			}
		})
	}
}

// prepareGrown makes a package whose declaration has grown, with files of the user's and one that is not needed any more.
func prepareGrown(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	write(t, dir, "door.ironflow.yaml", grownDoor)
	write(t, dir, "old_ironflow.go", emit.Header+"\n// Source: door.ironflow.yaml\n\npackage door\n")
}

func killAt(t *testing.T, dir string, at int) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedIn+"="+dir, killedAt+"="+strconv.Itoa(at))
	output, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%v\n%s", err, output)
	}
	return err != nil
}

// TestFailure lets each change fail, after which everything is as it was, to the time of change.
func TestFailure(t *testing.T) {
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	for at := 0; ; at++ {
		dir := t.TempDir()
		prepareGrown(t, dir)
		before := read(t, dir)
		for name := range before {
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
		plan, err := generate.New([]string{dir}, generate.Options{Stubs: true})
		if err != nil {
			t.Fatal(err)
		}
		n, failure := 0, errors.New("the disk is gone")
		err = plan.ApplyWith(func(op, path string) error {
			if n++; n > at {
				return fmt.Errorf("%s %s: %w", op, path, failure)
			}
			return nil
		})
		if err == nil {
			if at < 8 {
				t.Errorf("there were only %d changes", at)
			}
			return
		}
		if !errors.Is(err, failure) {
			t.Fatal(err)
		}
		if after := read(t, dir); !maps.Equal(before, after) {
			t.Errorf("change %d failed, and files were left behind or changed: %v", at, names(after))
		}
		for name := range before {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.ModTime().Equal(old) {
				t.Errorf("change %d failed, and %s has a new time (%v)", at, name, err)
			}
		}
	}
}

// TestConcurrentEdit checks that stubs are not added to a file that was saved in the meantime.
func TestConcurrentEdit(t *testing.T) {
	dir := t.TempDir()
	prepareGrown(t, dir)
	plan, err := generate.New([]string{dir}, generate.Options{Stubs: true})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "decider.go", read(t, dir)["decider.go"]+"\n// just saved\n")
	before := read(t, dir)
	want := filepath.Join(dir, "decider.go") + " was changed since it was read; run ironflow-gen again"
	if err := plan.Apply(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.Remove(filepath.Join(dir, "decider.go")); err != nil {
		t.Fatal(err)
	}
	delete(before, "decider.go")
	want = filepath.Join(dir, "decider.go") + " is gone since it was read; nothing was written"
	if err := plan.Apply(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if after := read(t, dir); !maps.Equal(before, after) {
		t.Errorf("files were left behind or changed: %v", names(after))
	}
}

// TestLeftovers checks which temporary files a run removes: those of processes that are gone.
func TestLeftovers(t *testing.T) {
	gone := exec.Command(os.Args[0], "-test.run=^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	link(t, elsewhere, dir, "decider.go")
	dead := fmt.Sprintf(".ironflow-%d-0123456789abcdef.tmp", gone.Process.Pid)
	alive := fmt.Sprintf(".ironflow-%d-0123456789abcdef.tmp", os.Getpid())
	kept := []string{alive, ".ironflow-x-1.tmp", ".ironflow-.tmp", ".ironflow-5.tmp", "ironflow-1-2.tmp", dead + ".go"}
	for _, name := range append(kept, dead) {
		write(t, dir, name, "package broken {")
		write(t, elsewhere, name, "package broken {")
	}
	run(t, dir)
	for _, where := range []string{dir, elsewhere} {
		files := read(t, where)
		if _, there := files[dead]; there {
			t.Errorf("%s is still there", dead)
		}
		for _, name := range kept {
			if _, there := files[name]; !there {
				t.Errorf("%s was removed", name)
			}
		}
	}
}

// link moves a file to another directory, and leaves a link to it.
func link(t *testing.T, to, dir, name string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, name), filepath.Join(to, name)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(to, name), filepath.Join(dir, name)); err != nil {
		t.Skip(err)
	}
}

// TestLinks checks that files are written where links lead to, also over two of them, and that links stay.
func TestLinks(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	links := []string{"decider.go", "types_ironflow.go", "workflow_ironflow.go"}
	for _, name := range links {
		link(t, elsewhere, dir, name)
	}
	link(t, t.TempDir(), elsewhere, "types_ironflow.go")
	write(t, dir, "door.ironflow.yaml", grownDoor)
	old := read(t, dir)["decider.go"]
	runStubs(t, dir)
	for _, name := range links {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s is no link any more: %v, %v", name, info.Mode(), err)
		}
	}
	files := read(t, dir)
	if !strings.HasPrefix(files["decider.go"], old) || !strings.Contains(files["decider.go"], "Decider.Close") {
		t.Errorf("decider.go has no stub:\n%s", files["decider.go"])
	}
	if !strings.Contains(files["types_ironflow.go"], "type Ring struct") {
		t.Errorf("types_ironflow.go is not up to date:\n%s", files["types_ironflow.go"])
	}
	for name := range read(t, elsewhere) {
		if generate.IsTemporary(name) {
			t.Errorf("%s was left behind", name)
		}
	}

	// A package that is reached on two ways is generated once.
	other := filepath.Join(t.TempDir(), "other")
	if err := os.Symlink(dir, other); err != nil {
		t.Fatal(err)
	}
	plan, err := generate.New([]string{dir, other}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range plan.Steps {
		if filepath.Dir(step.Path) != min(dir, other) {
			t.Errorf("%s is generated as well", step.Path)
		}
	}
}

// TestLinkedOrphan checks that a file is not removed through a link, nor is the link.
func TestLinkedOrphan(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	prepareGrown(t, dir)
	link(t, elsewhere, dir, "old_ironflow.go")
	plan := runStubs(t, dir)
	want := filepath.Join(dir, "old_ironflow.go") + ":1:1: warning: the head says that ironflow-gen wrote this file, but it is a link, to " +
		filepath.Join(elsewhere, "old_ironflow.go") + "; delete the file if nothing needs it, or its head if it is yours [IF0915]"
	if got := plan.Findings.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, there := read(t, dir)["old_ironflow.go"]; !there {
		t.Error("the file is gone")
	}
}

// TestLinksToOneFile checks that two packages are not generated into the same file.
func TestLinksToOneFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		write(t, dir, name+"/door.ironflow.yaml", door)
		run(t, filepath.Join(dir, name))
	}
	if err := os.Remove(filepath.Join(dir, "b/types_ironflow.go")); err != nil {
		t.Fatal(err)
	}
	link(t, dir, filepath.Join(dir, "a"), "types_ironflow.go")
	if err := os.Symlink("../types_ironflow.go", filepath.Join(dir, "b/types_ironflow.go")); err != nil {
		t.Fatal(err)
	}
	_, err := generate.New([]string{dir + "/..."}, generate.Options{})
	want := strings.ReplaceAll(`DIR/a/door.ironflow.yaml:2:11: DIR/a/types_ironflow.go is the same file as DIR/b/types_ironflow.go, which is generated from another declaration; replace one of the links [IF0903]
DIR/b/door.ironflow.yaml:2:11: DIR/b/types_ironflow.go is the same file as DIR/a/types_ironflow.go, which is generated from another declaration; replace one of the links [IF0903]`, "DIR", dir)
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// TestModes checks that files keep their permissions.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	prepareGrown(t, dir)
	modes := map[string]fs.FileMode{"types_ironflow.go": 0o600, "decider.go": 0o664, "client_ironflow.go": 0o755}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	runStubs(t, dir)
	modes["handler.go"] = 0o644 // is new
	for name, want := range modes {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", name, got, want)
		}
	}
}

// TestReadOnlyFiles checks that a file that is read-only is not replaced, although its directory allows it.
func TestReadOnlyFiles(t *testing.T) {
	for _, name := range []string{"types_ironflow.go", "decider.go", "old_ironflow.go"} {
		dir := t.TempDir()
		prepareGrown(t, dir)
		before := read(t, dir)
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, 0o444); err != nil {
			t.Fatal(err)
		}
		plan, err := generate.New([]string{dir}, generate.Options{Stubs: true})
		if err != nil {
			t.Fatal(err)
		}
		want := path + " is read-only; allow writing to it first"
		if err := plan.Apply(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if after := read(t, dir); !maps.Equal(before, after) {
			t.Errorf("with a read-only %s files were left behind or changed: %v", name, names(after))
		}
	}
}

// A directory in the way of a file is told before anything changes.
func TestDirectoryInTheWay(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	if err := os.Mkdir(filepath.Join(dir, "types_ironflow.go"), 0o755); err != nil {
		t.Fatal(err)
	}
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "types_ironflow.go") + " is in the way: it is no file"
	if err := plan.Apply(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if after := read(t, dir); len(after) != 1 {
		t.Errorf("files were left behind: %v", names(after))
	}
}

// TestWindowsCheckout grows a package all of whose files have the line ends of Windows: what is appended has them too, and
// so has what is generated anew; files that do not change are left alone.
func TestWindowsCheckout(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	run(t, dir)
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	for name, content := range read(t, dir) {
		write(t, dir, name, windows(content))
	}
	write(t, dir, "door.ironflow.yaml", windows(grownDoor))
	write(t, dir, "old_ironflow.go", windows(emit.Header+"\n// Source: gone.ironflow.yaml\n\npackage door\n"))
	before := read(t, dir)
	plan := runStubs(t, dir)
	if len(plan.Findings) > 0 {
		t.Errorf("there are findings: %v", plan.Findings)
	}
	after := read(t, dir)
	if !strings.HasPrefix(after["decider.go"], before["decider.go"]) || len(after["decider.go"]) == len(before["decider.go"]) {
		t.Errorf("no stubs were put behind what is in decider.go:\n%s", after["decider.go"])
	}
	if _, there := after["old_ironflow.go"]; there {
		t.Error("old_ironflow.go is still there")
	}
	for name := range before {
		content := after[name]
		if windows(strings.ReplaceAll(content, "\r\n", "\n")) != content {
			t.Errorf("%s has mixed line ends: %q", name, content)
		}
	}
	for _, step := range replan(t, dir).Steps {
		if step.Changes() {
			t.Errorf("%s again: %v", filepath.Base(step.Path), step.Action)
		}
	}
	if diff, err := replan(t, dir).Check(); err != nil || diff != "" {
		t.Errorf("the result is not up to date: %v\n%s", err, diff)
	}
}

func replan(t *testing.T, dir string) *generate.Plan {
	t.Helper()
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// runStubs generates with stubs.
func runStubs(t testing.TB, path string) *generate.Plan {
	t.Helper()
	plan, err := generate.New([]string{path}, generate.Options{Stubs: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(); err != nil {
		t.Fatal(err)
	}
	return plan
}
