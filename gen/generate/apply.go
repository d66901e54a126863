package generate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// mode is the permission of every file that is written.
const mode = 0o644

// Apply carries the plan out. A generated file appears under its name only when it is complete, and a file of the user's
// is created only if there is none. When a file cannot be written, none is, and what was begun is removed.
func (p *Plan) Apply() (err error) {
	added := make([]string, len(p.Steps)) // the temporary file of Write, the file itself of Create
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
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, step := range p.Steps {
		switch step.Action {
		case Write:
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

// add writes the file that a step adds to its directory, and returns the name even when that fails half-way.
func add(step Step) (path string, err error) {
	if step.Action != Write && step.Action != Create {
		return "", nil
	}
	dir := filepath.Dir(step.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var f *os.File
	if step.Action == Write {
		f, err = os.CreateTemp(dir, ".ironflow-*.tmp")
	} else {
		f, err = os.OpenFile(step.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	}
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", step.Path, err)
	}
	_, err = f.Write(step.Content)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return f.Name(), fmt.Errorf("writing %s: %w", step.Path, err)
	}
	return f.Name(), nil
}
