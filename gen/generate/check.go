package generate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// noFile is how a unified diff calls a file that there is not.
const noFile = "/dev/null"

// Check compares a plan with the files that there are. It returns a unified diff that turns these into what the plan would
// write, which "git apply" takes, and a [diagnostic.Errors] with every file that differs and what the plan has found, unless
// that is nothing but warnings. Both are empty when carrying out the plan would change nothing.
func (p *Plan) Check() (diffs string, err error) {
	var all strings.Builder
	var list diagnostic.List
	for _, step := range p.Steps {
		if !step.Changes() {
			continue
		}
		old, err := os.ReadFile(step.Path)
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return "", err
		}
		oldName, newName := step.Path, step.Path
		old = unixLines(old) // what a checkout makes of line ends does not count
		pos := diagnostic.Pos{File: step.Path, Line: 1, Col: 1}
		switch {
		case step.Action == Remove:
			newName = noFile
			list.Report(pos, diagnostic.OrphanedFile, `this file was generated and is not needed any more; run "ironflow-gen" to remove it`)
		case missing:
			oldName = noFile
			list.Report(pos, diagnostic.MissingFile, `this file is missing; run "ironflow-gen" to write it`)
		default:
			pos.Line = firstDifference(old, step.Content)
			list.Report(pos, diagnostic.StaleFile, `this is not what the declaration and the evolver give today; run "ironflow-gen" to write the file anew`)
		}
		all.WriteString(diff(oldName, newName, old, step.Content))
	}
	found := append(diagnostic.Errors(list.Sorted()), p.Findings...)
	if !found.Failed() {
		return all.String(), nil
	}
	found.Sort()
	return all.String(), found
}

// firstDifference returns the number of the first line of a that is not the same in b.
func firstDifference(a, b []byte) int {
	line := 1
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '\n' {
			line++
		}
	}
	return line
}

// diff returns a unified diff of a file, in the form of git for paths that are relative.
func diff(oldName, newName string, before, after []byte) string {
	for prefix, name := range map[string]*string{"a/": &oldName, "b/": &newName} {
		if *name != noFile && !filepath.IsAbs(*name) {
			*name = prefix + filepath.ToSlash(*name)
		}
	}
	return udiff.Unified(oldName, newName, string(before), string(after))
}
