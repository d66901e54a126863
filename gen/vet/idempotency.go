package vet

import (
	"go/ast"
	"go/types"
	"regexp"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var idempotencyAnalyzer = newAnalyzer("idempotency", diagnostic.VetIdempotency, runIdempotency)

// keyNames are the names of parameters, fields, headers and methods that are about idempotency keys.
var keyNames = regexp.MustCompile(`(?i)idempoten(t|cy|ce)[-_ ]?(key|token|id)`)

func runIdempotency(s *subject) {
	for _, r := range s.workflows.roots {
		if r.role != handler || r.decl == nil || r.decl.Body == nil {
			continue
		}
		ast.Inspect(r.decl.Body, func(n ast.Node) bool {
			given(s.TypesInfo, n, func(name string, value ast.Expr) {
				if keyNames.MatchString(name) && !s.mayBeKey(r, value) {
					s.report(value, nil, "the handler %s gives %s to %s; give it call.IdempotencyKey, which is the same for each attempt and for no other effect",
						r.name(), types.ExprString(value), name)
				}
			})
			return true
		})
	}
}

// given calls f with each value that a node gives to something with a name: a parameter, a header, a function like
// WithIdempotencyKey, a field or the key of a map.
func given(info *types.Info, n ast.Node, f func(name string, value ast.Expr)) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if sig := signatureOf(info, n); sig != nil {
			for i, arg := range n.Args[:min(len(n.Args), sig.Params().Len())] {
				f(sig.Params().At(i).Name(), arg)
			}
		}
		if fn := callee(info, n); fn != nil && len(n.Args) == 1 && keyNames.MatchString(fn.Name()) {
			f(fn.Name(), n.Args[0])
		} else if len(n.Args) == 2 {
			f(nameIn(info, n.Args[0]), n.Args[1])
		}
	case *ast.KeyValueExpr:
		f(nameIn(info, n.Key), n.Value)
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				f(nameIn(info, left), n.Rhs[i])
			}
		}
	}
}

// nameIn returns the name of a field, or of a key in a map.
func nameIn(info *types.Info, e ast.Expr) string {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := info.Uses[e].(*types.Var); ok && v.IsField() {
			return e.Name
		}
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return nameIn(info, e.Index)
	}
	name, _ := constantString(info, e)
	return name
}

// mayBeKey reports whether a value has to do with the call's key, or may have: it is made of the key, of the call as a whole, or
// of a local variable.
func (s *subject) mayBeKey(r *root, value ast.Expr) bool {
	may := false
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if isModel(s.TypesInfo.TypeOf(n.X), "EffectCall") {
				may = may || n.Sel.Name == "IdempotencyKey"
				return false // another field of the call is no key
			}
		case *ast.Ident:
			v, ok := s.TypesInfo.Uses[n].(*types.Var)
			may = may || ok && (v.Kind() == types.LocalVar || isModel(v.Type(), "EffectCall"))
		}
		return !may
	})
	return may
}
