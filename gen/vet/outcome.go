package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var outcomeAnalyzer = newAnalyzer("outcome", diagnostic.VetOutcome, runOutcome)

func runOutcome(s *subject) {
	root := s.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for cur := range root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if s.skipped(call.Pos()) {
			continue
		}
		result := outcomeResult(s.TypesInfo.TypeOf(call))
		if result < 0 {
			continue
		}
		name := types.ExprString(call.Fun)
		switch left := assignedTo(cur, result); {
		case left == nil:
			if k, _ := cur.ParentEdge(); k == edge.ExprStmt_X || k == edge.GoStmt_Call || k == edge.DeferStmt_Call {
				s.report(call, nil, "the outcome of %s is not looked at, so a rejection goes unnoticed; ask it Accepted or Rejected", name)
			}
		case isBlank(left):
			s.report(left, nil, "the outcome of %s is not looked at, so a rejection goes unnoticed; ask it Accepted or Rejected", name)
		default:
			if v := s.localVariable(left); v != nil && !s.inspects(cur, v) {
				s.report(left, nil, "nothing asks the outcome of %s whether the input was rejected; ask it Accepted or Rejected", name)
			}
		}
	}
}

// outcomeResult returns which of a call's results is an outcome, or -1.
func outcomeResult(t types.Type) int {
	if tuple, ok := t.(*types.Tuple); ok {
		return slices.IndexFunc(slices.Collect(tuple.Variables()), func(v *types.Var) bool { return isModel(v.Type(), "Outcome") })
	}
	if t != nil && isModel(t, "Outcome") {
		return 0
	}
	return -1
}

// assignedTo returns what a call's result of that number is assigned to, or nil.
func assignedTo(call inspector.Cursor, result int) ast.Expr {
	switch parent := call.Parent().Node().(type) {
	case *ast.AssignStmt:
		if len(parent.Rhs) == 1 && result < len(parent.Lhs) {
			return parent.Lhs[result]
		}
	case *ast.ValueSpec:
		if len(parent.Values) == 1 && result < len(parent.Names) {
			return parent.Names[result]
		}
	}
	return nil
}

// localVariable returns the variable that an expression is, when it belongs to a function and is none of its results.
func (s *subject) localVariable(e ast.Expr) *types.Var {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := s.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok || isPackageVar(v) || v.Kind() != types.LocalVar {
		return nil
	}
	return v
}

// inspects reports whether something is done with a variable that may find a rejection. The version alone does not tell, and
// neither does an assignment to it.
func (s *subject) inspects(call inspector.Cursor, v *types.Var) bool {
	function := call
	for c := range call.Enclosing((*ast.FuncDecl)(nil)) {
		function = c
	}
	for cur := range function.Preorder((*ast.Ident)(nil)) {
		if s.TypesInfo.Uses[cur.Node().(*ast.Ident)] != v {
			continue
		}
		switch k, _ := cur.ParentEdge(); k {
		case edge.AssignStmt_Lhs:
			if cur.Parent().Node().(*ast.AssignStmt).Tok != token.ASSIGN {
				return true
			}
		case edge.AssignStmt_Rhs:
			if assign := cur.Parent().Node().(*ast.AssignStmt); !slices.ContainsFunc(assign.Lhs, isBlank) {
				return true
			}
		case edge.SelectorExpr_X:
			if cur.Parent().Node().(*ast.SelectorExpr).Sel.Name != "Version" {
				return true
			}
		default:
			return true
		}
	}
	return false
}
