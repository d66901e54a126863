// Package generate is what ironflow-gen does between its flags and its output: it finds declarations, checks all of them,
// works out in memory what is to be written, and only then writes it.
//
// A file of the user's is never changed. Generated files are those whose head says that ironflow-gen wrote them; all
// others are the user's.
package generate

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// Action says what becomes of a file.
type Action int

// The actions.
const (
	Unchanged Action = iota + 1 // it is generated, and up to date
	Write                       // it is generated
	Create                      // it will be the user's
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
	Content []byte // of Write, Create and Empty

	// Note says why a file is kept, emptied or ignored. Doubt marks one that the user should look at.
	Note  string
	Doubt bool
}

// Plan is everything that a run does, in the order of the declarations.
type Plan struct {
	Steps  []Step
	Advice []Advice
}

// Advice is what the user should do to files of theirs after the declaration has changed.
type Advice struct {
	Text string // a sentence
	Code string // what it is about, if that is Go
}

// Options are about the way ironflow-gen is run.
type Options struct {
	// UnderGoGenerate says that "go generate" runs it. That command lists the files of all packages before it reads the
	// first, and fails when one is gone in the meantime; so a generated file that is not needed any more is emptied then,
	// and removed by the next run without it.
	UnderGoGenerate bool
}

// New reads the declarations that the paths name and plans their generation. When any of them has a mistake there is no
// plan, and the error is a [diagnostic.Errors] with the mistakes of all of them.
func New(paths []string, options Options) (*Plan, error) {
	files, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages := make([]pkg, len(files))
	inParallel(len(files), func(i int) { packages[i] = load(files[i], options) })
	together := validateTogether(packages)
	inParallel(len(files), func(i int) { packages[i].planUnlessFailed() })

	plan := &Plan{}
	mistakes := together
	var failures []error
	for _, p := range packages {
		plan.Steps = append(plan.Steps, p.steps...)
		plan.Advice = append(plan.Advice, p.advice...)
		var some diagnostic.Errors
		switch {
		case errors.As(p.err, &some):
			mistakes = append(mistakes, some...)
		case p.err != nil:
			failures = append(failures, p.err)
		}
	}
	if len(mistakes) > 0 {
		mistakes.Sort()
		failures = append([]error{mistakes}, failures...)
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return plan, nil
}

// load reads one declaration.
func load(file string, options Options) pkg {
	content, err := os.ReadFile(file)
	if err != nil {
		return pkg{err: err}
	}
	w, err := yamlspec.Parse(file, content)
	return pkg{w: w, dir: filepath.Dir(file), options: options, err: err}
}

// validateTogether checks what the declarations that could be read say of each other.
func validateTogether(packages []pkg) diagnostic.Errors {
	var list []*spec.Workflow
	for _, p := range packages {
		if p.err == nil {
			list = append(list, p.w)
		}
	}
	var d spec.Diagnostics
	spec.ValidateTogether(list, &d)
	return d.Sorted()
}

// planUnlessFailed plans a package whose declaration could be read.
func (p *pkg) planUnlessFailed() {
	if p.err == nil {
		p.err = p.plan()
	}
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
