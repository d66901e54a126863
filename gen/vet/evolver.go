package vet

import (
	"go/ast"
	"go/types"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var evolverAnalyzer = newAnalyzer("evolver", diagnostic.VetEvolver, runEvolver, reachAnalyzer, machineAnalyzer)

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
		s.checkStatus(r)
	}
}

// checkStatus reports assignments to the status.
func (s *subject) checkStatus(r *root) {
	m := s.machine(r.workflow)
	if m == nil || m.StatusField == "" {
		return
	}
	eachWrite(s.TypesInfo, r.decl.Body, func(w write) {
		sel, ok := ast.Unparen(w.target).(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != m.StatusField || !types.Identical(deref(s.TypesInfo.TypeOf(sel.X)), r.workflow.state) {
			return
		}
		s.report(w.target, nil, "the evolver %s sets the status, which is overwritten; declare where the event leads", r.name())
	})
}

// machine returns the state machine of a workflow, or nil when it has no states or they are not known.
func (s *subject) machine(w *workflow) *machine {
	return s.ResultOf[machineAnalyzer].(machines)[w.pkg]
}

func deref(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}
