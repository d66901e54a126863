package generate

import (
	"errors"
	"io"
	"os"

	"github.com/ironflow-gen/ironflow/gen/format"
)

// Formatted is a declaration with its canonical layout.
type Formatted struct {
	Path     string
	Old, New []byte
}

// Format lays out the declarations in YAML that the paths name, and writes nothing. The error has the mistakes of all files
// that are not YAML, and could not be laid out; the others are there all the same.
func Format(paths []string) ([]Formatted, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	var errs []error
	var files []Formatted
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
		files = append(files, Formatted{Path: name, Old: content, New: formatted})
	}
	return files, errors.Join(errs...)
}

// FormatReader lays out what it reads. name is for positions.
func FormatReader(name string, r io.Reader) (Formatted, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return Formatted{}, err
	}
	formatted, err := format.Source(name, content)
	return Formatted{Path: name, Old: content, New: formatted}, err
}

// Changed reports whether the layout differs. Another kind of line end than a line feed does not count, as a checkout may
// have it.
func (f Formatted) Changed() bool { return !sameText(f.Old, f.New) }

// Diff is a unified diff of the layout, or "".
func (f Formatted) Diff() string {
	return diff(f.Path, f.Path, unixLines(f.Old), f.New)
}

// Write replaces the file, unless it was changed in the meantime; see [Plan.Apply].
func (f Formatted) Write() error {
	plan := Plan{Steps: []Step{{Path: f.Path, Action: Write, Content: f.New, was: f.Old}}}
	return plan.Apply()
}
