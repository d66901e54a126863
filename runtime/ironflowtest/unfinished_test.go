package ironflowtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUnfinished(t *testing.T) {
	files := map[string]string{
		"decider.go": `package door

import "time"

type Decider struct{}

func (d *Decider) Open(now time.Time, state State, in Open) OpenDecision {
	panic(unfinished("Decider.Open"))
}

func (Decider) Close(now time.Time, state State, in Close) CloseDecision {
	return AcceptClose(Closed{})
}

// Lock mentions unfinished, which is no call of it.
func (Decider) Lock() { _ = unfinished }
`,
		"generic.go":      "package door\n\nfunc (h *Handler[T, U]) Ring() error { return (unfinished)(\"Handler.Ring\") }\n",
		"one.go":          "package door\n\nfunc (Evolver[T]) Opened() { func() { panic(unfinished(\"\")) }() }\n",
		"function.go":     "package door\n\nfunc later() { panic(unfinished(\"later\")) }\n",
		"other_test.go":   "package door\n\nfunc (T) X() { panic(unfinished(\"\")) }\n",
		"left_out.go":     "//go:build ignore\n\npackage door\n\nfunc (T) Y() { panic(unfinished(\"\")) }\n",
		"_hidden.go":      "package door\n\nfunc (T) Z() { panic(unfinished(\"\")) }\n",
		"door_plan9.go":   "package door\n\nfunc (T) P() { panic(unfinished(\"\")) }\n",
		"notes.txt":       "unfinished()",
		"no_stub_here.go": "package door\n",
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	want := []string{
		"decider.go:7: Decider.Open is not written yet; write it in place of the stub",
		"function.go:3: later is not written yet; write it in place of the stub",
		"generic.go:3: Handler.Ring is not written yet; write it in place of the stub",
		"one.go:3: Evolver.Opened is not written yet; write it in place of the stub",
	}
	if r := record(t); !slices.Equal(r.errors, want) || r.skipped || r.fatal {
		t.Errorf("got %q (skipped %v, fatal %v), want %q", r.errors, r.skipped, r.fatal, want)
	}

	// A test that was compiled may run anywhere.
	t.Chdir(t.TempDir())
	if r := record(t); !r.skipped || len(r.errors) > 0 {
		t.Errorf("without files: skipped %v, errors %q", r.skipped, r.errors)
	}

	if err := os.WriteFile("broken.go", []byte("package door\n\nfunc {\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := record(t); !r.fatal || !strings.Contains(strings.Join(r.errors, ""), "broken.go:3:6") {
		t.Errorf("with a broken file: fatal %v, errors %q", r.fatal, r.errors)
	}
}

// recorder is a test whose failures are looked at.
type recorder struct {
	testing.TB
	errors         []string
	skipped, fatal bool
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.fatal = true
	panic(r)
}

func (r *recorder) Skip(...any) {
	r.skipped = true
	panic(r)
}

func record(t *testing.T) *recorder {
	r := &recorder{TB: t}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(r) {
				panic(v)
			}
		}()
		Unfinished(r)
	}()
	return r
}
