package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"

	"golang.org/x/tools/go/analysis"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var idempotencyAnalyzer = newAnalyzer("idempotency", diagnostic.VetIdempotency, runIdempotency)

// keyNames are the names of parameters, fields, headers and methods that are about idempotency keys.
var keyNames = regexp.MustCompile(`(?i)idempoten(t|cy|ce)[-_ ]?(key|token|id)`)

func runIdempotency(s *subject) {
	for _, r := range s.workflows.roots {
		if r.role == handler && r.decl != nil && r.decl.Body != nil {
			k := keyFinder{subject: s, root: r, good: make(map[types.Object]bool)}
			k.find()
		}
	}
}

type keyFinder struct {
	*subject
	root *root
	good map[types.Object]bool // the call, and what is made of its key
}

func (k *keyFinder) find() {
	body := k.root.decl.Body
	if call := k.root.parameter(2); call != nil {
		k.good[call] = true
	}
	for range 3 { // variables made of variables
		ast.Inspect(body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if len(n.Lhs) == len(n.Rhs) && k.isGood(n.Rhs[i]) {
						if v := rootObject(k.TypesInfo, left); v != nil {
							k.good[v] = true
						}
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) && k.isGood(n.Values[i]) {
						k.good[k.TypesInfo.Defs[name]] = true
					}
				}
			}
			return true
		})
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			k.call(n)
		case *ast.CompositeLit:
			k.literal(n)
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i, left := range n.Lhs {
					if name, ok := k.keyPlace(left); ok {
						k.check(n.Rhs[i], name)
					}
				}
			}
		}
		return true
	})
}

// isGood reports whether a value has to do with the call's key: it is made from it, or from the call as a whole.
func (k *keyFinder) isGood(e ast.Expr) bool {
	good := false
	ast.Inspect(e, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if isModel(k.TypesInfo.TypeOf(sel.X), "EffectCall") {
				good = good || sel.Sel.Name == "IdempotencyKey"
				return false // another field of the call is no key
			}
		}
		if id, ok := n.(*ast.Ident); ok && k.good[k.TypesInfo.ObjectOf(id)] {
			good = true
		}
		return !good
	})
	return good
}

// keyPlace returns what is assigned to, if it is a field or the element of a map that is for keys.
func (k *keyFinder) keyPlace(left ast.Expr) (string, bool) {
	switch left := ast.Unparen(left).(type) {
	case *ast.SelectorExpr:
		return "the field " + left.Sel.Name, keyNames.MatchString(left.Sel.Name)
	case *ast.IndexExpr:
		name, _ := constantString(k.TypesInfo, left.Index)
		return "the key " + name, keyNames.MatchString(name)
	}
	return "", false
}

func (k *keyFinder) call(call *ast.CallExpr) {
	sig := signatureOf(k.TypesInfo, call)
	if sig == nil {
		return
	}
	for i, arg := range call.Args {
		if i < sig.Params().Len() && keyNames.MatchString(sig.Params().At(i).Name()) {
			k.check(arg, "the parameter "+sig.Params().At(i).Name())
			return
		}
	}
	// Header.Set("Idempotency-Key", v), and the like.
	if len(call.Args) >= 2 {
		if name, ok := constantString(k.TypesInfo, call.Args[0]); ok && keyNames.MatchString(name) {
			k.check(call.Args[1], "the header "+name)
			return
		}
	}
	// SetIdempotencyKey(v), WithIdempotencyKey(v).
	if fn := callee(k.TypesInfo, call); fn != nil && len(call.Args) == 1 && keyNames.MatchString(fn.Name()) {
		k.check(call.Args[0], fn.Name())
	}
}

func (k *keyFinder) literal(lit *ast.CompositeLit) {
	t := k.TypesInfo.TypeOf(lit)
	if isModel(t, "EffectCall") {
		return
	}
	hasKey := false
	for _, e := range lit.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		name := ""
		if id, ok := pair.Key.(*ast.Ident); ok && !is[*types.Map](t) {
			name = id.Name
		} else {
			name, _ = constantString(k.TypesInfo, pair.Key)
		}
		if keyNames.MatchString(name) {
			hasKey = true
			k.check(pair.Value, name)
		}
	}
	if hasKey || len(lit.Elts) == 0 {
		return
	}
	fields, ok := deref(t).Underlying().(*types.Struct)
	if !ok {
		return
	}
	for f := range fields.Fields() {
		if keyNames.MatchString(f.Name()) && f.Exported() && !k.setsLater(lit, f) {
			k.report(lit, nil, "the handler %s does not set %s of %s; give it call.IdempotencyKey, so that a repeated attempt does not act twice",
				k.root.name(), f.Name(), types.TypeString(deref(t), types.RelativeTo(k.Pkg)))
		}
	}
}

// setsLater reports whether the variable that a literal is put into is given its key afterwards: by an assignment to the
// field, or by a method that is called like it.
func (k *keyFinder) setsLater(lit *ast.CompositeLit, f *types.Var) bool {
	v := k.variableOf(lit)
	if v == nil {
		return false
	}
	found := false
	ast.Inspect(k.root.decl.Body, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && rootObject(k.TypesInfo, sel.X) == v && (k.TypesInfo.ObjectOf(sel.Sel) == f || keyNames.MatchString(sel.Sel.Name)) {
			found = true
		}
		return !found
	})
	return found
}

// variableOf returns the variable that a literal, or a pointer to it, is assigned to, or nil.
func (k *keyFinder) variableOf(lit *ast.CompositeLit) *types.Var {
	var v *types.Var
	ast.Inspect(k.root.decl.Body, func(n ast.Node) bool {
		if assign, ok := n.(*ast.AssignStmt); ok && len(assign.Lhs) == len(assign.Rhs) {
			for i, right := range assign.Rhs {
				if addressed(right) == lit {
					v = rootObject(k.TypesInfo, assign.Lhs[i])
				}
			}
		}
		return v == nil
	})
	return v
}

func (k *keyFinder) check(value ast.Expr, place string) {
	if k.isGood(value) {
		return
	}
	var fixes []analysis.SuggestedFix
	if call := k.root.parameter(2); call != nil && k.isReplaceable(value, call) {
		fixes = fix("Pass the call's key on", edit(value, call.Name()+".IdempotencyKey"))
	}
	k.report(value, fixes, "the handler %s gives %s to %s; give it call.IdempotencyKey, which is the same for each attempt and for no other effect",
		k.root.name(), types.ExprString(value), place)
}

// isReplaceable reports whether the call's key can stand in place of a value: it has the same type, the call is called so
// there, and no variable or import is left unused.
func (k *keyFinder) isReplaceable(value ast.Expr, call *types.Var) bool {
	scope := k.Pkg.Scope().Innermost(value.Pos())
	if scope == nil || !types.Identical(types.Default(k.TypesInfo.TypeOf(value)), types.Typ[types.String]) {
		return false
	}
	if _, found := scope.LookupParent(call.Name(), value.Pos()); found != call {
		return false
	}
	replaceable := true
	ast.Inspect(value, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			switch obj := k.TypesInfo.ObjectOf(id).(type) {
			case *types.PkgName:
				replaceable = false
			case *types.Var:
				replaceable = replaceable && (obj.Kind() != types.LocalVar)
			}
		}
		return replaceable
	})
	return replaceable
}

// addressed is x in &x, and any other expression itself.
func addressed(e ast.Expr) ast.Expr {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
		return u.X
	}
	return e
}
