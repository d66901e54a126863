package generate_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// TestPackagesAndDirectives refuses packages that the go command does not see as such, and directives where they say nothing.
func TestPackagesAndDirectives(t *testing.T) {
	t.Parallel()
	const gate = "package gate\n\n//ironflow:workflow type=gate id=GateID\ntype State struct{}\n\n//ironflow:input\ntype Open struct{ GateID string }\n\n//ironflow:event\ntype Opened struct{}\n"
	const form = "must be the name of a Go package in small letters: no keyword, not main or documentation, and without _test at its end"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // after the directory; "" when the package is accepted
	}{
		"documentation":    {map[string]string{"d.ironflow.yaml": strings.Replace(door, "package: door", "package: documentation", 1)}, `d.ironflow.yaml:3:10: package name "documentation" ` + form + " [IF0301]"},
		"documentation Go": {map[string]string{"d.go": strings.Replace(gate, "package gate", "package documentation", 1)}, `d.go:1:9: package name "documentation" ` + form + " [IF0301]"},
		"test":             {map[string]string{"d.ironflow.yaml": strings.Replace(door, "package: door", "package: door_test", 1)}, `d.ironflow.yaml:3:10: package name "door_test" ` + form + `; write "doortest" [IF0301]`},
		"keyword":          {map[string]string{"d.ironflow.yaml": strings.Replace(door, "package: door", "package: func", 1)}, `d.ironflow.yaml:3:10: package name "func" ` + form + " [IF0301]"},
		"name of Go":       {map[string]string{"d.ironflow.yaml": strings.Replace(door, "package: door", "package: string", 1)}, ""},
		"in a test": {map[string]string{"d.go": gate, "d_test.go": "package gate\n\n//ironflow:event\ntype Closed struct{}\n"},
			"d_test.go:3:1: this directive says nothing in a test, which is no part of the package; move it to a file that is no test [IF1002]"},
		"beside YAML": {map[string]string{"d.ironflow.yaml": door, "own.go": "package door\n\n//ironflow:event\ntype Closed struct{}\n"},
			"own.go:3:1: this directive says nothing here: the workflow of this package is declared in d.ironflow.yaml; delete it [IF1002]"},
		"for vet":        {map[string]string{"d.ironflow.yaml": door, "own.go": "package door\n\nimport \"time\"\n\n//ironflow:ignore clock\nvar now = time.Now()\n"}, ""},
		"under windows":  {map[string]string{"d_windows.go": gate}, `d_windows.go:3:1: this file is built only with "windows", and the code that is generated from its directives is built always; remove the constraint, or move the directives to a file without one [IF1015]`},
		"under a tag":    {map[string]string{"d.go": "//go:build integration\n\n" + gate}, `d.go:5:1: this file is built only with "integration", and the code that is generated from its directives is built always; remove the constraint, or move the directives to a file without one [IF1015]`},
		"unused import":  {map[string]string{"d.go": strings.Replace(gate, "\n\n", "\n\nimport \"strings\"\n\nvar _ InputDecider\n\n", 1)}, `d.go:3:8: "strings" imported and not used [IF1010]`},
		"awaited import": {map[string]string{"d.go": strings.Replace(gate, "\n\n", "\n\nimport \"strings\"\n\nvar _ = NewWorkflow(strings.ToLower(\"\"), Missing)\n\n", 1)}, `d.go:5:42: undefined: Missing [IF1010]`},
	} {
		dir := t.TempDir()
		write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
		for file, content := range c.files {
			write(t, dir, file, content)
		}
		_, err := generate.New([]string{dir}, generate.Options{})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), dir+"/", "")
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}
