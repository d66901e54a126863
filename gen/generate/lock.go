package generate

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// lock is the lock of a declaration as it is.
type lock struct {
	path    string
	content []byte        // nil when there is no such file
	set     *contract.Set // nil when there is no such file
}

// lockOf reads the lock beside a declaration. A directory has one declaration and one lock, which keeps its name when the declaration gets
// another. A new lock has the name of the declaration's file or, for Go types, of the workflow.
func lockOf(w *spec.Workflow) (lock, error) {
	dir := filepath.Dir(w.File)
	name := w.Name.Text
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(filepath.Base(w.File), suffix); ok {
			name = base
		}
	}
	l := lock{path: filepath.Join(dir, name+contract.Suffix)}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, err
	}
	var found []string
	var list diagnostic.List
	notFile := func(path, why string) {
		list.Report(spec.Pos{File: path, Line: 1, Col: 1}, diagnostic.LockNotFile,
			"the lock cannot be read: %s; move what has its name, and restore the lock from version control", why)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !strings.HasSuffix(e.Name(), contract.Suffix):
		case isFile(dir, e):
			found = append(found, path)
		default:
			notFile(path, "it is not a file")
		}
	}
	if err := list.Err(); err != nil {
		return l, err
	}
	if len(found) > 1 {
		list.Report(spec.Pos{File: found[1], Line: 1, Col: 1}, diagnostic.LockTwice, "the directory has another lock, %s; keep the one that the declaration was deployed with, and delete the other", found[0])
		return l, list.Err()
	}
	if len(found) == 0 {
		return l, nil
	}
	l.path = found[0]
	if l.content, err = os.ReadFile(l.path); err != nil {
		notFile(l.path, err.Error())
		return l, list.Err()
	}
	l.set, err = contract.Parse(l.path, l.content, w.Name.Stored())
	return l, err
}

// checkLock refuses what the lock does not allow. What it does allow is added to the lock by planLock.
func (p *pkg) checkLock() error {
	var err error
	p.contract = contract.Of(p.w) // before the lock adds to the declaration
	if p.lock, err = lockOf(p.w); err != nil {
		return err
	}
	if p.lock.set == nil {
		return contract.Complete(p.w, nil)
	}
	findings := contract.Compare(p.lock.set, p.contract.With(p.lock.set))
	if list := contract.Diagnostics(findings, p.w.Allowed, false); len(list) > 0 {
		return list
	}
	return contract.Complete(p.w, p.lock.set)
}

// planLock plans to write the lock with what the declaration adds.
func (p *pkg) planLock() {
	step := Step{Path: p.lock.path, Action: Write, Content: p.contract.Extend(p.lock.set).Format()}
	if p.options.LeaveLock && p.lock.set == nil {
		return
	}
	if p.options.LeaveLock || p.lock.content != nil && sameText(p.lock.content, step.Content) {
		step = Step{Path: step.Path, Action: Unchanged}
	}
	p.steps = append(p.steps, step)
}
