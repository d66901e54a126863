package vet

import (
	"go/ast"
	"go/types"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var unfinishedAnalyzer = newAnalyzer("unfinished", diagnostic.VetUnfinished, runUnfinished)

func runUnfinished(s *subject) {
	s.nodes([]ast.Node{(*ast.CallExpr)(nil)}, func(n ast.Node) {
		call := n.(*ast.CallExpr)
		if !s.isUnfinished([]ast.Expr{call}) {
			return
		}
		what := "a method"
		if len(call.Args) > 0 {
			if name, ok := constantString(s.TypesInfo, call.Args[0]); ok {
				what = name
			}
		}
		s.report(call, nil, "%s is not written yet; write it in place of the stub", what)
	})
}

// isUnfinished reports whether the arguments are a call that returns a *runtime.Unfinished, which is what a stub fails with.
func (s *subject) isUnfinished(args []ast.Expr) bool {
	if len(args) != 1 {
		return false
	}
	call, ok := ast.Unparen(args[0]).(*ast.CallExpr)
	if !ok {
		return false
	}
	p, ok := types.Unalias(s.TypesInfo.TypeOf(call)).(*types.Pointer)
	return ok && isModel(p.Elem(), "Unfinished")
}
