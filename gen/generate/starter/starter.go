// Package starter makes a new workflow package for "ironflow-gen init": a sample declaration, all that is generated from
// it, a program that runs it, and the module around them.
package starter

import (
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/format"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/schema"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
	"github.com/ironflow-gen/ironflow/templates"
)

// CheckName returns what is wrong with the name of a new package.
func CheckName(name string) error {
	for i, r := range name {
		if small := 'a' <= r && r <= 'z'; !small && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return fmt.Errorf("%q cannot name a Go package: write small letters and digits, like orders", name)
		}
	}
	switch {
	case name == "":
		return fmt.Errorf("the name is empty: write small letters and digits, like orders")
	case token.IsKeyword(name):
		return fmt.Errorf("%q is a keyword of Go, so it cannot name a package: choose another name", name)
	case types.Universe.Lookup(name) != nil:
		return fmt.Errorf("%q is predeclared in Go, and a package of that name would hide it: choose another name", name)
	case slices.Contains(reserved, name):
		return fmt.Errorf("%q has a meaning of its own as a package or directory of Go: choose another name", name)
	}
	return nil
}

// reserved are the names with which a directory or a package is not an ordinary one.
var reserved = []string{"main", "init", "internal", "vendor", "testdata", "documentation", "builtin"}

// data is what the templates show.
type data struct {
	Name       string
	ImportPath string
	Command    string // name of the program
	Alias      string // of the package in the program; empty when it needs none
}

// Qualifier is what the program calls the package.
func (d data) Qualifier() string {
	if d.Alias != "" {
		return d.Alias
	}
	return d.Name
}

// Modeline tells editors of the schema.
func (d data) Modeline() string { return schema.Modeline }

// Form is how the declaration of a new package is written.
type Form string

// The forms.
const (
	YAML Form = "yaml"
	Go   Form = "go" // annotated types
)

// CheckForm returns what is wrong with the name of a form.
func CheckForm(form string) error {
	if form := Form(form); form == YAML || form == Go {
		return nil
	}
	return fmt.Errorf("the form %q is not known: write %s or %s", form, YAML, Go)
}

// Package is a new package that is planned.
type Package struct {
	Plan        *generate.Plan
	Declaration string // its file, below the module's directory
	Program     string // the argument of "go run" there
}

// New plans the package dir/name, and a program that runs it. importPath is that of dir. When files are in the way, the
// error is a [*Conflict] with all of them.
func New(dir, name, importPath string, form Form) (*Package, error) {
	d := data{Name: name, ImportPath: path.Join(importPath, name), Command: path.Base(importPath)}
	pkg := &Package{Plan: &generate.Plan{}, Program: "."}
	main := filepath.Join(dir, "main.go")
	if len(goFiles(dir)) > 0 {
		main = filepath.Join(dir, "cmd", name, "main.go")
		d.Command, pkg.Program = name, "./"+path.Join("cmd", name)
	}
	p := planner{data: d, dir: filepath.Join(dir, name), plan: pkg.Plan}
	declare := p.declareYAML
	if form == Go {
		declare = p.declareGo
	}
	w, err := declare()
	if err != nil {
		return nil, err
	}
	pkg.Declaration = path.Join(name, filepath.Base(w.File))
	if err := p.addPackage(w); err != nil {
		return nil, err
	}
	if err := p.addProgram(main); err != nil {
		return nil, err
	}
	if err := p.checkFree(filepath.Dir(main)); err != nil {
		return nil, err
	}
	return pkg, nil
}

type planner struct {
	data data
	dir  string // of the package
	plan *generate.Plan
}

func (p *planner) add(file string, content []byte) {
	p.plan.Steps = append(p.plan.Steps, generate.Step{Path: file, Action: generate.Create, Content: content})
}

// addTemplate adds a file of the sample as it is.
func (p *planner) addTemplate(name string) error {
	content, err := scaffold.Render(templates.Init, name, p.data)
	if err == nil {
		p.add(filepath.Join(p.dir, name), content)
	}
	return err
}

// declareYAML adds the declaration as a file in YAML, and a Go file that says how it is generated.
func (p *planner) declareYAML() (*spec.Workflow, error) {
	declaration, err := scaffold.Render(templates.Init, "workflow.ironflow.yaml", p.data)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(p.dir, p.data.Name+".ironflow.yaml")
	if declaration, err = format.Source(file, declaration); err != nil {
		return nil, err
	}
	p.add(file, declaration)
	if err := p.addTemplate("generate.go"); err != nil {
		return nil, err
	}
	return yamlspec.Parse(file, declaration)
}

// declareGo adds the declaration as Go types. They import nothing, so that they can be read before there is a module.
func (p *planner) declareGo() (*spec.Workflow, error) {
	const name = "workflow.go"
	if err := p.addTemplate(name); err != nil {
		return nil, err
	}
	content := p.plan.Steps[len(p.plan.Steps)-1].Content
	result := gospec.Load([]gospec.Package{{
		Dir: p.dir, Path: p.data.ImportPath, Files: []gospec.File{{Name: name, Content: content}},
	}})[0]
	return result.Workflow, result.Err
}

// addPackage adds what belongs to a declaration.
func (p *planner) addPackage(w *spec.Workflow) error {
	for _, name := range []string{"decider.go", "handler.go", "decider_test.go"} {
		if err := p.addTemplate(name); err != nil {
			return err
		}
	}
	var own []scaffold.Source
	for _, step := range p.plan.Steps {
		if filepath.Ext(step.Path) == ".go" {
			own = append(own, scaffold.Source{Path: step.Path, Content: step.Content})
		}
	}
	w.Evolver = generate.Evolver(w, p.dir, own)
	generated, err := emit.Files(w)
	if err != nil {
		return err
	}
	for _, f := range generated {
		p.add(filepath.Join(p.dir, f.Name), f.Content)
	}
	return nil
}

// addProgram adds the program. It imports the package under another name where its own would hide something, or be hidden.
func (p *planner) addProgram(file string) error {
	d := p.data
	d.Alias = "workflow"
	content, err := scaffold.Render(templates.Init, "main.go", d)
	if err != nil {
		return err
	}
	if !slices.Contains(identifiers(content), d.Name) {
		d.Alias = ""
		if content, err = scaffold.Render(templates.Init, "main.go", d); err != nil {
			return err
		}
	}
	p.add(file, content)
	return nil
}

// identifiers lists the identifiers of a Go file.
func identifiers(source []byte) []string {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(source)), source, nil, 0)
	var list []string
	for {
		_, tok, text := s.Scan()
		switch tok {
		case token.IDENT:
			list = append(list, text)
		case token.EOF:
			return list
		}
	}
}

// Conflict says which files are in the way of a new package.
type Conflict struct {
	Files []string
}

func (c *Conflict) Error() string {
	return "nothing was written, because these files are in the way:\n  " + strings.Join(c.Files, "\n  ")
}

// checkFree looks for files that would be overwritten, or would become part of the new packages.
func (p *planner) checkFree(program string) error {
	files := slices.Concat(goFiles(p.dir), declarations(p.dir), goFiles(program))
	for _, step := range p.plan.Steps {
		if _, err := os.Lstat(step.Path); err == nil {
			files = append(files, step.Path)
		}
	}
	if len(files) == 0 {
		return nil
	}
	slices.Sort(files)
	return &Conflict{Files: slices.Compact(files)}
}

func goFiles(dir string) []string { return glob(dir, "*.go") }

func declarations(dir string) []string {
	return append(glob(dir, "*.ironflow.yaml"), glob(dir, "*.ironflow.yml")...)
}

// glob lists the files of a directory whose names match.
func glob(dir, pattern string) []string {
	entries, _ := os.ReadDir(dir) // one that is missing has no files
	var files []string
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); ok && !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files
}
