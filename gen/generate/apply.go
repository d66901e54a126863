package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mode is the permission of every file that is written.
const mode = 0o644

// Apply carries the plan out. A generated file appears under its name only when it is complete, and a file of the user's
// is created only if there is none. When a file cannot be written, none is, and what was begun is removed.
func (p *Plan) Apply() (err error) {
	added := make([]string, len(p.Steps)) // the temporary file of Write and Empty, the file itself of Create
	errs := make([]error, len(p.Steps))
	defer func() {
		for i, path := range added {
			if path == "" || err == nil && p.Steps[i].Action == Create {
				continue
			}
			if gone := os.Remove(path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	inParallel(len(p.Steps), func(i int) { added[i], errs[i] = add(p.Steps[i]) })
	if err := joinOnce(errs); err != nil {
		return err
	}
	for i, step := range p.Steps {
		switch step.Action {
		case Write, Empty:
			err = os.Rename(added[i], step.Path)
		case Remove:
			err = os.Remove(step.Path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// joinOnce joins errors, of which those of one directory say the same for every file.
func joinOnce(errs []error) error {
	var list []error
	seen := make(map[string]bool)
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			list = append(list, err)
		}
	}
	return errors.Join(list...)
}

// add writes the file that a step adds to its directory, and returns the name even when that fails half-way.
func add(step Step) (path string, err error) {
	if step.Action != Write && step.Action != Create && step.Action != Empty {
		return "", nil
	}
	dir := filepath.Dir(step.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", cannotWrite(dir, err)
	}
	var f *os.File
	if step.Action == Create {
		f, err = os.OpenFile(step.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	} else {
		f, err = os.CreateTemp(dir, ".ironflow-*.tmp")
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return "", fmt.Errorf("writing %s: %w", step.Path, err)
	case err != nil:
		return "", cannotWrite(dir, err)
	}
	_, err = f.Write(step.Content)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return f.Name(), fmt.Errorf("writing %s: %w", step.Path, err)
	}
	return f.Name(), nil
}

// cannotWrite says that a directory takes no files, and not which of them was the first.
func cannotWrite(dir string, err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return fmt.Errorf("cannot write to %s: %w", dir, err)
	}
	if at.Path != dir && strings.HasPrefix(filepath.Clean(dir), filepath.Clean(at.Path)+string(filepath.Separator)) {
		return fmt.Errorf("cannot write to %s: %s: %w", dir, at.Path, at.Err) // a directory above it is in the way
	}
	return fmt.Errorf("cannot write to %s: %w", dir, at.Err)
}
