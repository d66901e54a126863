package generate

import (
	"errors"
	"io"
	"os"

	"github.com/ironflow-gen/ironflow/gen/format"
)

// Rewrite is a file of the user's with what it is to hold, because they asked for it: a declaration with its canonical layout,
// say.
type Rewrite struct {
	Path     string
	Old, New []byte
}

// Format lays out the declarations in YAML that the paths name, and writes nothing. The error has the mistakes of all files
// that are not YAML, and could not be laid out; the others are there all the same.
func Format(paths []string) ([]Rewrite, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	var errs []error
	var files []Rewrite
	for _, name := range found.files {
		if !isDeclaration(name) {
			continue // gofmt is for Go
		}
		content, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		formatted, err := format.Source(name, content)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, Rewrite{Path: name, Old: content, New: formatted})
	}
	return files, errors.Join(errs...)
}

// FormatReader lays out what it reads. name is for positions.
func FormatReader(name string, r io.Reader) (Rewrite, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return Rewrite{}, err
	}
	formatted, err := format.Source(name, content)
	return Rewrite{Path: name, Old: content, New: formatted}, err
}

// Changed reports whether the text differs. Another kind of line end than a line feed does not count, as a checkout may
// have it.
func (r Rewrite) Changed() bool { return !sameText(r.Old, r.New) }

// Diff is a unified diff of the text, or "".
func (r Rewrite) Diff() string {
	return diff(r.Path, r.Path, unixLines(r.Old), unixLines(r.New))
}

// Write replaces the file, unless it was changed in the meantime; see [Plan.Apply]. Lines go on ending as they do there.
func (r Rewrite) Write() error {
	plan := Plan{Steps: []Step{{Path: r.Path, Action: Write, Content: unixLines(r.New), was: r.Old}}}
	return plan.Apply()
}
