package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vetted is a package with a decider that looks at the clock and draws a random number.
const vetted = `package vetted

import (
	"math/rand/v2"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type decider struct{ shop.Decider }

func (decider) Charged(_ time.Time, _ shop.State, _ shop.Charged) shop.ChargedDecision {
	at := time.Now()
	return shop.AcceptCharged(shop.Paid{Amount: rand.Int64N(3), At: at})
}
`

const (
	clockFinding  = `vetted.go:13:8: clock: the decider decider.Charged calls time.Now; use the decider's parameter for the time [IF2001]`
	randomFinding = `vetted.go:14:46: random: the decider decider.Charged calls rand.Int64N; let the input bring it, or an effect draw it [IF2002]`
)

// vettedDir makes a module of the package, and is the working directory from then on.
func vettedDir(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	// What this module needs, that one needs as well.
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^(module|tool) .*$`).ReplaceAllString(string(mod), "")
	text = "module example.com/vetted\n" + text +
		fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", "github.com/ironflow-gen/ironflow", root)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum), "vetted.go": vetted} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func run(args ...string) (exit int, out, errOut string) {
	var o, e bytes.Buffer
	exit = Run(args, strings.NewReader(""), &o, &e)
	return exit, o.String(), e.String()
}

func TestVet(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a module for each set of flags")
	}
	vettedDir(t)
	for _, test := range []struct {
		args string
		exit int
		want string
	}{
		{"vet", exitFailed, clockFinding + "\n" + randomFinding + "\n"},
		{"vet -clock .", exitFailed, clockFinding + "\n"},
		{"vet -clock=false", exitFailed, randomFinding + "\n"},
		{"vet -clock=false -random=false .", exitOK, ""},
		{"vet -maporder -outcome", exitOK, ""},
		{"vet -clock -random=false", exitUsage, "name the passes to run"},
		{"vet -clock=maybe", exitUsage, "it is true or false"},
		{"vet -klock", exitUsage, "unknown flag -klock; did you mean -clock?"},
		{"vet ./nowhere", exitFailed, "nowhere"},
	} {
		exit, out, errOut := run(strings.Fields(test.args)...)
		if exit != test.exit || out != "" {
			t.Errorf("%s: exit %d, output %q", test.args, exit, out)
		}
		if exact := test.exit != exitUsage && test.want != "nowhere"; exact && errOut != test.want || !strings.Contains(errOut, test.want) {
			t.Errorf("%s prints %q, want %q", test.args, errOut, test.want)
		}
	}
}

func TestVetJSON(t *testing.T) {
	vettedDir(t)
	exit, out, errOut := run("vet", "-json")
	if exit != exitFailed || errOut != "" || !json.Valid([]byte(out)) {
		t.Fatal(exit, out, errOut)
	}
	for _, want := range []string{`"line":13,"column":8`, `"code":"IF2001"`, `"code":"IF2002"`, `"severity":"error"`,
		`"message":"clock: the decider decider.Charged calls time.Now","fix":"use the decider's parameter for the time"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in %s", want, out)
		}
	}
	if exit, out, _ := run("vet", "-json", "-maporder"); exit != exitOK || out != `{"version":1,"diagnostics":[]}`+"\n" {
		t.Errorf("exit %d without a finding: %s", exit, out)
	}
}

func TestVetFix(t *testing.T) {
	vettedDir(t)
	exit, out, errOut := run("vet", "-diff")
	if exit != exitFailed || !strings.Contains(out, "-\tat := time.Now()\n") || !strings.Contains(out, "+\tat := now\n") ||
		!strings.HasPrefix(out, "--- a/vetted.go\n+++ b/vetted.go\n") || errOut != randomFinding+"\n" {
		t.Errorf("-diff: exit %d\n%s%s", exit, out, errOut)
	}
	if content, _ := os.ReadFile("vetted.go"); string(content) != vetted {
		t.Error("-diff writes")
	}
	exit, out, errOut = run("vet", "-fix")
	if exit != exitFailed || out != "fixed vetted.go\n" || errOut != randomFinding+"\n" {
		t.Errorf("-fix: exit %d\n%s%s", exit, out, errOut)
	}
	content, err := os.ReadFile("vetted.go")
	if want := strings.NewReplacer("(_ time.Time", "(now time.Time", "time.Now()", "now").Replace(vetted); err != nil || string(content) != want {
		t.Errorf("-fix writes:\n%s", content)
	}
	if exit, _, errOut := run("vet", "-clock"); exit != exitOK {
		t.Errorf("what is fixed is still found: %s", errOut)
	}
}

// TestVetFixKeeps fixes a file that is a link, and ends its lines as on Windows: both stay so.
func TestVetFixKeeps(t *testing.T) {
	vettedDir(t)
	elsewhere := filepath.Join(t.TempDir(), "vetted.go")
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	if err := errors.Join(os.WriteFile(elsewhere, []byte(windows(vetted)), 0o644), os.Remove("vetted.go")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, "vetted.go"); err != nil {
		t.Skip(err)
	}
	if _, out, errOut := run("vet", "-clock", "-fix"); out != "fixed vetted.go\n" || errOut != "" {
		t.Fatal(out, errOut)
	}
	if to, err := os.Readlink("vetted.go"); err != nil || to != elsewhere {
		t.Errorf("the link is gone: %q, %v", to, err)
	}
	content, err := os.ReadFile(elsewhere)
	if want := strings.NewReplacer("(_ time.Time", "(now time.Time", "time.Now()", "now").Replace(vetted); err != nil || string(content) != windows(want) {
		t.Errorf("written: %q, %v", content, err)
	}
}

func TestVetDoesNotCompile(t *testing.T) {
	vettedDir(t)
	if err := os.WriteFile("broken.go", []byte("package vetted\n\nvar x = missing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	exit, _, errOut := run("vet")
	if exit != exitFailed || !strings.HasPrefix(errOut, "broken.go:3:9: undefined: missing\n") ||
		!strings.Contains(errOut, `run "ironflow-gen generate" first`) {
		t.Errorf("exit %d, %s", exit, errOut)
	}
}

// TestVetTool runs the passes by the go command, which builds what it needs of other packages and asks the tool for facts of
// them.
func TestVetTool(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	tool := filepath.Join(t.TempDir(), "ironflow-gen")
	goCommand(t, ".", "build", "-o", tool, ".")
	command := func(args ...string) string {
		cmd := exec.Command("go", append([]string{"vet", "-vettool=" + tool}, args...)...)
		cmd.Dir = filepath.Join("..", "..")
		output, err := cmd.CombinedOutput()
		if _, failed := err.(*exec.ExitError); err != nil && !failed {
			t.Fatal(err)
		}
		return string(output)
	}

	// By facts, what the go command finds is what Check finds when it reads all packages together.
	got := command("./gen/vet/testdata/clock", "./gen/vet/testdata/maporder", "./gen/vet/testdata/globals")
	t.Chdir(filepath.Join("..", ".."))
	_, _, want := run("vet", "./gen/vet/testdata/clock", "./gen/vet/testdata/maporder", "./gen/vet/testdata/globals")
	want = regexp.MustCompile(`(?m) \[IF\d{4}\]$`).ReplaceAllString(want, "")
	if g, w := findingLines(got), findingLines(want); !slices.Equal(g, w) {
		t.Errorf("go vet finds:\n%s\nironflow-gen vet finds:\n%s", strings.Join(g, "\n"), strings.Join(w, "\n"))
	}

	t.Chdir(filepath.Join("cmd", "ironflow-gen"))
	if output := command("-random", "./gen/vet/testdata/clock"); strings.Contains(output, "clock:") {
		t.Errorf("-random runs other passes:\n%s", output)
	}
	if output := command("./examples/order/order"); output != "" {
		t.Errorf("there are findings in the example:\n%s", output)
	}
}

func findingLines(output string) []string {
	var lines []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "#") && strings.Contains(line, ".go:") {
			lines = append(lines, strings.TrimPrefix(strings.TrimSpace(line), "vet: "))
		}
	}
	slices.Sort(lines)
	return lines
}
