package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletion completes lines in the shells themselves, as far as they are installed.
func TestCompletion(t *testing.T) {
	var all []string
	for _, cmd := range commands() {
		all = append(all, cmd.name)
	}
	ask := map[string]func(t *testing.T, script, line string) []string{"bash": askBash, "fish": askFish}
	for shell, complete := range ask {
		t.Run(shell, func(t *testing.T) {
			script := scriptFile(t, shell)
			for line, want := range map[string][]string{
				"ironflow-gen ":                      all,
				"ironflow-gen ch":                    {"check"},
				"ironflow-gen -c":                    {"-color"},
				"ironflow-gen check -":               {"-color", "-json"},
				"ironflow-gen diagram -format s":     {"svg"},
				"ironflow-gen -color a":              {"always", "auto"},
				"ironflow-gen check -color n":        {"never"},
				"ironflow-gen explain IF030":         {"IF0301", "IF0302", "IF0303", "IF0304", "IF0305", "IF0306", "IF0307"},
				"ironflow-gen completion ":           {"bash", "fish", "zsh"},
				"ironflow-gen help expl":             {"explain"},
				"ironflow-gen diagram -o x -format ": {"dot", "mermaid", "svg"},
			} {
				got := complete(t, script, line)
				// Files may be offered too.
				missing := slices.DeleteFunc(slices.Clone(want), func(w string) bool { return slices.Contains(got, w) })
				if len(missing) > 0 || strings.HasSuffix(line, "a") && len(got) != len(want) {
					t.Errorf("%q is completed to %q, want %q", line, got, want)
				}
			}
		})
	}
	t.Run("zsh", func(t *testing.T) {
		if output, err := shellCommand(t, "zsh", "-n", scriptFile(t, "zsh")).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	})
}

// scriptFile writes the script for a shell.
func scriptFile(t *testing.T, shell string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if exit := Run([]string{"completion", shell}, strings.NewReader(""), &out, &errOut); exit != exitOK {
		t.Fatalf("exit %d: %s", exit, errOut.String())
	}
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func shellCommand(t *testing.T, shell string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("%s is not installed", shell)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir)
	return cmd
}

func askBash(t *testing.T, script, line string) []string {
	words := strings.Split(line, " ")
	code := fmt.Sprintf("source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _ironflow_gen; printf '%%s\\n' \"${COMPREPLY[@]}\"",
		script, "'"+strings.Join(words, "' '")+"'", len(words)-1)
	output, err := shellCommand(t, "bash", "--norc", "-c", code).Output()
	if err != nil {
		t.Fatal(err)
	}
	return sortedFields(output)
}

func askFish(t *testing.T, script, line string) []string {
	output, err := shellCommand(t, "fish", "--no-config", "-c", fmt.Sprintf("source %s; complete -C '%s'", script, line)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for text := range strings.Lines(string(output)) {
		word, _, _ := strings.Cut(text, "\t")
		list = append(list, strings.TrimSpace(word))
	}
	slices.Sort(list)
	return list
}

func sortedFields(output []byte) []string {
	list := strings.Fields(string(output))
	slices.Sort(list)
	return list
}
