package vet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var handlerAnalyzer = newAnalyzer("handler", diagnostic.VetHandler, runHandler, reachAnalyzer)

func runHandler(s *subject) {
	for _, r := range s.workflows.roots {
		if r.role != handler || r.decl == nil || r.decl.Body == nil {
			continue
		}
		before := len(s.heeded)
		arrivals := s.arrivals(r, map[kind]advice{sleeps: {}, dropsContext: {}, takesNoContext: {}})
		for _, a := range arrivals {
			switch a.kind {
			case sleeps:
				s.report(a.at, nil, "the handler %s %s; return runtime.Snooze, or runtime.RetryAfter with the error, and the pause", r.name(), a.does)
			case takesNoContext:
				if strings.HasSuffix(a.does, " http.NewRequest") && callsWithContext(r.decl.Body) {
					continue
				}
				s.report(a.at, nil, "the handler %s %s, which does not end with the attempt; use what takes ctx", r.name(), a.does)
			default:
				s.report(a.at, s.contextFix(r, a), "the handler %s %s; pass ctx on, or context.WithoutCancel(ctx) for what is to outlive it",
					r.name(), a.does)
			}
		}
		if len(arrivals) == 0 && len(s.heeded) == before {
			s.checkContextUsed(r)
		}
	}
}

// contextFix replaces context.Background() by the handler's context.
func (s *subject) contextFix(r *root, a arrival) []analysis.SuggestedFix {
	call, ok := a.at.(*ast.CallExpr)
	ctx := r.parameter(0)
	if !ok || !a.own || ctx == nil {
		return nil
	}
	if scope := s.Pkg.Scope().Innermost(call.Pos()); scope == nil {
		return nil
	} else if _, found := scope.LookupParent(ctx.Name(), call.Pos()); found != ctx {
		return nil
	}
	return fix("Pass "+ctx.Name()+" on", edit(call, ctx.Name()))
}

// checkContextUsed reports a handler that does not use its context, though it calls something that takes one.
func (s *subject) checkContextUsed(r *root) {
	if ctx := r.parameter(0); ctx != nil && mentionsObject(s.TypesInfo, r.decl.Body, ctx) {
		return
	}
	var taker *ast.CallExpr
	ast.Inspect(r.decl.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && taker == nil && takesAContext(s.TypesInfo, call) {
			taker = call
		}
		return taker == nil
	})
	if taker != nil {
		s.report(r.decl.Name, nil, "the handler %s does not use its context, though %s takes one; pass it on",
			r.name(), types.ExprString(taker.Fun))
	}
}

// callsWithContext reports whether a request is given its context afterwards.
func callsWithContext(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "WithContext" {
			found = true
		}
		return !found
	})
	return found
}

func takesAContext(info *types.Info, call *ast.CallExpr) bool {
	sig := signatureOf(info, call)
	return sig != nil && sig.Params().Len() > 0 && isNamed(sig.Params().At(0).Type(), "context", "Context")
}
