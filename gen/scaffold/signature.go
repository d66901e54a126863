package scaffold

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

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

// signatureText writes a signature of the contract for a file that sees packages under the names that qualify returns. names are those
// that parameters have already.
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
