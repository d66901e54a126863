package generate

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// noFile is how a unified diff calls a file that there is not.
const noFile = "/dev/null"

// Check compares a plan with the files that there are. It returns a unified diff that turns these into what the plan would
// write, which "git apply" takes, and a [diagnostic.Errors] with every file that differs; both are empty when carrying out
// the plan would change nothing.
func (p *Plan) Check() (diff string, err error) {
	var all bytes.Buffer
	var list diagnostic.List
	for _, step := range p.Steps {
		if step.Action != Write && step.Action != Create && step.Action != Remove && step.Action != Empty {
			continue
		}
		old, err := os.ReadFile(step.Path)
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return "", err
		}
		oldName, newName := filepath.ToSlash(step.Path), filepath.ToSlash(step.Path)
		if !filepath.IsAbs(step.Path) {
			oldName, newName = "a/"+oldName, "b/"+newName
		}
		// A checkout may have other line ends, which do not count as a difference.
		before, after := string(unixLines(old)), string(step.Content)
		pos := diagnostic.Pos{File: step.Path, Line: 1, Col: 1}
		switch {
		case step.Action == Remove:
			newName, after = noFile, ""
			list.Report(pos, diagnostic.OrphanedFile, `this file was generated and is not needed any more; run "ironflow-gen" to remove it`)
		case missing:
			oldName = noFile
			list.Report(pos, diagnostic.MissingFile, `this file is missing; run "ironflow-gen" to write it`)
		default:
			pos.Line = firstDifference(before, after)
			list.Report(pos, diagnostic.StaleFile, `this is not what the declaration gives today; run "ironflow-gen" to write the file anew`)
		}
		all.WriteString(udiff.Unified(oldName, newName, before, after))
	}
	return all.String(), list.Err()
}

// firstDifference returns the number of the first line of a that is not the same in b.
func firstDifference(a, b string) int {
	line := 1
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '\n' {
			line++
		}
	}
	return line
}
