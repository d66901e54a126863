package vet

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

var decisionAnalyzer = newAnalyzer("decision", diagnostic.VetDecision, runDecision, machineAnalyzer)

func runDecision(s *subject) {
	for _, w := range s.workflows.all {
		d := decisionFinder{subject: s, workflow: w, machine: s.machine(w)}
		for _, f := range s.Files {
			for _, decl := range f.Decls {
				if fd, ok := decl.(*ast.FuncDecl); ok && fd.Body != nil && !s.skipped(fd.Pos()) {
					d.function(fd)
				}
			}
		}
	}
}

// decisionFinder looks at the decisions on the inputs of one workflow.
type decisionFinder struct {
	*subject
	workflow *workflow
	machine  *machine // nil without states: everything is allowed
	made     map[types.Object]*decision
}

// decision is what is known of one: what it consists of at least.
type decision struct {
	input    string
	rejected bool
	parts    []part
}

// part is an event, effect or timer of a decision.
type part struct {
	what string // "event", "effect" or "timer"
	name string // as declared
	at   ast.Expr
}

func (d *decisionFinder) function(fd *ast.FuncDecl) {
	d.made = d.variables(fd.Body)
	fn, _ := d.TypesInfo.Defs[fd.Name].(*types.Func)
	guards := guards{info: d.TypesInfo, visit: d.call}
	if d.machine != nil && fn != nil {
		guards.field = d.machine.StatusField
		guards.state = stateParameter(fn, d.workflow.state)
	}
	guards.function(fd.Body)
	ast.Inspect(fd.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			d.empty(ret)
		}
		return true
	})
}

// stateParameter returns the parameter of a function that is a workflow's state, or nil.
func stateParameter(fn *types.Func, state types.Type) *types.Var {
	for p := range fn.Signature().Params().Variables() {
		if types.Identical(p.Type(), state) {
			return p
		}
	}
	return nil
}

// inputOf returns the input that a type is the decision on, or "". Without states it may be any input.
func (d *decisionFinder) inputOf(t types.Type) string {
	if t == nil || !isModel(t, "Decision") {
		return ""
	}
	for method := range d.workflow.contract[decider].Methods() {
		if types.Identical(method.Signature().Results().At(0).Type(), t) {
			return method.Name()
		}
	}
	return ""
}

// variables returns what is known of the decisions that variables of a function hold: those that are made by one call, and
// after that only extended, as in d = d.Effect(...).
func (d *decisionFinder) variables(body *ast.BlockStmt) map[types.Object]*decision {
	values := make(map[types.Object][]ast.Expr)
	ast.Inspect(body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range assign.Lhs {
			id, ok := left.(*ast.Ident)
			if !ok || len(assign.Lhs) != len(assign.Rhs) || d.inputOf(d.TypesInfo.TypeOf(id)) == "" {
				continue
			}
			obj := d.TypesInfo.ObjectOf(id)
			if d.baseOf(assign.Rhs[i]) != obj {
				values[obj] = append(values[obj], assign.Rhs[i])
			}
		}
		return true
	})
	made := make(map[types.Object]*decision)
	d.made = made
	for obj, list := range values {
		if len(list) != 1 {
			continue
		}
		if known := d.read(list[0]); known != nil {
			made[obj] = known
		}
	}
	return made
}

// baseOf returns the variable that a chain of methods begins with, or nil.
func (d *decisionFinder) baseOf(e ast.Expr) types.Object {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.CallExpr:
			sel, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr)
			if !ok {
				return nil
			}
			e = sel.X
		case *ast.Ident:
			return d.TypesInfo.ObjectOf(x)
		default:
			return nil
		}
	}
}

// read returns what an expression says of the decision that is its value, or nil when it says nothing.
func (d *decisionFinder) read(e ast.Expr) *decision {
	e = ast.Unparen(e)
	if id, ok := e.(*ast.Ident); ok {
		return d.made[d.TypesInfo.ObjectOf(id)]
	}
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return nil
	}
	fn := callee(d.TypesInfo, call)
	input := d.inputOf(d.TypesInfo.TypeOf(call))
	if fn == nil || input == "" || fn.Pkg() == nil {
		return nil
	}
	if recv := receiverName(fn); recv == "Decision" && fn.Pkg().Path() == modelPath {
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok {
			return nil
		}
		before := d.read(sel.X)
		if before == nil {
			before = &decision{input: input}
		}
		extended := *before
		what, ok := map[string]string{"Effect": "effect", "StartTimer": "timer", "CancelTimer": "timer"}[fn.Name()]
		if ok {
			extended.parts = append(slices.Clip(before.parts), d.partsOf(what, call)...)
		}
		return &extended
	}
	if fn.Pkg() != d.workflow.pkg || fn.Signature().Recv() != nil || !isConstructor(fn) {
		return nil
	}
	made := &decision{input: input, rejected: !fn.Signature().Variadic()}
	if !made.rejected {
		made.parts = d.partsOf("event", call)
	}
	return made
}

// isConstructor tells the generated functions AcceptX and RejectX, whose parameters are interfaces, from other functions.
func isConstructor(fn *types.Func) bool {
	params := fn.Signature().Params()
	return params.Len() > 0 && params.Len() <= 2 && types.IsInterface(params.At(0).Type()) &&
		(params.Len() == 1) != fn.Signature().Variadic()
}

// partsOf returns what the arguments of a call add, as far as their types say so.
func (d *decisionFinder) partsOf(what string, call *ast.CallExpr) []part {
	var parts []part
	for i, arg := range call.Args {
		if call.Ellipsis.IsValid() && i == len(call.Args)-1 {
			break
		}
		name := d.declaredName(what, d.TypesInfo.TypeOf(arg))
		if name != "" || what == "event" { // after an event that is not known, neither is the state
			parts = append(parts, part{what, name, arg})
		}
	}
	return parts
}

// declaredName returns the name that the declaration has for a type, or "".
func (d *decisionFinder) declaredName(what string, t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || types.IsInterface(t) || named.Obj().Pkg() != d.workflow.pkg {
		return ""
	}
	if what == "timer" {
		if d.machine == nil {
			return ""
		}
		t, _ := d.machine.timer(named.Obj().Name())
		return t.Name
	}
	return named.Obj().Name()
}

// call looks at a call that is made where only some states are possible.
func (d *decisionFinder) call(call *ast.CallExpr, known constraint) {
	d.timers(call)
	made := d.read(call)
	if made == nil {
		return
	}
	before := slices.DeleteFunc(slices.Clone(made.parts), func(p part) bool { return slices.Contains(call.Args, p.at) })
	switch {
	case !made.rejected && d.machine != nil:
		d.check(call, made, len(before), known)
	case made.rejected && len(before) < len(made.parts):
		p := made.parts[len(before)]
		d.report(p.at, nil, "a rejection with %s is refused by the engine, for it leaves no trace; reject alone, or accept", p.what+"s")
	}
}

// empty reports a decision without anything, returned as it is.
func (d *decisionFinder) empty(ret *ast.ReturnStmt) {
	if len(ret.Results) != 1 {
		return
	}
	lit, ok := ast.Unparen(ret.Results[0]).(*ast.CompositeLit)
	if !ok {
		return
	}
	if input := d.inputOf(d.TypesInfo.TypeOf(lit)); input != "" {
		d.report(lit, nil, "an empty decision on %s is none, and the engine refuses it; return Accept%[1]s or Reject%[1]s", input)
	}
}

// timers reports those that are started without a time.
func (d *decisionFinder) timers(call *ast.CallExpr) {
	fn := callee(d.TypesInfo, call)
	if d.machine == nil || fn == nil || fn.Name() != "StartTimer" || d.inputOf(d.TypesInfo.TypeOf(call)) == "" {
		return
	}
	for _, arg := range call.Args {
		lit := ast.Unparen(arg)
		for { // Key does not say when
			keyed, ok := lit.(*ast.CallExpr)
			if !ok {
				break
			}
			sel, ok := ast.Unparen(keyed.Fun).(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Key" {
				break
			}
			lit = ast.Unparen(sel.X)
		}
		if _, ok := lit.(*ast.CompositeLit); !ok {
			continue
		}
		named, ok := types.Unalias(d.TypesInfo.TypeOf(lit)).(*types.Named)
		if !ok {
			continue
		}
		if t, ok := d.machine.timer(named.Obj().Name()); ok && !t.Default && named.Obj().Pkg() == d.workflow.pkg {
			d.report(arg, nil, "the timer %s is started without a time, and its declaration has none; call In or At", t.Name)
		}
	}
}

// check reports the first part of a decision that no possible state allows together with those before it. The first parts
// are those that the call extends; they are checked where they are added.
func (d *decisionFinder) check(call *ast.CallExpr, made *decision, before int, known constraint) {
	var accepting, excluded []string
	for _, state := range d.machine.States {
		if transitionOf(state, made.input) == nil {
			continue
		}
		if known.allows(state.Name) {
			accepting = append(accepting, state.Name)
		} else {
			excluded = append(excluded, state.Name)
		}
	}
	if len(accepting) == 0 {
		if len(known.only) > 0 && len(excluded) > 0 && before == 0 {
			d.report(call, nil, "%s is not decided on in the state %s, which the code has made sure of; it is accepted in %s",
				made.input, diagnostic.Listing(known.only, "or"), diagnostic.Listing(excluded, "and"))
		}
		return
	}
	if !d.allowed(made.input, accepting, made.parts[:before]) {
		return
	}
	for i := before; i < len(made.parts); i++ {
		if d.allowed(made.input, accepting, made.parts[:i+1]) {
			continue
		}
		p := made.parts[i]
		together := ""
		if i > 0 {
			together = " together with " + describe(made.parts[:i])
		}
		d.report(p.at, nil, "the declaration does not allow the %s %s for %s%s in the state %s; %s",
			p.what, p.name, made.input, together, diagnostic.Listing(accepting, "or"), d.remedy(made.input, p))
		return
	}
}

// allowed reports whether one of the states allows a decision with the parts.
func (d *decisionFinder) allowed(input string, states []string, parts []part) bool {
	for _, state := range d.machine.States {
		if t := transitionOf(state, input); t != nil && slices.Contains(states, state.Name) && d.allows(state, *t, parts) {
			return true
		}
	}
	return false
}

// remedy says where a part is allowed by itself.
func (d *decisionFinder) remedy(input string, p part) string {
	var where []string
	for _, state := range d.machine.States {
		if t := transitionOf(state, input); t != nil && d.allows(state, *t, []part{p}) {
			where = append(where, state.Name)
		}
	}
	if len(where) == 0 {
		return "add it to the transition, or leave it out"
	}
	return fmt.Sprintf("it is allowed in %s, so look at the status first, or add it to the transition", diagnostic.Listing(where, "and"))
}

func describe(parts []part) string {
	var names []string
	for _, p := range parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return diagnostic.Listing(names, "and")
}

func transitionOf(state machineState, input string) *transition {
	for i := range state.Accepts {
		if state.Accepts[i].Input == input {
			return &state.Accepts[i]
		}
	}
	return nil
}

// allows reports whether a decision in a state may have the parts, its events happening one after the other.
func (d *decisionFinder) allows(state machineState, t transition, parts []part) bool {
	current := state.Name // "" when it is not known
	for _, p := range parts {
		if p.name == "" {
			current = ""
			continue
		}
		switch p.what {
		case "effect":
			if !slices.Contains(t.Effects, p.name) {
				return false
			}
		case "timer":
			if !slices.Contains(t.Timers, p.name) {
				return false
			}
		default:
			next, moves := d.machine.after(current, p.name)
			if !slices.Contains(t.Events, p.name) || !moves && current != "" {
				return false
			}
			current = next
		}
	}
	return true
}
