package vet

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// This file is about memory that outlives a decision: package variables and what a decider's fields hold.

// eachWrite calls f with each expression below n that is assigned to, or that a builtin function changes.
func eachWrite(info *types.Info, n ast.Node, f func(target ast.Expr)) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				f(left)
			}
		case *ast.IncDecStmt:
			f(n.X)
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && len(n.Args) > 0 && isChanger(info, id) {
				f(n.Args[0])
			}
		}
		return true
	})
}

// isChanger reports whether an identifier is a builtin function that changes its first argument in place.
func isChanger(info *types.Info, id *ast.Ident) bool {
	b, ok := info.Uses[id].(*types.Builtin)
	return ok && slices.Contains([]string{"clear", "copy", "delete"}, b.Name())
}

// runsOnce reports whether a function is one of package sync that calls another one once.
func runsOnce(fn *types.Func) bool {
	return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "sync" &&
		(receiverName(fn) == "Once" || strings.HasPrefix(fn.Name(), "Once"))
}

// write looks at an expression that is assigned to, or whose elements are changed.
func (w *walker) write(target ast.Expr, inside bool) {
	if target == nil || w.once {
		return
	}
	switch v := rootObject(w.pass.TypesInfo, target); {
	case isPackageVar(v):
		w.cause(touchesGlobals, target, "writes the package variable "+qualified(nil, v))
	case v != nil && v == w.receiver && (inside || persists(w.pass.TypesInfo, target)):
		w.cause(changesReceiver, target, "changes "+types.ExprString(target)+", which outlives the decision")
	}
}

// persists reports whether an assignment to an expression changes memory that its variable only refers to: the variable, or
// something on the way to the expression, is a pointer, a map or a slice.
func persists(info *types.Info, e ast.Expr) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if is[*types.Pointer](info.TypeOf(x.X)) {
				return true
			}
			e = x.X
		case *ast.IndexExpr:
			if _, isArray := info.TypeOf(x.X).Underlying().(*types.Array); !isArray {
				return true
			}
			e = x.X
		case *ast.StarExpr:
			return true
		default:
			return false
		}
	}
}
