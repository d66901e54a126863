package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The script for bash completes commands, flags, and the first words of arguments. The others can be read by their shells, if they are there.
func TestCompletion(t *testing.T) {
	t.Parallel()
	b := &bench{T: t}
	script := b.ironflow(exitOK, "completion", "bash")
	complete := func(line ...string) []string {
		t.Helper()
		run := fmt.Sprintf("%s\nCOMP_WORDS=(%s)\nCOMP_CWORD=%d\n_ironflow\necho \"${COMPREPLY[@]}\"", script, strings.Join(line, " "), len(line)-1)
		said, err := exec.CommandContext(t.Context(), "bash", "-c", run).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return strings.Fields(string(said))
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	for _, test := range []struct {
		line []string
		want string
	}{
		{[]string{"ironflow", "st"}, "stuck"},
		{[]string{"ironflow", "stuck", "-wo"}, "-workflow"},
		{[]string{"ironflow", "projections", "-write", "re"}, "resume rebuild"},
		{[]string{"ironflow", "help", "scheds"}, ""},
		{[]string{"ironflow", "help", "sched"}, "schedules"},
		{[]string{"ironflow", "completion", "f"}, "fish"},
		{[]string{"ironflow", "stuck", "-store", "complete_t"}, "complete_test.go"},
	} {
		if got := strings.Join(complete(test.line...), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.line, got, test.want)
		}
	}
	if all := complete("ironflow", "''"); len(all) != len(commands)+1 || !slices.Contains(all, "completion") {
		t.Errorf("got %q", all)
	}
	for shell, check := range map[string][]string{"zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}} {
		script := b.ironflow(exitOK, "completion", shell)
		for _, c := range commands {
			if !strings.Contains(script, c.name) {
				t.Errorf("%s does not complete %s", shell, c.name)
			}
		}
		if _, err := exec.LookPath(check[0]); err != nil {
			continue
		}
		run := exec.CommandContext(t.Context(), check[0], check[1:]...)
		run.Stdin = strings.NewReader(script)
		if said, err := run.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, said)
		}
	}
	b.want(b.ironflow(exitUsage, "completion", "tcsh"), "bash, fish and zsh")
}

// The help of each command has an example.
func TestHelpHasExamples(t *testing.T) {
	t.Parallel()
	b := &bench{T: t}
	for _, c := range commands {
		for _, args := range [][]string{{"help", c.name}, {c.name, "-h"}} {
			b.want(b.ironflow(exitOK, args...), "usage: ironflow "+c.name, "\nExamples:\n  ironflow "+c.name)
		}
	}
}
