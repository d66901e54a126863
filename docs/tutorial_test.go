package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

// step is a fenced block of the tutorial and the paragraph before it, which says what the block is for.
type step struct {
	place                    string // page and line
	language, body, sentence string
}

func steps(t *testing.T, page string) []step {
	t.Helper()
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []step
	for _, at := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllSubmatchIndex(doc, -1) {
		paragraphs := strings.Split(strings.TrimSpace(string(doc[:at[0]])), "\n\n")
		found = append(found, step{
			place:    fmt.Sprintf("%s:%d", page, 1+strings.Count(string(doc[:at[0]]), "\n")),
			language: string(doc[at[2]:at[3]]),
			body:     string(doc[at[4]:at[5]]),
			sentence: strings.Join(strings.Fields(paragraphs[len(paragraphs)-1]), " "),
		})
	}
	return found
}

var (
	fileOf = regexp.MustCompile("(Write|Change|Add to) `([^`]+)`:$")
	clock  = regexp.MustCompile(`\d\d:\d\d:\d\d\.\d{3}`)
)

// TestTutorial does what the tutorial says in a new module, word for word but for one command: the module uses this checkout
// in place of a release. It compares what is printed with the text that the tutorial shows.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	const module, command = "github.com/ironflow-gen/ironflow", "github.com/ironflow-gen/ironflow/cmd/ironflow-gen"
	released := "go get -tool " + command + "@latest"
	checkout := "go mod edit -tool=" + command + " -replace=" + module + "=" + root + " && go mod tidy"
	dir := t.TempDir()
	database := pgserver.URL(t)
	pool, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "DROP SCHEMA IF EXISTS ironflow CASCADE"); err != nil { // of a run before
		t.Fatal(err)
	}
	environment := append(os.Environ(), "GOWORK=off", "DATABASE_URL="+database)
	list := append(steps(t, "tutorial.md"), steps(t, "tutorial-production.md")...)
	for i, s := range list {
		path, do := "", ""
		if m := fileOf.FindStringSubmatch(s.sentence); m != nil {
			do, path = m[1], filepath.Join(dir, filepath.FromSlash(m[2]))
		}
		switch {
		case s.language == "sh":
			want := ""
			if i+1 < len(list) && list[i+1].language == "text" {
				want = list[i+1].body
			}
			script := strings.ReplaceAll(s.body, released, checkout)
			output, err := shell(t, dir, environment, script)
			if (err != nil) != strings.Contains(want, "exit status") {
				t.Fatalf("%s: %v\n%s", s.place, err, output)
			}
			if missing := firstMissing(output, want); missing != "" {
				t.Fatalf("%s: %q is not printed, or not in this order:\n%s", s.place, missing, output)
			}
			if i == 0 {
				dir = filepath.Join(dir, "shop")
			}
		case s.language == "text" && list[i-1].language == "sh":
		case s.language == "go" && do == "Write":
			write(t, path, s.body)
		case s.language == "go" && do == "Add to":
			write(t, path, read(t, path)+s.body)
		case s.language == "diff" && do == "Change":
			var before, after strings.Builder
			for line := range strings.Lines(s.body) {
				if line[0] != '+' {
					before.WriteString(line[1:])
				}
				if line[0] != '-' {
					after.WriteString(line[1:])
				}
			}
			source := read(t, path)
			if n := strings.Count(source, before.String()); n != 1 {
				t.Fatalf("%s: what is to be changed is there %d times in\n%s", s.place, n, source)
			}
			write(t, path, strings.Replace(source, before.String(), after.String(), 1))
		default:
			t.Fatalf("%s: a reader would not know what to do with this block", s.place)
		}
	}
	if len(list) < 20 {
		t.Errorf("the tutorial has %d blocks", len(list))
	}
}

// shell runs a script that ends at its first failure. What it prints goes to a file, which processes in the background keep open.
func shell(t *testing.T, dir string, environment []string, script string) (string, error) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "output")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	run := exec.CommandContext(t.Context(), "bash", "-e", "-c", script)
	run.Dir, run.Env, run.Stdout, run.Stderr = dir, environment, file, file
	err = run.Run()
	return read(t, file.Name()), err
}

// firstMissing returns the first line of want that is in no line of the output after the one before it. Times of day do not matter.
func firstMissing(output, want string) string {
	lines := strings.Split(clock.ReplaceAllString(output, ""), "\n")
	for line := range strings.Lines(clock.ReplaceAllString(want, "")) {
		line = strings.TrimSuffix(line, "\n")
		for len(lines) > 0 && !strings.Contains(lines[0], line) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return line
		}
		lines = lines[1:]
	}
	return ""
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
