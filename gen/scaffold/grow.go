package scaffold

import (
	"go/ast"
	"go/token"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Growth is what the user's files lack, or have too much of, since the declaration has changed.
type Growth struct {
	// Missing has an entry for each type that lacks methods. They can be added without touching what is there.
	Missing []Missing

	// Findings are what only the user can fix: methods with another signature than the declaration asks for, methods for what is
	// not declared any more, methods that only tests have, and names that generated code has as well.
	Findings diagnostic.Errors
}

// Missing is what one type of the user's lacks.
type Missing struct {
	Type    string   // as the user has named it
	Pos     spec.Pos // of its declaration
	Methods []string

	// Stubs stand for the methods until they are written: they compile, and fail when they are called. They go to the end
	// of File, which has the imports that they need; a File that is New does not exist, and Stubs are all of it.
	Stubs []byte
	File  string // its path
	New   bool
}

// Diagnostic says what is missing.
func (m *Missing) Diagnostic() diagnostic.Diagnostic {
	var list diagnostic.List
	where, write, stubs := "the end of "+m.File, "it", "a stub"
	if m.New {
		where = "a new file " + m.File
	}
	if len(m.Methods) > 1 {
		write, stubs = "them", "stubs"
	}
	return *list.Report(m.Pos, diagnostic.MissingMethods,
		`%s lacks %s that the declaration asks for; write %s, or let "ironflow-gen generate -stubs" add %s to %s`,
		m.Type, counted("method", m.Methods, "and"), write, stubs, where)
}

// Names lists the methods with their type: "Decider.Pay and Decider.Close".
func (m *Missing) Names() string {
	var list []string
	for _, name := range m.Methods {
		list = append(list, m.Type+"."+name)
	}
	return diagnostic.Listing(list, "and")
}

// grower collects the growth of a package.
type grower struct {
	*Package
	growth Growth
	list   diagnostic.List
}

// Grow compares the user's types with what the generated code asks of them. It says nothing of a type that may have methods
// which no file shows, nor of one that only tests see.
func (p *Package) Grow() (*Growth, error) {
	g := &grower{Package: p}
	for _, r := range roles {
		for _, name := range p.players(r) {
			if err := g.compare(r, name); err != nil {
				return nil, err
			}
		}
	}
	g.unneededHandler()
	g.takenNames()
	g.growth.Findings = g.list.Sorted()
	return &g.growth, nil
}

// players returns the types that play a role: those of which the code says so by "var _ InputDecider = Mine{}", and the one
// with the name that the skeleton gives it.
func (p *Package) players(r role) []string {
	var names []string
	add := func(name string) {
		if len(p.types[name]) > 0 && !p.types[name][0].file.test && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(r.name)
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR || f.test {
				continue
			}
			for _, s := range gen.Specs {
				v := s.(*ast.ValueSpec)
				if id, ok := v.Type.(*ast.Ident); ok && id.Name == r.iface && v.Names[0].Name == "_" && len(v.Values) == 1 {
					add(typeOfValue(v.Values[0]))
				}
			}
		}
	}
	return names
}

// typeOfValue returns the named type of Mine{}, &Mine{}, new(Mine), (*Mine)(nil) or Mine(0).
func typeOfValue(expr ast.Expr) string {
	switch e := ast.Unparen(expr).(type) {
	case *ast.UnaryExpr:
		return typeOfValue(e.X)
	case *ast.CompositeLit:
		name, _ := baseType(e.Type)
		return name
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "new" && len(e.Args) == 1 {
			name, _ := baseType(e.Args[0])
			return name
		}
		name, _ := baseType(e.Fun)
		return name
	}
	return ""
}

// compare looks for what a type lacks of its role, and for what does not fit it.
func (g *grower) compare(r role, name string) error {
	asked := g.contract.ifaces[r.iface]
	if len(asked) == 0 {
		return nil
	}
	var missing []*ast.Field
	for _, want := range asked {
		wanted := want.Names[0].Name
		have, known := g.findMethod(name, wanted)
		inBuild := slices.DeleteFunc(slices.Clone(have), func(m *method) bool { return m.file.test })
		switch {
		case known == unknown:
		case known == absent:
			missing = append(missing, want)
		case len(have) > 0 && len(inBuild) == 0:
			g.list.Report(g.pos(have[0].Name), diagnostic.MissingMethods,
				"%s.%s is in a test file, so the package itself lacks the method; move it to a file that is no test", name, wanted)
		}
		for _, m := range inBuild {
			if !g.fits(m, want.Type.(*ast.FuncType)) {
				g.changed(m, want)
			}
		}
	}
	g.leftovers(r, name, missing)
	if len(missing) == 0 {
		return nil
	}
	return g.missing(r, name, missing)
}
