package vet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var variantAnalyzer = newAnalyzer("variant", diagnostic.VetVariant, runVariant)

func runVariant(s *subject) {
	if len(s.workflows.all) == 0 {
		return
	}
	for _, f := range s.Files {
		if s.skipped(f.FileStart) {
			continue
		}
		eachConversion(s.TypesInfo, f, func(e ast.Expr, to types.Type) {
			if s.isSealed(to) {
				s.checkVariant(e)
			}
		})
	}
}

// isSealed reports whether a type is an interface that only generated types are meant to fulfil: it is declared in the package
// of a workflow and has an unexported method.
func (s *subject) isSealed(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	iface, ok := named.Underlying().(*types.Interface)
	if !ok || !s.isWorkflow(named.Obj().Pkg()) {
		return false
	}
	for method := range iface.Methods() {
		if !method.Exported() {
			return true
		}
	}
	return false
}

// isWorkflow reports whether a package is one that a workflow is generated into.
func (s *subject) isWorkflow(pkg *types.Package) bool {
	for _, w := range s.workflows.all {
		if w.pkg == pkg {
			return true
		}
	}
	return false
}

// checkVariant reports a value that is converted into a sealed interface, and is nothing declared.
func (s *subject) checkVariant(e ast.Expr) {
	t := s.TypesInfo.TypeOf(e)
	switch u := types.Unalias(t).(type) {
	case *types.Pointer:
		declared, ok := types.Unalias(u.Elem()).(*types.Named)
		if !ok || types.IsInterface(declared) {
			return
		}
		s.report(e, s.valueFix(e), "a *%s is not declared, a %[1]s is; pass the struct itself, not a pointer to it", declared.Obj().Name())
	case *types.Named:
		if types.IsInterface(u) || s.isWorkflow(u.Obj().Pkg()) && !s.embedsVariant(u) {
			return
		}
		s.report(e, nil, "a %s is not declared, though it embeds what is; pass the embedded struct", u.Obj().Name())
	case *types.Basic:
		if u.Kind() == types.UntypedNil && s.inDecision(e) {
			s.report(e, nil, "nil stands where a decision needs a value, and the engine refuses it; leave it out")
		}
	}
}

// embedsVariant reports whether a struct gets the methods of a sealed interface from an embedded one.
func (s *subject) embedsVariant(t *types.Named) bool {
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	own := make(map[string]bool)
	for method := range t.Methods() {
		own[method.Name()] = true
	}
	for f := range fields.Fields() {
		embedded, ok := types.Unalias(f.Type()).(*types.Named)
		if !f.Embedded() || !ok || !s.isWorkflow(embedded.Obj().Pkg()) {
			continue
		}
		for method := range embedded.Methods() {
			if !method.Exported() && !own[method.Name()] {
				return true
			}
		}
	}
	return false
}

// inDecision reports whether a value is an argument of a call that makes or extends a decision.
func (s *subject) inDecision(e ast.Expr) bool {
	found := false
	ast.Inspect(s.fileOf(e.Pos()), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			for _, arg := range call.Args {
				found = found || arg == e && isModel(s.TypesInfo.TypeOf(call), "Decision")
			}
		}
		return !found
	})
	return found
}

// valueFix takes the & from a literal.
func (s *subject) valueFix(e ast.Expr) []analysis.SuggestedFix {
	address, ok := ast.Unparen(e).(*ast.UnaryExpr)
	if !ok || address.Op != token.AND {
		return nil
	}
	if _, ok := ast.Unparen(address.X).(*ast.CompositeLit); !ok {
		return nil
	}
	return fix("Pass the struct itself", analysis.TextEdit{Pos: address.OpPos, End: address.X.Pos()})
}

// eachConversion calls f with each expression below n whose value becomes that of another type by where it stands: an
// argument, a result, a value that is assigned or an element of a literal.
func eachConversion(info *types.Info, n ast.Node, f func(e ast.Expr, to types.Type)) {
	to := func(e ast.Expr, t types.Type) {
		if e != nil && t != nil && types.IsInterface(t) {
			f(e, t)
		}
	}
	var results []*types.Tuple // of the functions around
	var visit func(n ast.Node) bool
	function := func(sig types.Type, body ast.Node) {
		if sig, ok := sig.(*types.Signature); ok && body != nil {
			results = append(results, sig.Results())
			ast.Inspect(body, visit)
			results = results[:len(results)-1]
		}
	}
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				function(info.Defs[n.Name].Type(), n.Body)
			}
			return false
		case *ast.FuncLit:
			function(info.TypeOf(n), n.Body)
			return false
		case *ast.CallExpr:
			if info.Types[n.Fun].IsType() {
				if len(n.Args) == 1 {
					to(n.Args[0], info.TypeOf(n.Fun))
				}
				break
			}
			if sig := signatureOf(info, n); sig != nil {
				for i, arg := range n.Args {
					to(arg, parameterType(sig, i, n.Ellipsis.IsValid()))
				}
			}
		case *ast.ReturnStmt:
			if len(results) > 0 {
				if tuple := results[len(results)-1]; tuple.Len() == len(n.Results) {
					for i, e := range n.Results {
						to(e, tuple.At(i).Type())
					}
				}
			}
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) && n.Tok == token.ASSIGN {
				for i := range n.Lhs {
					to(n.Rhs[i], info.TypeOf(n.Lhs[i]))
				}
			}
		case *ast.ValueSpec:
			if n.Type != nil {
				for _, e := range n.Values {
					to(e, info.TypeOf(n.Type))
				}
			}
		case *ast.CompositeLit:
			elements(info, n, to)
		}
		return true
	}
	ast.Inspect(n, visit)
}

// elements calls to with the elements of a literal.
func elements(info *types.Info, lit *ast.CompositeLit, to func(ast.Expr, types.Type)) {
	value := func(e ast.Expr) ast.Expr {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			return pair.Value
		}
		return e
	}
	switch t := deref(info.TypeOf(lit)).Underlying().(type) {
	case *types.Struct:
		for i, e := range lit.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && info.Uses[key] != nil {
					to(pair.Value, info.Uses[key].Type())
				}
			} else if i < t.NumFields() {
				to(e, t.Field(i).Type())
			}
		}
	case interface{ Elem() types.Type }: // slice, array or map
		for _, e := range lit.Elts {
			to(value(e), t.Elem())
		}
	}
}

// parameterType returns the type of the parameter that takes the argument of that number.
func parameterType(sig *types.Signature, i int, spread bool) types.Type {
	last := sig.Params().Len() - 1
	switch {
	case last < 0:
		return nil
	case sig.Variadic() && i >= last && !spread:
		if slice, ok := sig.Params().At(last).Type().(*types.Slice); ok {
			return slice.Elem()
		}
		return nil
	case i <= last:
		return sig.Params().At(i).Type()
	}
	return nil
}
