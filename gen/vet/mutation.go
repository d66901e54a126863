package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var mutationAnalyzer = newAnalyzer("mutation", diagnostic.VetMutation, runMutation)

func runMutation(s *subject) {
	for _, r := range s.workflows.roots {
		if r.role != decider || r.decl == nil || r.decl.Body == nil {
			continue
		}
		m := mutationFinder{subject: s, root: r, given: make(map[types.Object]bool)}
		m.find()
	}
}

type mutationFinder struct {
	*subject
	root  *root
	given map[types.Object]bool // the parameters, and variables that share memory with them
}

func (m *mutationFinder) find() {
	for i := 1; i <= 2; i++ {
		if p := m.root.parameter(i); p != nil {
			m.given[p] = true
		}
	}
	m.addAliases()
	eachWrite(m.TypesInfo, m.root.decl.Body, func(w write) {
		if m.isGiven(w.target) && (w.inside || persists(m.TypesInfo, w.target)) {
			m.found(w.target)
		}
	})
	ast.Inspect(m.root.decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if e := m.changedBy(call); e != nil && m.isGiven(e) {
			m.found(e)
		}
		return true
	})
}

func (m *mutationFinder) found(e ast.Expr) {
	m.report(e, nil, "the decider %s changes %s in place, which the engine goes on using; change a clone, made by slices.Clone or maps.Clone",
		m.root.name(), types.ExprString(e))
}

// isGiven reports whether an expression leads into memory that the decider was given.
func (m *mutationFinder) isGiven(e ast.Expr) bool {
	v := rootObject(m.TypesInfo, e)
	return v != nil && m.given[v]
}

// addAliases adds the variables that are set once, from what is given.
func (m *mutationFinder) addAliases() {
	info := m.TypesInfo
	assigned := make(map[types.Object]int)
	var pairs [][2]ast.Expr // variable, value
	ast.Inspect(m.root.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok {
					assigned[info.ObjectOf(id)]++
					if len(n.Lhs) == len(n.Rhs) {
						pairs = append(pairs, [2]ast.Expr{id, n.Rhs[i]})
					} else {
						pairs = append(pairs, [2]ast.Expr{id, n.Rhs[0]}) // v, ok := m[k]
					}
				}
			}
		case *ast.RangeStmt:
			if id, ok := n.Value.(*ast.Ident); ok {
				assigned[info.ObjectOf(id)]++
				pairs = append(pairs, [2]ast.Expr{id, n.X})
			}
		}
		return true
	})
	for changed := true; changed; {
		changed = false
		for _, pair := range pairs {
			obj := info.ObjectOf(pair[0].(*ast.Ident))
			if obj == nil || m.given[obj] || assigned[obj] != 1 {
				continue
			}
			if m.isGiven(addressed(pair[1])) {
				m.given[obj], changed = true, true
			}
		}
	}
	for obj, n := range assigned { // a parameter that is set anew is the decider's own from then on
		if n > 0 && m.given[obj] && isParameter(m.root.fn, obj) {
			delete(m.given, obj)
		}
	}
}

// addressed is x in &x, and any other expression itself.
func addressed(e ast.Expr) ast.Expr {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
		return u.X
	}
	return e
}

func isParameter(fn *types.Func, obj types.Object) bool {
	for p := range fn.Signature().Params().Variables() {
		if p == obj {
			return true
		}
	}
	return false
}

// changedBy returns the argument that a function of the standard library changes in place, or nil.
func (m *mutationFinder) changedBy(call *ast.CallExpr) ast.Expr {
	fn := callee(m.TypesInfo, call)
	if fn == nil {
		if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && id.Name == "append" && len(call.Args) > 1 {
			if _, shortened := ast.Unparen(call.Args[0]).(*ast.SliceExpr); shortened {
				return call.Args[0] // writes over what is behind the end
			}
		}
		return nil
	}
	if fn.Pkg() == nil {
		return nil
	}
	changes := false
	switch fn.Pkg().Path() {
	case "sort":
		changes = !strings.HasPrefix(fn.Name(), "Search") && !strings.HasSuffix(fn.Name(), "AreSorted") &&
			!strings.HasSuffix(fn.Name(), "IsSorted") && fn.Name() != "Find"
	case "slices":
		switch fn.Name() {
		case "Sort", "SortFunc", "SortStableFunc", "Reverse", "Delete", "DeleteFunc", "Compact", "CompactFunc", "Insert", "Replace":
			changes = true
		}
	case "maps":
		switch fn.Name() {
		case "Copy", "DeleteFunc", "Insert":
			changes = true
		}
	}
	if !changes {
		return nil
	}
	arg := ast.Unparen(call.Args[0])
	if conversion, ok := arg.(*ast.CallExpr); ok && len(conversion.Args) == 1 { // sort.Sort(byName(items))
		if m.TypesInfo.Types[conversion.Fun].IsType() {
			return conversion.Args[0]
		}
	}
	return arg
}
