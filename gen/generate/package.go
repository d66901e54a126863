package generate

import (
	"bytes"
	"errors"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// pkg is the Go package that one declaration is generated into.
type pkg struct {
	w       *spec.Workflow
	dir     string
	options Options

	generated map[string][]byte // files that ironflow-gen wrote, by name
	own       []scaffold.Source // files of the user's

	steps  []Step
	advice []Advice
	err    error
}

// plan works out the steps of the package.
func (p *pkg) plan() error {
	if p.w.HTTP {
		return fmt.Errorf("%s: this version does not generate HTTP handlers yet; remove http", p.w.HTTPPos)
	}
	if err := p.read(); err != nil {
		return err
	}
	if err := errors.Join(p.checkAlone(), p.checkPackageName()); err != nil {
		return err
	}
	files, err := emit.Files(p.w)
	if err != nil {
		return err
	}
	if err := p.checkNames(files); err != nil {
		return err
	}
	p.planGenerated(files)
	if err := p.planSkeleton(); err != nil {
		return err
	}
	return p.advise()
}

// read reads the Go files of the directory.
func (p *pkg) read() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	p.generated = make(map[string][]byte)
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || e.IsDir() {
			continue
		}
		content, err := os.ReadFile(p.path(e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a dangling link is a name that is taken
			return err
		}
		if isGenerated(content) {
			p.generated[e.Name()] = content
		} else {
			p.own = append(p.own, scaffold.Source{Name: e.Name(), Content: content})
		}
	}
	return nil
}

func (p *pkg) path(name string) string { return filepath.Join(p.dir, name) }

// mistake is one mistake as an error.
func mistake(pos spec.Pos, code diagnostic.Code, format string, args ...any) error {
	var list diagnostic.List
	list.Report(pos, code, format, args...)
	return list.Err()
}

// checkAlone refuses a second declaration in the directory, whether it is to be generated now or not.
func (p *pkg) checkAlone() error {
	declarations, err := declarationsIn(p.dir)
	if err != nil {
		return err
	}
	for _, other := range declarations {
		if filepath.Base(other) != filepath.Base(p.w.File) {
			return mistake(p.w.Name.Pos, diagnostic.SharedDirectory, "%s is in the same directory, and two workflows cannot share a Go package; move one of them",
				filepath.Base(other))
		}
	}
	return nil
}

// checkPackageName compares the declared package with that of the user's files. The generated ones follow the
// declaration.
func (p *pkg) checkPackageName() error {
	for _, s := range p.own {
		declared := packageClause(s)
		if declared == "" {
			p.steps = append(p.steps, Step{Path: p.path(s.Name), Action: Ignore, Note: "it has no package clause"})
			continue
		}
		name := declared
		if strings.HasSuffix(s.Name, "_test.go") {
			name = strings.TrimSuffix(name, "_test")
		}
		if name != p.w.Package.Text && !isIgnored(s.Content) {
			return mistake(p.w.Package.Pos, diagnostic.PackageMismatch, "the package is %q here and %q in %s; a directory holds one package, so change one of them",
				p.w.Package.Text, declared, s.Name)
		}
	}
	return nil
}

// packageClause returns the package that a file belongs to, or "" when it does not say so: it is empty, or no Go.
func packageClause(s scaffold.Source) string {
	file, _ := parser.ParseFile(token.NewFileSet(), s.Name, s.Content, parser.PackageClauseOnly)
	if file == nil || file.Name == nil || file.Name.Name == "_" {
		return ""
	}
	return file.Name.Name
}

// isIgnored reports whether a file says "//go:build ignore", as scripts do that are no part of the package.
func isIgnored(content []byte) bool {
	for line := range bytes.Lines(content) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "package ") {
			return false
		}
		if !constraint.IsGoBuild(text) {
			continue
		}
		expr, err := constraint.Parse(text)
		return err == nil && !expr.Eval(func(tag string) bool { return tag != "ignore" })
	}
	return false
}

// checkNames refuses to overwrite what ironflow-gen did not write.
func (p *pkg) checkNames(files []emit.File) error {
	var taken diagnostic.List
	for _, s := range p.own {
		for _, f := range files {
			if s.Name == f.Name {
				taken.Report(spec.Pos{File: p.path(s.Name), Line: 1, Col: 1}, diagnostic.FileTaken,
					"this file would be generated, but does not say %q in its head; rename or delete it", emit.Header)
			}
		}
	}
	return taken.Err()
}

func (p *pkg) planGenerated(files []emit.File) {
	for _, f := range files {
		step := Step{Path: p.path(f.Name), Action: Write, Content: f.Content}
		if old, ok := p.generated[f.Name]; ok && sameText(old, f.Content) {
			step = Step{Path: step.Path, Action: Unchanged}
		}
		p.steps = append(p.steps, step)
		delete(p.generated, f.Name)
	}
	for _, name := range sortedNames(p.generated) {
		if p.isStale(name, p.generated[name]) {
			p.steps = append(p.steps, p.removal(name))
		}
	}
}

// removal is the step for a generated file that is not needed any more.
func (p *pkg) removal(name string) Step {
	step := Step{Path: p.path(name), Action: Remove}
	if !p.options.UnderGoGenerate {
		return step
	}
	step.Note = `it is not needed any more, but "go generate" may have yet to read it; "go tool ironflow-gen" removes it`
	step.Action, step.Content = Empty, emptied(p.w)
	if sameText(p.generated[name], step.Content) {
		step.Action, step.Content = Unchanged, nil
	}
	return step
}

// emptied is what is left of a generated file that cannot be removed yet.
func emptied(w *spec.Workflow) []byte {
	return fmt.Appendf(nil, "%s\n%s%s\n\npackage %s\n", emit.Header, emit.SourcePrefix, filepath.Base(w.File), w.Package.Text)
}

func (p *pkg) planSkeleton() error {
	files, err := scaffold.Files(p.w, p.own)
	if err != nil {
		return err
	}
	for _, f := range files {
		step := Step{Path: p.path(f.Name), Action: Create, Content: f.Content}
		if f.Content == nil {
			step.Action, step.Note, step.Doubt = Keep, f.Reason, f.Doubt
		}
		p.steps = append(p.steps, step)
	}
	return nil
}

// advise says what the user's own files lack, or have no use for any more.
func (p *pkg) advise() error {
	missing, err := scaffold.Missing(p.w, p.own)
	if err != nil {
		return err
	}
	for _, m := range missing {
		p.advice = append(p.advice, Advice{
			Text: fmt.Sprintf("%s: %s lacks %s that the declaration asks for; paste:", p.path(m.File), m.Type, m.Names),
			Code: string(m.Code),
		})
	}
	if file := scaffold.Unneeded(p.w, p.own); file != "" {
		p.advice = append(p.advice, Advice{
			Text: fmt.Sprintf("%s: the declaration has no effects for a handler any more, so Handler can go; NewWorkflow takes none", p.path(file)),
		})
	}
	return nil
}
