package scaffold

import (
	"cmp"
	"fmt"
	"go/ast"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// fits reports whether a method of the user's has the signature that the contract asks for, as far as the text tells: the numbers of
// parameters and results, and parameters whose types are declared in this package.
func (g *grower) fits(m *method, want *ast.FuncType) bool {
	mine, asked := expand(m.Type.Params), expand(want.Params)
	if len(mine) != len(asked) || len(expand(m.Type.Results)) != len(expand(want.Results)) {
		return false
	}
	for i := range mine {
		a, sure := g.typeHere(mine[i])
		b, alsoSure := g.typeHere(asked[i])
		if sure && alsoSure && a != b {
			return false
		}
	}
	return true
}

// typeHere returns the text of a type that this package declares, or of a pointer to it. It is not sure of an alias, nor of a name that
// is from elsewhere.
func (g *grower) typeHere(expr ast.Expr) (text string, sure bool) {
	name, pointer := baseType(expr)
	if pointer {
		text = "*"
	}
	decls := g.types[name]
	_, generated := g.generated[name]
	return text + name, generated || len(decls) > 0 && !decls[0].Assign.IsValid()
}

// changed reports a method with another signature than is asked for. Its parameters keep their names.
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
	start, end := g.set.PositionFor(m.Recv.List[0].Pos(), false).Offset, g.set.PositionFor(m.Recv.List[0].End(), false).Offset
	g.list.Report(g.pos(m.Name), diagnostic.ChangedSignature,
		"%s.%s does not have the signature that the declaration asks for; change it to func (%s) %s%s",
		owner, m.Name.Name, strings.Join(strings.Fields(string(m.file.Content[start:end])), " "), m.Name.Name, text)
}

// leftovers reports the methods of a type that are for something which is not declared any more: they have the form of the role's, and
// mention types that nothing declares. If one is left over and one is missing, it may be the same under another name.
func (g *grower) leftovers(r role, name string, missing []*ast.Field) {
	var left []*method
	for _, decls := range g.methods[name] {
		for _, m := range decls {
			if !m.file.test && !g.contract.has(r.iface, m.Name.Name) && g.isLeftover(r, m) {
				left = append(left, m)
			}
		}
	}
	slices.SortFunc(left, func(a, b *method) int { return cmp.Compare(a.Pos(), b.Pos()) })
	for _, m := range left {
		fix := "delete " + g.extent(m)
		if len(left) == 1 && len(missing) == 1 {
			fix += fmt.Sprintf(", or make it the method %s, which is missing, if the %s was renamed", missing[0].Names[0].Name, r.noun)
		}
		g.list.Report(g.pos(m.Name), diagnostic.LeftoverMethod, "the declaration has no %s %s any more; %s", r.noun, m.Name.Name, fix)
	}
}

func (g *grower) isLeftover(r role, m *method) bool {
	if slices.ContainsFunc(m.file.syntax.Imports, func(i *ast.ImportSpec) bool { return i.Name != nil && i.Name.Name == "." }) {
		return false
	}
	name := m.Name.Name
	is := func(list []ast.Expr, i int, text string) bool {
		if i >= len(list) {
			return false
		}
		id, ok := ast.Unparen(list[i]).(*ast.Ident)
		_, generated := g.generated[text]
		return ok && id.Name == text && !generated && len(g.names[text]) == 0
	}
	params, results := expand(m.Type.Params), expand(m.Type.Results)
	switch r.name {
	case deciderType:
		return len(params) == 3 && len(results) == 1 && is(results, 0, spec.NamesOfInput(name).Decision)
	case evolverType:
		return len(params) == 2 && len(results) == 1 && is(params, 1, name)
	}
	return len(params) == 3 && (is(params, 1, name) || len(results) == 2 && is(results, 0, spec.ResultName(name)))
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

// unneededHandler reports a handler although the declaration has no effects any more. Another type of that name does not mention what
// handlers are about.
func (g *grower) unneededHandler() {
	decls := g.types[handlerType]
	if len(g.contract.ifaces["EffectHandler"]) > 0 || len(decls) == 0 || decls[0].file.test {
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
