package generate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
	names, err := find(paths)
	if err != nil {
		return nil, err
	}
	var errs []error
	var files []Formatted
	for _, name := range names {
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

// Write replaces the file. Its line ends and its permissions stay.
func (f Formatted) Write() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	content := f.New
	if strings.Contains(string(f.Old), "\r\n") {
		content = []byte(strings.ReplaceAll(string(content), "\n", "\r\n"))
	}
	path, err := filepath.EvalSymlinks(f.Path) // a link stays one
	if err != nil {
		return err
	}
	temp, err := addTemp(filepath.Dir(path), content, info.Mode().Perm())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil && temp != "" {
		err = errors.Join(err, os.Remove(temp))
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Path, err)
	}
	return nil
}

// addTemp writes a temporary file and returns its name even when that fails half-way.
func addTemp(dir string, content []byte, perm os.FileMode) (path string, err error) {
	f, err := os.CreateTemp(dir, ".ironflow-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return f.Name(), errors.Join(err, f.Chmod(perm), f.Close())
}
