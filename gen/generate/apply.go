package generate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// mode is the permission of new files, less what the process masks.
const mode = 0o644

// Apply carries the plan out. Whatever it writes is complete in a temporary file of the same directory before anything
// changes; then each is renamed to where it belongs. So a run that is killed leaves each file as it was or as it will be, and
// the next run does the rest; what it left behind is no Go file, and the next run removes it.
//
// When something cannot be written, nothing is: directories and files that are read-only are found before anything changes,
// and what was renamed before a failure is put back. Files keep their permissions, and links stay links to what is written.
// A file of the user's is created only where there is none, and added to only if it is still as it was when the plan was
// made. What another run has done in the meantime, as this one would have, is left alone, and not taken back either.
func (p *Plan) Apply() error { return p.apply(nil) }

// apply is Apply with a hook before each change that others can see: an error of it counts as one of the change.
func (p *Plan) apply(before func(op, path string) error) error {
	w := &writer{before: before}
	w.removeLeftovers(p.Steps)
	if err := w.prepare(p.Steps); err != nil {
		w.dropTemporaries()
		return err
	}
	if err := w.commit(); err != nil {
		err = errors.Join(err, w.rollBack())
		w.dropTemporaries()
		return err
	}
	w.dropTemporaries()
	return nil
}

// writer carries out one plan.
type writer struct {
	before  func(op, path string) error
	changes []*change // in the order in which they are made
	done    []*change
}

// change is what a step does to one file.
type change struct {
	Step
	target    string      // the file itself, where the path is a link
	old       []byte      // what is there
	info      fs.FileInfo // of what is there; nil when there is nothing
	content   []byte      // what is to be there, with the line ends of what is
	made      bool        // by another run, that is, nothing is left to do
	temporary string      // the new content; empty when there is none, or it is in place
}

// prepare checks that everything can be done, and writes the new contents beside the old ones.
func (w *writer) prepare(steps []Step) error {
	for _, step := range steps {
		if step.Changes() {
			w.changes = append(w.changes, &change{Step: step})
		}
	}
	// The user's files come last, and the skeleton from its end: its test is written only together with the rest.
	slices.SortStableFunc(w.changes, func(a, b *change) int { return order[a.Action] - order[b.Action] })
	if i := slices.IndexFunc(w.changes, func(c *change) bool { return c.Action == Create }); i >= 0 {
		n := slices.IndexFunc(w.changes[i:], func(c *change) bool { return c.Action != Create })
		if n < 0 {
			n = len(w.changes) - i
		}
		slices.Reverse(w.changes[i : i+n])
	}

	errs := make([]error, len(w.changes))
	inParallel(len(w.changes), func(i int) { errs[i] = w.changes[i].look() })
	if err := joinOnce(errs); err != nil {
		return err
	}
	w.changes = slices.DeleteFunc(w.changes, func(c *change) bool { return c.made })
	errs = make([]error, len(w.changes))
	inParallel(len(w.changes), func(i int) { errs[i] = w.changes[i].writeTemporary() })
	return joinOnce(errs)
}

// order is that of the changes. A file is removed when nothing needs it any more.
var order = map[Action]int{Write: 1, Append: 2, Create: 3, Empty: 4, Remove: 5}

// look notes what is there, and whether it may be changed.
func (c *change) look() error {
	c.target, c.content = c.Path, c.Content
	if resolved, err := filepath.EvalSymlinks(c.Path); err == nil {
		c.target = resolved
	}
	info, err := os.Stat(c.target)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		if c.was != nil {
			return fmt.Errorf("%s is gone since it was read; nothing was written", c.Path)
		}
		c.made = c.Action == Remove
		return nil
	case err != nil:
		return err
	case c.Action == Create:
		if c.made = c.isMade(); c.made {
			return nil
		}
		return fmt.Errorf("writing %s: %w", c.Path, fs.ErrExist)
	}
	c.info = info
	if err := writable(c.target, info); err != nil {
		return err
	}
	if c.old, err = os.ReadFile(c.target); err != nil {
		return err
	}
	if c.Action != Append && endsLinesWithCR(c.old) { // the checkout does, and so may the new content
		c.content = bytes.ReplaceAll(c.content, []byte("\n"), []byte("\r\n"))
	}
	if c.made = c.Action != Remove && bytes.Equal(c.old, c.content); c.made {
		return nil
	}
	return c.compare(c.old)
}

// compare checks that a file which the user may write at any time is still the one that was planned for.
func (c *change) compare(content []byte) error {
	if c.was != nil && !bytes.Equal(content, c.was) {
		return fmt.Errorf("%s was changed since it was read; run ironflow-gen again", c.Path)
	}
	return nil
}

// isMade reports whether a file already is as it is to be.
func (c *change) isMade() bool {
	now, err := os.ReadFile(c.target)
	return err == nil && bytes.Equal(now, c.content)
}

// writable reports why a file must not be replaced, although its directory may allow it.
func writable(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way: it is no file", path)
	}
	if info.Mode().Perm()&0o200 != 0 {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return fmt.Errorf("%s is read-only; allow writing to it first", path)
}

// writeTemporary writes the new content of a file into its directory, under a name that the go command does not look at.
func (c *change) writeTemporary() error {
	if c.Action == Remove {
		return nil
	}
	dir := filepath.Dir(c.target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return cannotWrite(dir, err)
	}
	f, err := createTemporary(dir)
	if err != nil {
		return cannotWrite(dir, err)
	}
	c.temporary = f.Name()
	_, err = f.Write(c.content)
	if err == nil && c.info != nil {
		err = f.Chmod(c.info.Mode().Perm())
	}
	if err == nil && c.Action == Append {
		err = f.Sync() // nobody can make the user's file again, should the power fail
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	return nil
}

// endsLinesWithCR reports whether the first line of a file ends as on Windows.
func endsLinesWithCR(content []byte) bool {
	i := bytes.IndexByte(content, '\n')
	return i > 0 && content[i-1] == '\r'
}

// commit puts the new contents in place.
func (w *writer) commit() error {
	for _, c := range w.changes {
		if c.was == nil || c.isMade() {
			continue
		}
		now, err := os.ReadFile(c.target)
		if err != nil {
			return err
		}
		if err := c.compare(now); err != nil {
			return err
		}
	}
	for _, c := range w.changes {
		if w.before != nil {
			if err := w.before(verbOf(c.Action), c.Path); err != nil {
				return err
			}
		}
		if err := c.commit(); err != nil {
			return err
		}
		if !c.made {
			w.done = append(w.done, c)
		}
	}
	return nil
}

func verbOf(a Action) string {
	switch a {
	case Create:
		return "create"
	case Remove:
		return "remove"
	}
	return "replace"
}

// commit makes the change, unless another run has made it since.
func (c *change) commit() error {
	if c.Action == Remove {
		err := os.Remove(c.target)
		if c.made = errors.Is(err, fs.ErrNotExist); c.made {
			return nil
		}
		return err
	}
	if c.made = c.isMade(); c.made {
		return nil // its temporary file goes with those of all others
	}
	if c.Action == Create {
		return c.create()
	}
	if err := os.Rename(c.temporary, c.target); err != nil {
		return err
	}
	c.temporary = ""
	return nil
}

// create gives a new file its name, unless somebody has taken it in the meantime.
func (c *change) create() error {
	err := os.Link(c.temporary, c.target)
	switch {
	case err == nil:
		if err := os.Remove(c.temporary); err != nil {
			return err
		}
		c.temporary = ""
		return nil
	case errors.Is(err, fs.ErrExist):
		if c.made = c.isMade(); c.made {
			return nil
		}
		return fmt.Errorf("writing %s: %w", c.Path, fs.ErrExist)
	}
	// The file system has no links.
	f, err := os.OpenFile(c.target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	if err := errors.Join(f.Close(), os.Rename(c.temporary, c.target)); err != nil {
		return errors.Join(err, os.Remove(c.target))
	}
	c.temporary = ""
	return nil
}

// rollBack puts back what was there before the changes that were made.
func (w *writer) rollBack() error {
	var errs []error
	for _, c := range slices.Backward(w.done) {
		errs = append(errs, c.rollBack())
	}
	return errors.Join(errs...)
}

func (c *change) rollBack() error {
	if c.info == nil {
		return os.Remove(c.target)
	}
	back := &change{Step: Step{Path: c.Path, Action: Append}, content: c.old, target: c.target, info: c.info}
	if err := back.writeTemporary(); err != nil {
		return err
	}
	if err := os.Chtimes(back.temporary, c.info.ModTime(), c.info.ModTime()); err != nil {
		return err
	}
	return os.Rename(back.temporary, c.target)
}

// dropTemporaries removes what is not in place.
func (w *writer) dropTemporaries() {
	for _, c := range w.changes {
		if c.temporary != "" {
			os.Remove(c.temporary) // if it cannot be removed, the next run will try again
		}
	}
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
