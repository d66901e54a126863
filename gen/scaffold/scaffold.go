// Package scaffold writes the files of a workflow that belong to the user: the decider, the evolver and the handler that
// the generated code calls, and a test of them.
//
// They are written once. What is written compiles. A method that only the user can write fails when it is called, and shows an
// example in which fields of the same name and type are copied. Its test passes where the declaration alone decides, and fails
// until the methods are written.
//
// From then on they belong to the user. [Package.Grow] says what they lack once the declaration has changed, with stubs that
// can be put behind what is there; nothing that stands in a file is ever written again.
package scaffold

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"slices"
	"strings"
	"text/template"

	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/templates"
)

// The names of the skeleton's files.
const (
	deciderFile  = "decider.go"
	handlerFile  = "handler.go"
	upcasterFile = "upcaster.go"
	testFile     = "decider_test.go"
)

// The names of the skeleton's types.
const (
	deciderType  = "Decider"
	evolverType  = "Evolver"
	handlerType  = "Handler"
	upcasterType = "Upcaster"
)

// File is one file of the skeleton.
type File struct {
	Name    string // without directory
	Content []byte // nil when the file is not to be written
	Reason  string // why it is not
}

// Skeleton renders the files that the package lacks. For a workflow of another service there is nothing to write.
func (p *Package) Skeleton() ([]File, error) {
	if p.w.External {
		return nil, nil
	}
	decider, err := p.decider()
	if err != nil {
		return nil, err
	}
	files := []File{decider}
	complete := decider.Content != nil && p.lacks(deciderType) && p.lacks(evolverType)
	if len(p.contract.ifaces["EffectHandler"]) > 0 {
		handler, err := p.handler()
		if err != nil {
			return nil, err
		}
		files = append(files, handler)
		complete = complete && handler.Content != nil
	}
	if methods := p.contract.ifaces["VersionUpcaster"]; len(methods) > 0 {
		upcaster, err := p.upcaster(methods)
		if err != nil {
			return nil, err
		}
		files = append(files, upcaster)
	}
	test, err := p.test(complete)
	if err != nil {
		return nil, err
	}
	return append(files, test), nil
}

func (p *Package) decider() (File, error) {
	if f, kept := p.keep(deciderFile, deciderType, evolverType); kept {
		return f, nil
	}
	v := deciderView{
		Package: p.w.Package.Text, Decider: p.lacks(deciderType), Evolver: p.lacks(evolverType),
		State: capture.User(p.w.StateType), Terminal: !p.w.HasStates(),
	}
	for _, in := range p.w.Inputs {
		v.Inputs = append(v.Inputs, inputViewOf(p.w, in))
	}
	for _, e := range p.w.Events {
		v.Events = append(v.Events, eventViewOf(p.w, e))
	}
	return p.render(deciderFile, v)
}

func (p *Package) handler() (File, error) {
	if f, kept := p.keep(handlerFile, handlerType); kept {
		return f, nil
	}
	v := handlerView{Package: p.w.Package.Text}
	for _, e := range p.w.Handled() {
		v.Effects = append(v.Effects, effectViewOf(p.w, e))
	}
	return p.render(handlerFile, v)
}

func (p *Package) upcaster(methods []*ast.Field) (File, error) {
	if f, kept := p.keep(upcasterFile, upcasterType); kept {
		return f, nil
	}
	v := upcasterView{Package: p.w.Package.Text}
	for _, m := range methods {
		v.Methods = append(v.Methods, upcasterMethod{m.Names[0].Name, m.Type.(*ast.FuncType).Results.List[0].Type.(*ast.Ident).Name})
	}
	return p.render(upcasterFile, v)
}

// upcasterView is what upcaster.go.tmpl shows.
type upcasterView struct {
	Package string
	Methods []upcasterMethod
}

// upcasterMethod makes To of an older version of an event.
type upcasterMethod struct{ From, To string }

// test renders the test, which is right only for the bodies of a complete skeleton.
func (p *Package) test(complete bool) (File, error) {
	if f, kept := p.keep(testFile); kept {
		return f, nil
	}
	if !complete {
		return File{Name: testFile, Reason: "it belongs to a new " + deciderFile}, nil
	}
	v := testViewOf(p.w)
	for _, name := range v.names() {
		if file, taken := p.fileOf(name); taken {
			return File{Name: testFile, Reason: fmt.Sprintf("%s declares %s", file, name)}, nil
		}
		if file, imported := p.importerOf(name); imported {
			return File{Name: testFile, Reason: fmt.Sprintf("%s imports a package as %s", file, name)}, nil
		}
	}
	return p.render(testFile, v)
}

// lacks reports whether the user has no type for a role: none of the name that the skeleton gives it, and none with another.
func (p *Package) lacks(name string) bool {
	_, declared := p.fileOf(name)
	return !declared && p.stand(name) == ""
}

// stand returns the type that the user has for a role under another name than that of the skeleton, "" when there is none.
func (p *Package) stand(name string) string {
	i := slices.IndexFunc(roles, func(r role) bool { return r.name == name })
	if players := p.players(roles[i]); len(players) > 0 && players[0] != name {
		return players[0]
	}
	return ""
}

// keep reports whether the user has the file, or all of its types elsewhere, or a package of the name of one. The file returned says so.
func (p *Package) keep(name string, types ...string) (File, bool) {
	f := File{Name: name}
	if p.hasFile(name) {
		f.Reason = "it exists"
		return f, true
	}
	for _, t := range types {
		if file, imported := p.importerOf(t); imported {
			f.Reason = fmt.Sprintf("%s imports a package as %s", file, t)
			return f, true
		}
	}
	if len(types) == 0 || slices.ContainsFunc(types, p.lacks) {
		return f, false
	}
	mine := types[0]
	if other := p.stand(mine); other != "" {
		mine = other
	}
	file, _ := p.fileOf(mine)
	f.Reason = fmt.Sprintf("%s declares %s", file, mine)
	return f, true
}

// render executes a template of the skeleton. Its imports have no names that the package declares.
func (p *Package) render(name string, data any) (File, error) {
	content, err := Render(templates.Skeleton, name, data)
	if err == nil {
		content, err = capture.Avoid(content, p.Declares)
	}
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
