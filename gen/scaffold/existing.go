package scaffold

import (
	"fmt"
	"go/ast"
	"go/parser"
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
	names  map[string]string // functions and types to the file that declares them
	broken string            // a file that does not parse; empty when all do
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
	d := &declarations{names: make(map[string]string)}
	for _, s := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), s.Name, s.Content, parser.SkipObjectResolution)
		if err != nil {
			d.broken = s.Name
		}
		if file == nil || file.Name == nil || file.Name.Name != name {
			continue
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					d.names[decl.Name.Name] = s.Name
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok {
						d.names[t.Name.Name] = s.Name
					}
				}
			}
		}
	}
	return d
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
