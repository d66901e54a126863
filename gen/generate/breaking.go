package generate

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Breaking compares the declarations that the paths name with their locks and, when against is not empty, with what they were: a
// revision of git as git:REF, a directory, or a file that is a lock or a declaration in YAML. It writes nothing. The findings are errors and
// warnings, and allowed ones are left out. The error is what kept the comparison from being made: mistakes in declarations or locks, or that
// there is no such revision.
func Breaking(paths []string, against string) (diagnostic.Errors, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages, err := loadAll(found.files, Options{})
	errs := []error{err}
	inParallel(len(packages), func(i int) {
		if p := &packages[i]; p.err == nil {
			p.lock, p.err = lockOf(p.w)
		}
	})
	for _, p := range packages {
		errs = append(errs, p.err)
	}
	if mistakes, failures := diagnostic.Split(errors.Join(errs...)); len(mistakes)+len(failures) > 0 {
		return nil, errors.Join(append([]error{mistakes}, failures...)...)
	}
	var before map[string][]earlier // by directory
	if against != "" {
		if before, err = readEarlier(paths, packages, against); err != nil {
			return nil, noEarlier(packages, err)
		}
	}
	lists := make([]diagnostic.Errors, len(packages))
	inParallel(len(packages), func(i int) {
		p := &packages[i]
		now := contract.Of(p.w).With(p.lock.set)
		var findings []contract.Finding
		if p.lock.set != nil {
			findings = contract.Compare(p.lock.set, now)
		}
		for _, old := range earlierOf(before, p) {
			findings = append(findings, contract.Compare(old.set, now)...)
		}
		lists[i] = contract.Diagnostics(findings, p.w.Allowed, true)
	})
	list := slices.Concat(lists...)
	compared := make(map[string]bool) // workflows of before
	for i := range packages {
		for _, old := range earlierOf(before, &packages[i]) {
			compared[old.set.Workflow] = true
		}
	}
	var gone diagnostic.List
	for _, dir := range slices.Sorted(maps.Keys(before)) {
		for _, old := range before[dir] {
			if !compared[old.set.Workflow] {
				gone.Report(spec.Pos{File: shown(old.file), Line: 1, Col: 1}, diagnostic.WorkflowGone,
					"the workflow %q is gone, and its instances, effects and timers wait for ever; keep it until they have ended", old.set.Workflow)
			}
		}
	}
	list = append(list, gone.Sorted()...)
	list.Sort()
	return list, nil
}

// noEarlier reports at the first declaration why there is nothing to compare with. An error that has a position stays as it is.
func noEarlier(packages []pkg, err error) error {
	var has diagnostic.Errors
	if len(packages) == 0 || errors.As(err, &has) {
		return err
	}
	pos := packages[0].w.Name.Pos
	if pos.Line == 0 {
		pos = packages[0].w.Pos
	}
	var list diagnostic.List
	list.Report(pos, diagnostic.NoEarlier, "%s", err)
	return list.Err()
}

// shown returns a path as a user in the current directory has it.
func shown(path string) string {
	if relative, err := filepath.Rel(absolute("."), path); err == nil && !isOutside(relative) {
		return relative
	}
	return path
}

// earlier is a workflow as it was.
type earlier struct {
	file string // where it is, or would be, today
	set  *contract.Set
}

// earlierOf returns what a workflow was: all that has its stored name and, when there is none, what its directory had.
func earlierOf(before map[string][]earlier, p *pkg) []earlier {
	var list []earlier
	for _, of := range before {
		for _, old := range of {
			if old.set.Workflow == p.w.Name.Stored() {
				list = append(list, old)
			}
		}
	}
	if len(list) == 0 {
		return before[absolute(p.dir)]
	}
	return list
}

// readEarlier reads what the declarations were.
func readEarlier(paths []string, packages []pkg, against string) (map[string][]earlier, error) {
	files, err := earlierFiles(paths, packages, against)
	if err != nil {
		return nil, err
	}
	inParallel(len(files), func(i int) { files[i].read() })
	byDir := make(map[string][]oldFile)
	for _, f := range files {
		if f.err != nil {
			return nil, fmt.Errorf("what there was before: %w", f.err)
		}
		byDir[filepath.Dir(f.path)] = append(byDir[filepath.Dir(f.path)], f)
	}
	before := make(map[string][]earlier)
	var goForm []gospec.Package
	locks := make(map[string]*contract.Set)
	add := func(dir, file string, w *spec.Workflow) {
		set := contract.Of(w)
		if lock := locks[dir]; lock != nil && lock.Workflow == set.Workflow {
			set = set.Extend(lock)
			delete(locks, dir)
		}
		before[dir] = append(before[dir], earlier{file, set})
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		for _, f := range byDir[dir] {
			if f.lock != nil {
				locks[dir] = f.lock
			}
		}
		code := gospec.Package{Dir: dir}
		for _, f := range byDir[dir] {
			switch {
			case f.w != nil:
				add(dir, f.path, f.w)
			case isGo(f.path) && mayDeclare(filepath.Base(f.path)) && locks[dir] == nil: // the lock has all that Go types say
				code.Files = append(code.Files, gospec.File{Name: filepath.Base(f.path), Content: f.content})
			}
		}
		if slices.ContainsFunc(code.Files, func(f gospec.File) bool { _, _, ok := gospec.Declares(f.Content); return ok }) {
			goForm = append(goForm, code)
		}
	}
	for i, r := range gospec.Load(goForm) {
		if r.Err != nil {
			return nil, fmt.Errorf("what there was before: %w", r.Err)
		}
		add(goForm[i].Dir, r.Workflow.File, r.Workflow)
	}
	for dir, lock := range locks { // without a declaration in YAML
		if lock != nil {
			before[dir] = append(before[dir], earlier{dir, lock})
		}
	}
	return before, nil
}
