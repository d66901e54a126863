package scaffold

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// Source is a Go file of the user's.
type Source struct {
	Name    string // without directory
	Content []byte
}

// declarations says what the user's files declare.
type declarations struct {
	names   map[string]string        // functions and types to the file that declares them
	types   map[string]*ast.TypeSpec //
	methods map[string]*methods      // by the name of their type
	broken  string                   // a file that does not parse; empty when all do
	effects bool                     // some file is about effects
}

// methods are those of one type.
type methods struct {
	names    map[string]bool
	receiver string // as in the last of them: "h *Handler"
}

func (p *pkg) declarations() *declarations {
	if p.declared == nil {
		p.declared = scan(p.w.Package.Text, p.sources)
	}
	return p.declared
}

// scan notes the top-level functions and types of one package. A file that does not parse still tells what it declares
// up to its first mistake.
func scan(name string, sources []Source) *declarations {
	d := &declarations{
		names: make(map[string]string), types: make(map[string]*ast.TypeSpec), methods: make(map[string]*methods),
	}
	for _, s := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), s.Name, s.Content, parser.SkipObjectResolution)
		if err != nil && !isBlank(s.Content) {
			d.broken = s.Name
		}
		if file == nil || file.Name == nil || file.Name.Name != name {
			continue
		}
		for _, decl := range file.Decls {
			d.add(decl, s.Name)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			d.effects = d.effects || ok && (id.Name == "EffectHandler" || id.Name == "EffectCall")
			return true
		})
	}
	return d
}

func (d *declarations) add(decl ast.Decl, file string) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			d.names[decl.Name.Name] = file
		} else if len(decl.Recv.List) == 1 {
			d.addMethod(decl.Recv.List[0], decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				d.names[t.Name.Name], d.types[t.Name.Name] = file, t
			}
		}
	}
}

func (d *declarations) addMethod(receiver *ast.Field, name string) {
	typeName, pointer := baseType(receiver.Type)
	if typeName == "" {
		return
	}
	m := d.methods[typeName]
	if m == nil {
		m = &methods{names: make(map[string]bool)}
		d.methods[typeName] = m
	}
	m.names[name] = true
	m.receiver = typeName
	if pointer {
		m.receiver = "*" + typeName
	}
	if len(receiver.Names) == 1 && receiver.Names[0].Name != "_" {
		m.receiver = receiver.Names[0].Name + " " + m.receiver
	}
}

// isBlank reports whether a file has nothing in it but comments.
func isBlank(source []byte) bool {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(source)), source, nil, 0)
	_, tok, _ := s.Scan()
	return tok == token.EOF
}

// baseType returns the name of a type or of what it points to, "" for one that has no name in this package.
func baseType(expr ast.Expr) (name string, pointer bool) {
	expr = ast.Unparen(expr)
	if star, ok := expr.(*ast.StarExpr); ok {
		name, _ = baseType(star.X)
		return name, true
	}
	switch t := expr.(type) {
	case *ast.Ident:
		return t.Name, false
	case *ast.IndexExpr: // with a type parameter
		return baseType(t.X)
	case *ast.IndexListExpr:
		return baseType(t.X)
	}
	return "", false
}

// missing reports whether no file of the user's declares the name.
func (p *pkg) missing(name string) bool {
	_, ok := p.declarations().names[name]
	return !ok
}

// keep reports whether the user has the file, or all of its types elsewhere. The file returned says so.
func (p *pkg) keep(name string, types ...string) (File, bool) {
	f := File{Name: name}
	for _, s := range p.sources {
		if s.Name == name {
			f.Reason = "it exists"
			return f, true
		}
	}
	missing := slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !p.missing(t) })
	d := p.declarations()
	switch {
	case len(types) > 0 && len(missing) == 0:
		f.Reason = fmt.Sprintf("%s declares %s", d.names[types[0]], types[0])
	case d.broken != "" && len(missing) > 0:
		f.Reason = fmt.Sprintf("%s does not parse, so it may declare %s", d.broken, strings.Join(missing, " or "))
		f.Doubt = true
	}
	return f, f.Reason != ""
}
