package vet

import (
	"go/ast"
	"go/types"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

var decisionAnalyzer = newAnalyzer("decision", diagnostic.VetDecision, runDecision, machineAnalyzer)

func runDecision(s *subject) {
	for _, w := range s.workflows.all {
		if m := s.ResultOf[machineAnalyzer].(machines)[w.pkg]; m != nil {
			d := decisionFinder{subject: s, workflow: w, machine: m}
			s.nodes([]ast.Node{(*ast.CallExpr)(nil)}, func(n ast.Node) { d.call(n.(*ast.CallExpr)) })
		}
	}
}

// decisionFinder looks at the decisions on the inputs of one workflow.
type decisionFinder struct {
	*subject
	workflow *workflow
	machine  *machine
}

// part is an event, effect or timer of a decision.
type part struct {
	what string // "event", "effect" or "timer"
	name string // as stored
	at   ast.Expr
}

// call reports the first part that a call adds to a decision and that no state allows together with the parts before it.
func (d *decisionFinder) call(call *ast.CallExpr) {
	input, parts := d.read(call)
	first := slices.IndexFunc(parts, func(p part) bool { return slices.Contains(call.Args, p.at) })
	if first < 0 || !d.allowed(input, parts[:first]) {
		return
	}
	for i := first; i < len(parts); i++ {
		if d.allowed(input, parts[:i+1]) {
			continue
		}
		together := ""
		for j, p := range parts[:i] {
			together += []string{" together with ", " and "}[min(j, 1)] + p.name
		}
		d.report(parts[i].at, nil, "no state allows the %s %s for %s%s; add it to a transition, or leave it out",
			parts[i].what, parts[i].name, input, together)
		return
	}
}

// read returns the input that an expression decides on, and all that the decision consists of. There is none unless the
// expression shows all of it: a call of a generated function like AcceptPay, and of methods on its result.
func (d *decisionFinder) read(e ast.Expr) (input string, parts []part) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || call.Ellipsis.IsValid() {
		return "", nil
	}
	fn := callee(d.TypesInfo, call)
	if input = d.inputOf(d.TypesInfo.TypeOf(call)); fn == nil || input == "" {
		return "", nil
	}
	if fn.Pkg() == d.workflow.pkg && fn.Name() == spec.NamesOfInput(input).Accept {
		return d.with(input, nil, "event", call)
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || receiverName(fn) != "Decision" {
		return "", nil
	}
	if input, parts = d.read(sel.X); input == "" {
		return "", nil
	}
	switch fn.Name() {
	case "Effect":
		return d.with(input, parts, "effect", call)
	case "StartTimer", "CancelTimer":
		return d.with(input, parts, "timer", call)
	}
	return input, parts
}

// inputOf returns the input that a type is the decision on, or "".
func (d *decisionFinder) inputOf(t types.Type) string {
	for method := range d.workflow.contract[decider].Methods() {
		if t != nil && types.Identical(method.Signature().Results().At(0).Type(), t) {
			return method.Name()
		}
	}
	return ""
}

// with adds the arguments of a call. Their types have to say what they are, by names that the machine has.
func (d *decisionFinder) with(input string, parts []part, what string, call *ast.CallExpr) (string, []part) {
	parts = slices.Clip(parts)
	for _, arg := range call.Args {
		named, ok := types.Unalias(d.TypesInfo.TypeOf(arg)).(*types.Named)
		if !ok {
			return "", nil
		}
		name, known := d.stored(what, named.Obj().Name())
		if !known {
			return "", nil
		}
		parts = append(parts, part{what, name, arg})
	}
	return input, parts
}

// stored returns the stored name of a Go type, if some transition has it. One that is declared with "as" is not known.
func (d *decisionFinder) stored(what, goType string) (name string, known bool) {
	for _, s := range d.machine.States {
		for _, t := range s.Accepts {
			for _, name := range t.names(what) {
				if name == goType || what == "timer" && spec.TimerName(name) == goType {
					return name, true
				}
			}
		}
	}
	return "", false
}

func (t transition) names(what string) (names []string) {
	switch what {
	case "effect":
		return t.Effects
	case "timer":
		return t.Timers
	}
	for _, move := range t.Events {
		names = append(names, move.Event)
	}
	return names
}

// allowed reports whether a decision on an input may have the parts in some state, its events happening one after the other.
func (d *decisionFinder) allowed(input string, parts []part) bool {
	for _, state := range d.machine.States {
		for _, t := range state.Accepts {
			if t.Input == input && d.allows(state.Name, t, parts) {
				return true
			}
		}
	}
	return false
}

func (d *decisionFinder) allows(state string, t transition, parts []part) bool {
	for _, p := range parts {
		if !slices.Contains(t.names(p.what), p.name) {
			return false
		}
		if p.what == "event" {
			next := slices.IndexFunc(d.machine.Moves, func(m move) bool { return m.From == state && m.Event == p.name })
			if next < 0 {
				return false
			}
			state = d.machine.Moves[next].To
		}
	}
	return true
}
