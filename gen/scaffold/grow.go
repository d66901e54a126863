package scaffold

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Growth is what the user's files lack, or have too much of, since the declaration has changed.
type Growth struct {
	// Missing has an entry for each type that lacks methods. They can be added without touching what is there.
	Missing []Missing

	// Findings are what only the user can mend: methods with another signature than the declaration asks for, methods for
	// what is not declared any more, and names that generated code has as well.
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

// compare looks for what a type lacks of its role, and what it has too much.
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
	left := g.leftovers(r, name)
	for _, m := range left {
		fix := fmt.Sprintf("delete %s", g.extent(m))
		if len(left) == 1 && len(missing) == 1 {
			fix += fmt.Sprintf(", or make it the method %s, which is missing, if the %s was renamed", missing[0].Names[0].Name, r.noun)
		}
		g.list.Report(g.pos(m.Name), diagnostic.LeftoverMethod, "the declaration has no %s %s any more; %s", r.noun, m.Name.Name, fix)
	}
	if len(missing) == 0 {
		return nil
	}
	return g.missing(r, name, missing)
}

// changed reports a method with another signature than is asked for.
func (g *grower) changed(m *method, want *ast.Field) {
	signature := want.Type.(*ast.FuncType)
	names := parameterNames(m.Type.Params)
	if len(names) != len(expand(signature.Params)) {
		names = nil // nobody can tell which of them is which
	}
	text := g.signatureText(signature, func(path string) string {
		if name, ok := m.file.nameOf(path); ok {
			return name
		}
		return defaultName(path)
	}, names)
	owner, _ := baseType(m.Recv.List[0].Type)
	g.list.Report(g.pos(m.Name), diagnostic.ChangedSignature,
		"%s.%s does not have the signature that the declaration asks for; change it to %s", owner, m.Name.Name,
		fmt.Sprintf("func (%s) %s%s", g.sourceText(m.file, m.Recv.List[0]), m.Name.Name, text))
}

// sourceText returns what the user has written, in one line.
func (p *Package) sourceText(f *file, n ast.Node) string {
	start, end := p.set.PositionFor(n.Pos(), false).Offset, p.set.PositionFor(n.End(), false).Offset
	return strings.Join(strings.Fields(string(f.Content[start:end])), " ")
}

// extent says where a method is, with its comment.
func (p *Package) extent(m *method) string {
	first := m.Pos()
	if m.Doc != nil {
		first = m.Doc.Pos()
	}
	from, to := p.set.PositionFor(first, false).Line, p.set.PositionFor(m.End(), false).Line
	if from == to {
		return fmt.Sprintf("the method in line %d", from)
	}
	return fmt.Sprintf("the method in lines %d to %d", from, to)
}

// leftovers returns the methods of a type that are for something which is not declared any more: they have the form of the
// role's, and mention types that nothing declares.
func (g *grower) leftovers(r role, name string) []*method {
	var list []*method
	visited := make(map[string]bool)
	for level := []string{name}; len(level) > 0; {
		t := level[0]
		level = level[1:]
		if visited[t] {
			continue
		}
		visited[t] = true
		for _, decls := range g.methods[t] {
			for _, m := range decls {
				if !m.file.test && !g.contract.has(r.iface, m.Name.Name) && g.isLeftover(r, m) {
					list = append(list, m)
				}
			}
		}
		for _, decl := range g.types[t] {
			level = append(level, g.embedded(decl).types...)
		}
	}
	slices.SortFunc(list, func(a, b *method) int { return cmp.Compare(a.Pos(), b.Pos()) })
	return list
}

func (g *grower) isLeftover(r role, m *method) bool {
	if m.file.dot || !m.Name.IsExported() {
		return false
	}
	name := m.Name.Name
	params, results := expand(m.Type.Params), expand(m.Type.Results)
	is := func(list []ast.Expr, i int, text string) bool {
		id, ok := ast.Unparen(list[i]).(*ast.Ident)
		return ok && id.Name == text
	}
	gone := func(name string) bool {
		_, generated := g.generated[name]
		return !generated && len(g.names[name]) == 0
	}
	switch r.name {
	case deciderType:
		decision := spec.NamesOfInput(name).Decision
		return len(params) == 3 && len(results) == 1 && is(params, 2, name) && is(results, 0, decision) && gone(decision)
	case evolverType:
		return len(params) == 2 && len(results) == 1 && is(params, 1, name) && gone(name)
	}
	result := spec.ResultName(name)
	return len(params) == 3 && is(params, 1, name) &&
		(gone(name) || len(results) == 2 && is(results, 0, result) && gone(result))
}

// unneededHandler reports a handler although the declaration has no effects any more. Another type of that name does not
// mention what handlers are about.
func (g *grower) unneededHandler() {
	if len(g.contract.ifaces["EffectHandler"]) > 0 {
		return
	}
	decls := g.types[handlerType]
	if len(decls) == 0 || decls[0].file.test {
		return
	}
	for _, f := range g.files {
		for n := range ast.Preorder(f.syntax) {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "EffectHandler" || id.Name == "EffectCall") {
				g.list.Report(g.pos(decls[0].Name), diagnostic.LeftoverMethod,
					"the declaration has no effects for a handler any more, and NewWorkflow takes none; delete %s", handlerType)
				return
			}
		}
	}
}
