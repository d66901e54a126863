package generate

import (
	"bytes"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/fold"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// pkg is the Go package that one declaration is generated into.
type pkg struct {
	file    string         // the declaration
	w       *spec.Workflow // nil in a directory without one
	dir     string
	options Options

	declarations []string          // names of the declarations in the directory, of whose Go files one is enough
	generated    map[string][]byte // files that ironflow-gen wrote, by name
	own          []scaffold.Source // files of the user's
	links        map[string]string // generated files that are links, by name, to what they link to
	lock         lock
	contract     *contract.Set // of the declaration alone

	steps    []Step
	findings diagnostic.Errors
	missing  []scaffold.Missing
	err      error
}

// plan works out the steps of the package.
func (p *pkg) plan() error {
	if p.w.External {
		return p.planExternal()
	}
	code, err := scaffold.ReadOwn(p.w, p.own)
	if err != nil {
		return errors.Join(err, p.checkAlone(), p.checkPackageName())
	}
	if err := p.checkLock(); err != nil {
		return errors.Join(err, p.checkAlone(), p.checkPackageName())
	}
	p.w.Histories = p.hasHistories(code)
	files, err := emit.FilesBeside(p.w, code.Declares)
	if err != nil {
		return err
	}
	var generated []scaffold.Source
	for _, f := range files {
		generated = append(generated, scaffold.Source{Path: p.path(f.Name), Content: f.Content})
	}
	if err := errors.Join(code.AddGenerated(generated), p.checkAlone(), p.checkPackageName(), p.checkNames(files), p.checkDirectives()); err != nil {
		return err
	}
	before := len(p.steps)
	if err := p.planSkeleton(code); err != nil {
		return err
	}
	if err := p.planStubs(code); err != nil {
		return err
	}
	users := slices.Clone(p.steps[before:])
	p.steps = p.steps[:before]
	if p.w.Evolver = Evolver(p.w, p.dir, p.ownAfter(users)); p.w.Evolver != "" {
		if files, err = emit.FilesBeside(p.w, code.Declares); err != nil {
			return err
		}
	}
	p.planGenerated(files)
	p.planLock()
	p.steps = append(p.steps, users...)
	p.findings = append(p.findings, spec.PlainCopies(p.w)...)
	return nil
}

// planExternal works out the steps of the package of a workflow that another service has. There is nothing for the user to write, and no lock:
// nothing of the workflow is stored here.
func (p *pkg) planExternal() error {
	files, err := emit.Files(p.w)
	if err != nil {
		return err
	}
	if err := errors.Join(p.checkAlone(), p.checkPackageName(), p.checkNames(files), p.checkDirectives()); err != nil {
		return err
	}
	p.planGenerated(files)
	return nil
}

// hasHistories reports whether the package has golden histories and the types that replay them.
func (p *pkg) hasHistories(code *scaffold.Package) bool {
	found, err := filepath.Glob(filepath.Join(escaped(p.dir), "testdata", "*.history.jsonl"))
	return err == nil && len(found) > 0 && code.Declares("Decider") && code.Declares("Evolver") &&
		(len(p.w.Handled()) == 0 || code.Declares("Handler"))
}

// escaped returns a path as a pattern that only it matches.
func escaped(path string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(path)
}

// ownAfter returns the user's files as they are once the steps are carried out.
func (p *pkg) ownAfter(steps []Step) []scaffold.Source {
	files := slices.Clone(p.own)
	for _, step := range steps {
		if !step.Changes() {
			continue
		}
		files = slices.DeleteFunc(files, func(s scaffold.Source) bool { return s.Path == step.Path })
		files = append(files, scaffold.Source{Path: step.Path, Content: step.Content})
	}
	return files
}

// Evolver returns the fingerprint of the code that folds a workflow's events, in the user's files of the workflow's package and
// in the packages of the same module that these import. dir is that of the package.
func Evolver(w *spec.Workflow, dir string, own []scaffold.Source) string {
	p := fold.Package{IsGenerated: isGenerated}
	if p.ModuleDir = gospec.ModuleDir(dir); p.ModuleDir != "" {
		p.ModulePath = gospec.ImportPath(p.ModuleDir)
	}
	for _, s := range own {
		p.Files = append(p.Files, fold.File{Name: s.Name(), Content: s.Content})
	}
	return fold.Fingerprint(w, p)
}

// read reads the Go files of the directory, and finds the declarations there.
func (p *pkg) read() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	p.generated, p.links = make(map[string][]byte), make(map[string]string)
	for _, e := range entries {
		name := e.Name()
		if isDeclaration(name) && isFile(p.dir, e) {
			p.declarations = append(p.declarations, name)
		}
		if !isGo(name) || !isFile(p.dir, e) || name[0] == '.' || name[0] == '_' {
			continue
		}
		content, err := os.ReadFile(p.path(name))
		switch {
		case errors.Is(err, fs.ErrNotExist) && e.Type()&fs.ModeSymlink == 0:
			continue // it was there a moment ago
		case err != nil && !errors.Is(err, fs.ErrNotExist): // a dangling link is a name that is taken
			return err
		}
		if mayDeclare(name) && !slices.ContainsFunc(p.declarations, isGo) {
			if _, _, ok := gospec.Declares(content); ok {
				p.declarations = append(p.declarations, name)
			}
		}
		if !isGenerated(content) {
			p.own = append(p.own, scaffold.Source{Path: p.path(name), Content: content})
			continue
		}
		p.generated[name] = content
		if e.Type()&fs.ModeSymlink != 0 {
			if p.links[name], err = filepath.EvalSymlinks(p.path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pkg) path(name string) string { return filepath.Join(p.dir, name) }

// checkAlone refuses a second declaration in the directory, whether it is to be generated now or not.
func (p *pkg) checkAlone() error {
	if len(p.declarations) < 2 {
		return nil
	}
	var list diagnostic.List
	places := make([]spec.Pos, len(p.declarations))
	for i, name := range p.declarations {
		places[i] = p.w.Name.Pos
		if p.w.Form == spec.Go {
			places[i] = p.w.Pos
		}
		if name != filepath.Base(p.file) {
			places[i] = placeOf(p.path(name))
		}
	}
	for i, pos := range places {
		for j, other := range p.declarations {
			if i != j {
				list.Report(pos, diagnostic.SharedDirectory,
					"%s is in the same directory, and two workflows cannot share a Go package; move one of them", other).
					Relate(places[j], "the other one")
			}
		}
	}
	return list.Err()
}

// placeOf returns the place of a workflow's name in its declaration, or of the beginning when that has mistakes.
func placeOf(file string) spec.Pos {
	if content, err := os.ReadFile(file); err == nil {
		if line, col, ok := gospec.Declares(content); ok {
			return spec.Pos{File: file, Line: line, Col: col}
		}
		if w, err := yamlspec.Parse(file, content); err == nil {
			return w.Name.Pos
		}
	}
	return spec.Pos{File: file, Line: 1, Col: 1}
}

// checkPackageName compares the declared package with that of the user's files. The generated ones follow the
// declaration.
func (p *pkg) checkPackageName() error {
	var list diagnostic.List
	for _, s := range p.own {
		if scaffold.IsBlank(s.Content) {
			p.steps = append(p.steps, Step{Path: s.Path, Action: Ignore, Note: "it has no package clause"})
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, s.Path, s.Content, parser.PackageClauseOnly)
		if err != nil || scaffold.IsPassedOver(s) {
			continue // scaffold.Read has told what is to be told
		}
		name := file.Name.Name
		if strings.HasSuffix(s.Name(), "_test.go") {
			name = strings.TrimSuffix(name, "_test")
		}
		if name == p.w.Package.Text {
			continue
		}
		at := set.PositionFor(file.Name.Pos(), false)
		list.Report(p.w.Package.Pos, diagnostic.PackageMismatch,
			"the package is %q here and %q in %s; a directory holds one package, so change one of them",
			p.w.Package.Text, file.Name.Name, s.Name()).
			Relate(spec.Pos{File: s.Path, Line: at.Line, Col: at.Column}, "the other one")
		break
	}
	return list.Err()
}

// checkDirectives refuses directives in files that are no part of the declaration.
func (p *pkg) checkDirectives() error {
	if len(p.declarations) > 1 {
		return nil // it is told already
	}
	var list diagnostic.List
	for _, s := range p.own {
		isTest := strings.HasSuffix(s.Name(), "_test.go")
		if !isTest && p.w.Form == spec.Go {
			continue
		}
		line, col, ok := gospec.HasDirectives(s.Content)
		switch pos := (spec.Pos{File: s.Path, Line: line, Col: col}); {
		case !ok:
		case p.w.Form == spec.YAML:
			list.Report(pos, diagnostic.MisplacedDirective, "this directive says nothing here: the workflow of this package is declared in %s; delete it", filepath.Base(p.file))
		default:
			list.Report(pos, diagnostic.MisplacedDirective, "this directive says nothing in a test, which is no part of the package; move it to a file that is no test")
		}
	}
	return list.Err()
}

// checkNames refuses to overwrite what ironflow-gen did not write.
func (p *pkg) checkNames(files []emit.File) error {
	var taken diagnostic.List
	for _, s := range p.own {
		for _, f := range files {
			if s.Name() == f.Name {
				taken.Report(spec.Pos{File: s.Path, Line: 1, Col: 1}, diagnostic.FileTaken,
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
	p.planOrphans()
}

// planOrphans removes generated files that are not needed any more, and tells of those that may be somebody's.
func (p *pkg) planOrphans() {
	var list diagnostic.List
	for _, name := range sortedNames(p.generated) {
		switch {
		case p.isOrphan(name, p.generated[name]):
			p.steps = append(p.steps, p.removal(name))
		case p.w != nil:
			doubt := fmt.Sprintf("but not that it comes from %s, or from a declaration that is gone", filepath.Base(p.w.File))
			switch {
			case !hasGeneratedName(name):
				doubt = "but its name does not end in " + generatedSuffixes[0]
			case p.links[name] != "":
				doubt = "but it is a link, to " + p.links[name]
			}
			list.Report(spec.Pos{File: p.path(name), Line: 1, Col: 1}, diagnostic.ForeignFile,
				"the head says that ironflow-gen wrote this file, %s; delete the file if nothing needs it, or its head if it is yours", doubt)
		}
	}
	p.findings = append(p.findings, list.Sorted()...)
}

// removal is the step for a generated file that is not needed any more.
func (p *pkg) removal(name string) Step {
	step := Step{Path: p.path(name), Action: Remove}
	if source, _ := sourceOf(p.generated[name]); p.w == nil || source != filepath.Base(p.w.File) {
		step.Note = "its declaration " + source + " is gone"
	}
	if !p.options.UnderGoGenerate {
		return step
	}
	step.Note = `it is not needed any more, but "go generate" may have yet to read it; "go tool ironflow-gen" removes it`
	step.Action, step.Content = Empty, emptied(p.generated[name])
	if sameText(p.generated[name], step.Content) {
		step.Action, step.Content = Unchanged, nil
	}
	return step
}

// emptied is what is left of a generated file that cannot be removed yet: all down to its package clause.
func emptied(content []byte) []byte {
	var head []byte
	for line := range bytes.Lines(unixLines(content)) {
		head = append(head, line...)
		if bytes.HasPrefix(line, []byte("package ")) {
			break
		}
	}
	return head
}

func (p *pkg) planSkeleton(code *scaffold.Package) error {
	files, err := code.Skeleton()
	if err != nil {
		return err
	}
	for _, f := range files {
		step := Step{Path: p.path(f.Name), Action: Create, Content: f.Content}
		if f.Content == nil {
			step.Action, step.Note = Keep, f.Reason
		}
		p.steps = append(p.steps, step)
	}
	return nil
}

// planStubs says what the user's own files lack or have too much of, and adds stubs of what they lack when asked to.
func (p *pkg) planStubs(code *scaffold.Package) error {
	growth, err := code.Grow()
	if err != nil {
		return err
	}
	p.findings = append(p.findings, growth.Findings...)
	for _, m := range growth.Missing {
		if !p.options.Stubs {
			p.missing = append(p.missing, m)
			p.findings = append(p.findings, m.Diagnostic())
			continue
		}
		if err := p.addStubs(&m); err != nil {
			return err
		}
	}
	return nil
}

// addStubs plans to add the stubs of one type. A file may get those of several.
func (p *pkg) addStubs(m *scaffold.Missing) error {
	note := "a stub of " + m.Names()
	if len(m.Methods) > 1 {
		note = "stubs of " + m.Names()
	}
	i := slices.IndexFunc(p.steps, func(s Step) bool { return s.Path == m.File && (s.Action == Append || s.Action == Create) })
	if i < 0 {
		step := Step{Path: m.File, Action: Create, Note: note}
		for _, s := range p.own {
			if s.Path == m.File {
				step.Action, step.Content, step.was = Append, s.Content, s.Content
			}
		}
		p.steps = append(p.steps, step)
		i = len(p.steps) - 1
	} else {
		p.steps[i].Note += ", " + note
	}
	step := &p.steps[i]
	step.Content = m.AppendTo(step.Content)
	if !bytes.HasPrefix(step.Content, step.was) {
		return fmt.Errorf("%s: what stands in the file would not be kept; this is a mistake of ironflow-gen", m.File)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), m.File, step.Content, parser.SkipObjectResolution); err != nil {
		return fmt.Errorf("the stubs for %s do not parse there; this is a mistake of ironflow-gen: %w", m.Type, err)
	}
	return nil
}

// checkTargets refuses to generate two packages into one file, which is possible through links.
func checkTargets(packages []pkg) error {
	type origin struct {
		p    *pkg
		name string
	}
	var list diagnostic.List
	first := make(map[string]origin)
	for i := range packages {
		p := &packages[i]
		for _, name := range slices.Sorted(maps.Keys(p.links)) {
			target := p.links[name]
			other, taken := first[target]
			if !taken {
				first[target] = origin{p, name}
				continue
			}
			for _, pair := range [][2]origin{{{p, name}, other}, {other, {p, name}}} {
				mine, theirs := pair[0], pair[1]
				if mine.p.w != nil && theirs.p.w != nil {
					list.Report(mine.p.w.Name.Pos, diagnostic.FileTaken, "%s is the same file as %s, which is generated from another declaration; replace one of the links",
						mine.p.path(mine.name), theirs.p.path(theirs.name)).Relate(theirs.p.w.Name.Pos, "the other one")
				}
			}
		}
	}
	return list.Err()
}
