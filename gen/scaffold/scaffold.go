// Package scaffold writes the files of a workflow that belong to the user: the decider, the evolver and the handler that
// the generated code calls, and a test of them.
//
// They are written once and never touched again. What is written compiles, passes its test, and does something sensible:
// fields of the same name and type are copied, and a TODO stands where only the user can know more.
package scaffold

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
	"text/template"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/templates"
)

// The names of the skeleton's files.
const (
	deciderFile = "decider.go"
	handlerFile = "handler.go"
	testFile    = "decider_test.go"
)

// The names of the skeleton's types.
const (
	deciderType = "Decider"
	evolverType = "Evolver"
	handlerType = "Handler"
)

// File is one file of the skeleton.
type File struct {
	Name    string // without directory
	Content []byte // nil when the file is not to be written

	// Reason says why a file is not to be written. It is in doubt when a file of the user's cannot be parsed, so that
	// nobody can tell what it declares.
	Reason string
	Doubt  bool
}

// Files renders the skeleton of a valid workflow for a package in which the user has the existing Go files.
func Files(w *spec.Workflow, existing []Source) ([]File, error) {
	p := &pkg{w: w, sources: existing}
	decider, err := p.decider()
	if err != nil {
		return nil, err
	}
	files := []File{decider}
	complete := decider.Content != nil && p.missing(deciderType) && p.missing(evolverType)
	if len(w.Handled()) > 0 {
		handler, err := p.handler()
		if err != nil {
			return nil, err
		}
		files = append(files, handler)
		complete = complete && handler.Content != nil
	}
	test, err := p.test(complete)
	if err != nil {
		return nil, err
	}
	return append(files, test), nil
}

// pkg is the package that the skeleton is for.
type pkg struct {
	w        *spec.Workflow
	sources  []Source
	declared *declarations // of sources, once somebody asked
}

func (p *pkg) decider() (File, error) {
	if f, kept := p.keep(deciderFile, deciderType, evolverType); kept {
		return f, nil
	}
	v := deciderView{
		Package: p.w.Package.Text, Decider: p.missing(deciderType), Evolver: p.missing(evolverType),
	}
	if !p.w.HasStates() {
		v.Terminal = &terminalView{evolverType, p.w.StateType}
	}
	for _, in := range p.w.Inputs {
		v.Inputs = append(v.Inputs, inputViewOf(p.w, in))
	}
	for _, e := range p.w.Events {
		v.Events = append(v.Events, eventViewOf(p.w, e))
	}
	return render(deciderFile, v)
}

func (p *pkg) handler() (File, error) {
	if f, kept := p.keep(handlerFile, handlerType); kept {
		return f, nil
	}
	v := handlerView{Package: p.w.Package.Text}
	for _, e := range p.w.Handled() {
		v.Effects = append(v.Effects, effectViewOf(p.w, e))
	}
	return render(handlerFile, v)
}

// test renders the test, which is right only for the bodies of a complete skeleton.
func (p *pkg) test(complete bool) (File, error) {
	if f, kept := p.keep(testFile); kept {
		return f, nil
	}
	if !complete {
		return File{Name: testFile, Reason: "it belongs to a new " + deciderFile}, nil
	}
	if event, f := unmade(p.w); f != nil {
		return File{Name: testFile, Reason: fmt.Sprintf("%s of %s cannot be made up here", f.GoName, event.Name.Text)}, nil
	}
	v := testViewOf(p.w)
	for _, name := range v.names() {
		if file, taken := p.declarations().names[name]; taken {
			return File{Name: testFile, Reason: fmt.Sprintf("%s declares %s", file, name)}, nil
		}
	}
	return render(testFile, v)
}

// render executes a template of the skeleton.
func render(name string, data any) (File, error) {
	content, err := Render(templates.Skeleton, name, data)
	return File{Name: name, Content: content}, err
}

// Render executes one of a set of templates, and formats the result unless it is YAML.
func Render(set *template.Template, name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".yaml") {
		return b.Bytes(), nil
	}
	content, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("formatting %s: %w", name, err)
	}
	return content, nil
}
