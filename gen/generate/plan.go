// Package generate is what ironflow-gen does between its flags and its output: it finds declarations, checks all of them,
// works out in memory what is to be written, and only then writes it.
//
// What stands in a file of the user's is never changed; only when asked, stubs are put behind it. Generated files are those
// whose head says that ironflow-gen wrote them; all others are the user's.
package generate

import (
	"errors"
	"runtime"
	"strconv"
	"sync"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
)

// Action says what becomes of a file.
type Action int

// The actions.
const (
	Unchanged Action = iota + 1 // it is generated, and up to date
	Write                       // it is generated
	Create                      // it will be the user's
	Append                      // it is the user's, and gets stubs at its end
	Keep                        // it is the user's
	Remove                      // it was generated, and is not any more
	Empty                       // the same, but it has to stay for now; see Options
	Ignore                      // it is a Go file of the user's that says nothing
)

// String is the action as a word of a program.
func (a Action) String() string {
	switch a {
	case Unchanged:
		return "unchanged"
	case Write:
		return "write"
	case Create:
		return "create"
	case Append:
		return "append"
	case Keep:
		return "keep"
	case Remove:
		return "remove"
	case Empty:
		return "empty"
	case Ignore:
		return "ignore"
	}
	return "Action(" + strconv.Itoa(int(a)) + ")"
}

// Step is what becomes of one file.
type Step struct {
	Path    string
	Action  Action
	Content []byte // of Write, Create, Append and Empty: the whole file
	Note    string // why a file is kept, emptied or ignored, or what is appended

	was []byte // what the user's file is now; nil when the content does not depend on that
}

// Changes reports whether carrying out the step changes a file.
func (s Step) Changes() bool {
	switch s.Action {
	case Write, Create, Append, Remove, Empty:
		return true
	}
	return false
}

// Plan is everything that a run does, in the order of the declarations.
type Plan struct {
	Steps []Step

	// Findings are what the user has to mend in files of theirs; see [scaffold.Growth]. They keep nothing from being written,
	// but the package does not compile before. Warnings are among them.
	Findings diagnostic.Errors

	// Missing has the methods that are among the findings because no stubs are written, with the stubs that would be.
	Missing []scaffold.Missing
}

// Options are about the way ironflow-gen is run.
type Options struct {
	// UnderGoGenerate says that "go generate" runs it. That command lists the files of all packages before it reads the
	// first, and fails when one is gone in the meantime; so a generated file that is not needed any more is emptied then,
	// and removed by the next run without it.
	UnderGoGenerate bool

	// Stubs says that stubs of missing methods are put at the end of the user's files.
	Stubs bool

	// LeaveLock says that the lock is obeyed and not written, because somebody is still typing: what is added for a moment would be
	// locked for good.
	LeaveLock bool
}

// New reads the declarations that the paths name and plans their generation. When any of them has a mistake there is no
// plan, and the error is a [diagnostic.Errors] with the mistakes of all of them.
func New(paths []string, options Options) (*Plan, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages, err := loadAll(found.files, options)
	errs := []error{err}
	inParallel(len(packages), func(i int) { packages[i].planUnlessFailed() })
	for _, dir := range found.abandoned {
		packages = append(packages, abandoned(dir, options))
	}

	plan := &Plan{}
	for _, p := range packages {
		plan.Steps = append(plan.Steps, p.steps...)
		plan.Findings = append(plan.Findings, p.findings...)
		plan.Missing = append(plan.Missing, p.missing...)
		errs = append(errs, p.err)
	}
	errs = append(errs, checkTargets(packages))
	if mistakes, failures := diagnostic.Split(errors.Join(errs...)); len(mistakes) > 0 {
		return nil, errors.Join(append([]error{mistakes}, failures...)...)
	} else if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	plan.Findings.Sort()
	return plan, nil
}

// planUnlessFailed plans a package whose declaration could be read.
func (p *pkg) planUnlessFailed() {
	if p.err == nil {
		p.err = p.plan()
	}
}

// abandoned plans a directory that has generated files, but no declaration any more.
func abandoned(dir string, options Options) pkg {
	p := pkg{dir: dir, options: options}
	if p.err = p.read(); p.err == nil {
		p.planOrphans()
	}
	return p
}

// inParallel calls f for 0 to n-1 on all processors.
func inParallel(n int, f func(i int)) {
	var work sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		work.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	work.Wait()
}
