package vet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// This file has the passes that keep deciders and evolvers to their arguments. They differ in what they look for, and in
// what they tell the user to do about it.

// advice says what to do instead, to the author of a decider and to that of an evolver.
type advice struct{ decider, evolver string }

var clockAnalyzer = newPurity("clock", diagnostic.VetClock,
	map[kind]advice{
		readsClock: {"use the decider's parameter for the time", "put the time into the event"},
		waits:      {"declare a timer", "declare a timer"},
	})

var randomAnalyzer = newPurity("random", diagnostic.VetRandom,
	map[kind]advice{
		drawsRandomness: {"let the input bring it, or an effect draw it", "put it into the event"},
	})

var outsideAnalyzer = newPurity("outside", diagnostic.VetOutside,
	map[kind]advice{
		readsEnvironment: {"bring it in the input, or in a field of the decider that is set at the start", "put it into the event"},
		readsZone:        {"the zone of the machine is not the same everywhere: use UTC, or In with a location", "put it into the event"},
		reachesOutside:   {"request an effect, whose result is an input", "put what it says into the event"},
		takesContext:     {"what needs a context is for an effect", "what needs a context is for an effect"},
		asksEngine:       {"request an effect that does it", "request an effect in the decision that emits the event"},
		endsProcess:      {"return a rejection", "fold the event: what happened has happened"},
	})

var concurrencyAnalyzer = newPurity("concurrency", diagnostic.VetConcurrency,
	map[kind]advice{
		runsConcurrently: {"do it in a plain loop, or in an effect", "do it in a plain loop"},
	})

var globalsAnalyzer = newPurity("globals", diagnostic.VetGlobals,
	map[kind]advice{
		touchesGlobals:  {"keep it in the state, or bring it in the input", "keep it in the state"},
		changesReceiver: {"keep it in the state: the decider is shared by all instances", "keep it in the state"},
	})

var mapOrderAnalyzer = newPurity("maporder", diagnostic.VetMapOrder,
	map[kind]advice{
		followsMapOrder: {"range over slices.Sorted(maps.Keys(m)), or sort the result", "range over slices.Sorted(maps.Keys(m)), or sort the result"},
	})

// newPurity makes a pass that reports deciders, evolvers and upcasters that reach one of some kinds.
func newPurity(name string, code diagnostic.Code, advices map[kind]advice) *analysis.Analyzer {
	return newAnalyzer(name, code, func(s *subject) {
		for _, r := range s.workflows.roots {
			if r.role == handler {
				continue
			}
			for _, a := range s.arrivals(r, advices) {
				text := advices[a.kind].decider
				switch r.role {
				case evolver:
					text = advices[a.kind].evolver
				case upcaster:
					text = "an upcaster knows only what is stored, and gives the same for it every time"
				}
				fixes := s.nowFix(r, a)
				if a.loop != nil {
					fixes = s.sortedFix(a.loop)
				}
				s.report(a.at, fixes, "the %s %s %s; %s", r.role, r.name(), a.does, text)
			}
		}
	}, reachAnalyzer)
}

// arrivals returns what a root reaches of the kinds that there is advice for.
func (s *subject) arrivals(r *root, advices map[kind]advice) []arrival {
	var of []kind
	for k := range kinds {
		if _, ok := advices[k]; ok {
			of = append(of, k)
		}
	}
	reach := s.ResultOf[reachAnalyzer].(*reach)
	if r.decl == nil {
		return reach.importedArrivals(r.fn, r.pos(), of...)
	}
	return reach.arrivals(r.fn, of...)
}

// nowFix replaces a call of package time in a decider by its parameter.
func (s *subject) nowFix(r *root, a arrival) []analysis.SuggestedFix {
	call, ok := a.at.(*ast.CallExpr)
	if !ok || a.kind != readsClock || !a.own || r.role != decider {
		return nil
	}
	now, edits := s.nowParameter(r, call.Pos())
	if now == "" {
		return nil
	}
	switch callee(s.TypesInfo, call).Name() {
	case "Now":
		edits = append(edits, edit(call, now))
	case "Since": // time.Since(x) to now.Sub(x)
		edits = append(edits, edit(call.Fun, now+".Sub"))
	case "Until": // time.Until(x) to x.Sub(now)
		arg := ast.Unparen(call.Args[0])
		switch arg.(type) {
		case *ast.Ident, *ast.SelectorExpr, *ast.CallExpr, *ast.IndexExpr:
		default:
			return nil
		}
		edits = append(edits,
			analysis.TextEdit{Pos: call.Pos(), End: arg.Pos()},
			analysis.TextEdit{Pos: arg.End(), End: call.End(), NewText: []byte(".Sub(" + now + ")")})
	default:
		return nil
	}
	return fix("Use the decider's parameter "+now, edits...)
}

// nowParameter returns what the time is called at a position in a decider, and the edits that call it so where it has no
// name yet; "" when the name means something else there.
func (s *subject) nowParameter(r *root, pos token.Pos) (string, []analysis.TextEdit) {
	scope := s.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return "", nil
	}
	if p := r.parameter(0); p != nil {
		if _, found := scope.LookupParent(p.Name(), pos); found != p {
			return "", nil
		}
		return p.Name(), nil
	}
	const name = "now"
	field := r.decl.Type.Params.List[0]
	if _, found := scope.LookupParent(name, pos); found != nil || len(field.Names) != 1 || s.declares(r.decl, name) {
		return "", nil
	}
	return name, []analysis.TextEdit{edit(field.Names[0], name)}
}

// declares reports whether a function declares something of a name.
func (s *subject) declares(d *ast.FuncDecl, name string) bool {
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			if v, ok := s.TypesInfo.Defs[id].(*types.Var); ok && !v.IsField() {
				found = true
			}
		}
		return !found
	})
	return found
}
