package scaffold

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// scope resolves the names in a type expression: those of the user's files, or of the generated one.
type scope struct {
	p          *Package
	imports    map[string]string
	dot        bool
	parameters map[string]bool // type parameters
}

func (p *Package) contractScope() scope { return scope{p: p, imports: p.contract.imports} }

func (p *Package) scopeOf(m *method) scope {
	s := scope{p: p, imports: m.file.imports, dot: m.file.dot, parameters: make(map[string]bool)}
	for _, name := range typeArguments(m.Recv.List[0].Type) {
		s.parameters[name] = true
	}
	return s
}

// typeArguments returns the names between the brackets of a receiver.
func typeArguments(expr ast.Expr) []string {
	expr = ast.Unparen(expr)
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = ast.Unparen(star.X)
	}
	var arguments []ast.Expr
	switch t := expr.(type) {
	case *ast.IndexExpr:
		arguments = []ast.Expr{t.Index}
	case *ast.IndexListExpr:
		arguments = t.Indices
	}
	var names []string
	for _, a := range arguments {
		if id, ok := a.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
	}
	return names
}

// canonical writes a type so that it can be compared with one of another file: packages by their paths, aliases of this
// package resolved. It is not certain where another package may have a second name for a type.
func (s scope) canonical(expr ast.Expr) (text string, certain bool) {
	return s.canonicalType(expr, len(s.p.types))
}

func (s scope) canonicalType(expr ast.Expr, aliases int) (text string, certain bool) {
	switch t := ast.Unparen(expr).(type) {
	case *ast.Ident:
		if decls := s.p.types[t.Name]; len(decls) > 0 && decls[0].Assign.IsValid() && aliases > 0 {
			inner := scope{p: s.p, imports: decls[0].file.imports, dot: decls[0].file.dot}
			return inner.canonicalType(decls[0].Type, aliases-1)
		}
		return t.Name, !s.parameters[t.Name] && !s.dot
	case *ast.SelectorExpr:
		if id, ok := t.X.(*ast.Ident); ok {
			return s.imports[id.Name] + "." + t.Sel.Name, false
		}
	case *ast.StarExpr:
		text, certain = s.canonicalType(t.X, aliases)
		return "*" + text, certain
	case *ast.ArrayType:
		if t.Len == nil {
			text, certain = s.canonicalType(t.Elt, aliases)
			return "[]" + text, certain
		}
	}
	return types.ExprString(expr), false
}

// sameType compares two types of different scopes. It says that they are the same unless it is sure that they are not.
func (s scope) sameType(expr ast.Expr, other scope, otherExpr ast.Expr) bool {
	a, sureA := s.canonical(expr)
	b, sureB := other.canonical(otherExpr)
	switch {
	case a == b:
		return true
	case sureA && sureB:
		return false
	case sureA: // b is foreign, or what a type parameter stands for
		return s.p.isGeneratedAlias(a)
	case sureB:
		return s.p.isGeneratedAlias(b)
	}
	return packageOf(a) != packageOf(b)
}

// isGeneratedAlias reports whether a type is a name that the generated code gives to another, as it does for decisions.
func (p *Package) isGeneratedAlias(text string) bool {
	return p.generated[strings.TrimLeft(text, "*[]")].alias
}

// packageOf returns the path of the package that a canonical type is of.
func packageOf(text string) string {
	if strings.HasSuffix(text, "]") { // instantiated: its own name and the arguments are told apart by nobody
		return text
	}
	return text[:strings.LastIndexByte(text, '.')+1]
}

// expand returns the types of a field list, one for each parameter.
func expand(list *ast.FieldList) []ast.Expr {
	var all []ast.Expr
	if list == nil {
		return nil
	}
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			all = append(all, f.Type)
		}
	}
	return all
}

// fits reports whether a method of the user's has the signature that the contract asks for, as far as can be seen.
func (p *Package) fits(m *method, want *ast.FuncType) bool {
	mine, theirs := p.scopeOf(m), p.contractScope()
	for _, pair := range [][2]*ast.FieldList{{m.Type.Params, want.Params}, {m.Type.Results, want.Results}} {
		got, asked := expand(pair[0]), expand(pair[1])
		if len(got) != len(asked) {
			return false
		}
		for i := range got {
			if !mine.sameType(got[i], theirs, asked[i]) {
				return false
			}
		}
	}
	return true
}

// needs lists the packages that a signature of the contract mentions.
func (p *Package) needs(signatures []*ast.FuncType) []string {
	paths := make(map[string]bool)
	for _, f := range signatures {
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := sel.X.(*ast.Ident); ok {
					paths[p.contract.imports[id.Name]] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(paths))
}

// signatureText writes a signature of the contract for a file that sees packages under the names that qualify returns. The
// parameters keep the names that the user's method has for them.
func (p *Package) signatureText(want *ast.FuncType, qualify func(path string) string, names []string) string {
	write := func(expr ast.Expr) string { return p.qualified(expr, qualify) }
	var params, results []string
	for _, f := range want.Params.List {
		for _, name := range f.Names {
			text := name.Name
			if i := len(params); i < len(names) && names[i] != "" {
				text = names[i]
			}
			params = append(params, text+" "+write(f.Type))
		}
	}
	for _, t := range expand(want.Results) {
		results = append(results, write(t))
	}
	result := strings.Join(results, ", ")
	if len(results) > 1 {
		result = "(" + result + ")"
	}
	return fmt.Sprintf("(%s) %s", strings.Join(params, ", "), result)
}

// qualified writes a type of the contract, with the packages under other names.
func (p *Package) qualified(expr ast.Expr, qualify func(path string) string) string {
	switch t := expr.(type) {
	case *ast.SelectorExpr:
		if id, ok := t.X.(*ast.Ident); ok {
			if name := qualify(p.contract.imports[id.Name]); name != "" {
				return name + "." + t.Sel.Name
			}
			return t.Sel.Name
		}
	case *ast.StarExpr:
		return "*" + p.qualified(t.X, qualify)
	case *ast.ArrayType:
		if t.Len == nil {
			return "[]" + p.qualified(t.Elt, qualify)
		}
	case *ast.IndexExpr:
		return p.qualified(t.X, qualify) + "[" + p.qualified(t.Index, qualify) + "]"
	}
	return types.ExprString(expr)
}

// parameterNames returns the names of a method's parameters, "" for those that have none.
func parameterNames(list *ast.FieldList) []string {
	var names []string
	for _, f := range list.List {
		if len(f.Names) == 0 {
			names = append(names, "")
		}
		for _, name := range f.Names {
			names = append(names, name.Name)
		}
	}
	return names
}
