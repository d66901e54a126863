package vet

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"

	"golang.org/x/tools/go/analysis"
)

// sortedFix lets a loop over a map go over its sorted keys. It takes a map that can be named twice and that the loop does not
// change, and keys that have an order.
func (s *subject) sortedFix(loop *ast.RangeStmt) []analysis.SuggestedFix {
	over, ok := s.TypesInfo.TypeOf(loop.X).Underlying().(*types.Map)
	if !ok || loop.Tok != token.DEFINE || !isOrdered(over.Key()) || !isPath(loop.X) || s.changesBelow(loop) {
		return nil
	}
	file := s.fileOf(loop.Pos())
	var edits []analysis.TextEdit
	for _, path := range []string{"maps", "slices"} {
		name, imports := s.importOf(file, path, loop.Pos())
		if name == "" {
			return nil
		}
		edits = append(edits, imports...)
	}
	key, value := nameOf(loop.Key), nameOf(loop.Value)
	if key == "" {
		key = "key"
		if s.declaresIn(loop, key) {
			return nil
		}
	}
	m := types.ExprString(loop.X)
	edits = append(edits, analysis.TextEdit{Pos: loop.Key.Pos(), End: loop.X.End(),
		NewText: []byte("_, " + key + " := range slices.Sorted(maps.Keys(" + m + "))")})
	if value != "" {
		if s.Fset.Position(loop.Body.List[0].Pos()).Line == s.Fset.Position(loop.Body.Lbrace).Line {
			return nil // not formatted
		}
		edits = append(edits, analysis.TextEdit{Pos: loop.Body.Lbrace + 1, End: loop.Body.Lbrace + 1,
			NewText: []byte("\n" + value + " := " + m + "[" + key + "]")})
	}
	slices.SortStableFunc(edits, func(a, b analysis.TextEdit) int { return cmp.Compare(a.Pos, b.Pos) })
	return fix("Range over the sorted keys", edits...)
}

func isOrdered(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsOrdered != 0
}

// isPath reports whether an expression is a variable or a field of one, which is the same each time it is named.
func isPath(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isPath(e.X)
	}
	return false
}

// changesBelow reports whether a loop changes the map that it is over.
func (s *subject) changesBelow(loop *ast.RangeStmt) bool {
	m := rootObject(s.TypesInfo, loop.X)
	changed := false
	eachWrite(s.TypesInfo, loop.Body, func(target ast.Expr) {
		v := rootObject(s.TypesInfo, target)
		changed = changed || v != nil && v == m && containsText(target, []string{types.ExprString(loop.X)})
	})
	return changed
}

// nameOf returns the name of a loop's variable, or "" when it has none.
func nameOf(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
		return id.Name
	}
	return ""
}

// declaresIn reports whether a name means something within a loop.
func (s *subject) declaresIn(loop *ast.RangeStmt, name string) bool {
	found := false
	ast.Inspect(loop, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}

// fileOf returns the file of a position in the package.
func (s *subject) fileOf(pos token.Pos) *ast.File {
	i := slices.IndexFunc(s.Files, func(f *ast.File) bool { return f.FileStart <= pos && pos < f.FileEnd })
	return s.Files[i]
}

// importOf returns the name of a package of the standard library at a position, which is the last part of its path, and the
// edits that import it where that is missing; "" when the name means something else there.
func (s *subject) importOf(file *ast.File, path string, pos token.Pos) (name string, edits []analysis.TextEdit) {
	scope := s.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return "", nil
	}
	if _, found := scope.LookupParent(path, pos); found != nil {
		if imported, ok := found.(*types.PkgName); ok && imported.Imported().Path() == path {
			return path, nil
		}
		return "", nil
	}
	for _, spec := range file.Imports {
		if known, err := strconv.Unquote(spec.Path.Value); err == nil && known == path {
			return "", nil // under another name
		}
	}
	// Among the imports in parentheses, behind the last one that it is to follow.
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.IMPORT || !group.Lparen.IsValid() || len(group.Specs) == 0 {
			continue
		}
		at := group.Lparen + 1
		for _, spec := range group.Specs {
			spec := spec.(*ast.ImportSpec)
			if known, err := strconv.Unquote(spec.Path.Value); err == nil && known < path && s.isFirstGroup(group, spec) {
				at = spec.End()
				if spec.Comment != nil {
					at = spec.Comment.End()
				}
			}
		}
		return path, []analysis.TextEdit{{Pos: at, End: at, NewText: []byte("\n\t" + strconv.Quote(path))}}
	}
	return path, []analysis.TextEdit{{Pos: file.Name.End(), End: file.Name.End(), NewText: []byte("\n\nimport " + strconv.Quote(path))}}
}

// isFirstGroup reports whether no empty line is between the first import of a declaration and another one.
func (s *subject) isFirstGroup(d *ast.GenDecl, spec *ast.ImportSpec) bool {
	for i, other := range d.Specs {
		if other == spec {
			return true
		}
		if s.Fset.Position(d.Specs[i+1].Pos()).Line > s.Fset.Position(other.End()).Line+1 {
			return false
		}
	}
	return false
}
