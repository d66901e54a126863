package vet

import (
	"go/ast"
	"go/types"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var evolverAnalyzer = newAnalyzer("evolver", diagnostic.VetEvolver, runEvolver, reachAnalyzer)

func runEvolver(s *subject) {
	for _, r := range s.workflows.roots {
		if r.role != evolver {
			continue
		}
		for _, a := range s.arrivals(r, map[kind]advice{decides: {}}) {
			s.report(a.at, nil, "the evolver %s %s; an evolver folds what was decided: decide in the decider", r.name(), a.does)
		}
		if r.decl == nil || r.decl.Body == nil {
			continue
		}
		ast.Inspect(r.decl.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && id.Name == "panic" && !s.isUnfinished(call.Args) {
				if _, isBuiltin := s.TypesInfo.Uses[id].(*types.Builtin); isBuiltin {
					s.report(call, nil, "the evolver %s panics, which makes the instance unreadable; check in the decider, before the event is stored",
						r.name())
				}
			}
			return true
		})
	}
}
