package vet

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// machineAnalyzer reads the state machine that a package declares from its generated code, where it is data: a composite
// literal of workflow.Machine. Packages that implement the workflow of another one get it as a fact.
var machineAnalyzer = &analysis.Analyzer{
	Name:       "ironflowmachine",
	Doc:        "read the state machines of workflows",
	ResultType: reflect.TypeFor[machines](),
	FactTypes:  []analysis.Fact{new(machine)},
	Run:        func(pass *analysis.Pass) (any, error) { return findMachines(pass), nil },
}

// machine is what the declaration says of states. Inputs, events and effects have the names of their Go types, states and timers those
// that they are stored under.
type machine struct {
	StatusField string // of the state
	States      []machineState
	Moves       []move
	Timers      []timer
}

type machineState struct {
	Name     string
	Terminal bool
	Accepts  []transition
}

// transition is what a decision on an input may contain. A refused input has none.
type transition struct {
	Input                   string
	Events, Effects, Timers []string
}

// move is where an event leads from a state.
type move struct{ From, Event, To string }

// timer is one that decisions start.
type timer struct {
	Type    string // of Go
	Name    string
	Default bool // it has a declared delay, or recurs
}

func (*machine) AFact() {}

func (m *machine) String() string { return "machine" }

// after returns the state that an event leads to, and whether it leads anywhere.
func (m *machine) after(state, event string) (string, bool) {
	for _, move := range m.Moves {
		if move.From == state && move.Event == event {
			return move.To, true
		}
	}
	return "", false
}

// timer returns the timer of a Go type.
func (m *machine) timer(goType string) (timer, bool) {
	for _, t := range m.Timers {
		if t.Type == goType {
			return t, true
		}
	}
	return timer{}, false
}

// machines are those of the workflows that a package has to do with, by their packages.
type machines map[*types.Package]*machine

func findMachines(pass *analysis.Pass) machines {
	found := make(machines)
	if importsRuntime(pass.Pkg) {
		if m := readMachine(pass); m != nil {
			pass.ExportPackageFact(m)
			found[pass.Pkg] = m
		}
	}
	for _, imported := range pass.Pkg.Imports() {
		m := new(machine)
		if pass.ImportPackageFact(imported, m) {
			found[imported] = m
		}
	}
	return found
}

// readMachine returns the machine of the package's own workflow, or nil when it has no states.
func readMachine(pass *analysis.Pass) *machine {
	r := machineReader{info: pass.TypesInfo}
	m := new(machine)
	r.goTypes = r.storedNames(pass)
	var recurring []string
	for _, f := range pass.Files {
		if !ast.IsGenerated(f) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			switch t := pass.TypesInfo.TypeOf(lit); {
			case isModel(t, "Machine"):
				r.machine(lit, m)
				return false
			case isModel(t, "Definition"):
				m.StatusField = r.statusField(lit)
				recurring = r.keys(field(lit, "RecurringTimers"))
			}
			return true
		})
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv != nil && d.Name.Name == "TimerSpec" {
				fn := pass.TypesInfo.Defs[d.Name].(*types.Func)
				m.Timers = append(m.Timers, r.timer(receiverName(fn), d))
			}
		}
	}
	if len(m.States) == 0 {
		return nil
	}
	for i := range m.Timers {
		m.Timers[i].Default = m.Timers[i].Default || slices.Contains(recurring, m.Timers[i].Name)
	}
	return m
}

// machineReader reads composite literals. What it does not understand it leaves out.
type machineReader struct {
	info    *types.Info
	goTypes map[string]map[string]string // by kind and stored name
}

// storedNames reads what each input, event and effect is stored under from the generated functions that return it.
func (r machineReader) storedNames(pass *analysis.Pass) map[string]map[string]string {
	kinds := make(map[string]map[string]string)
	for _, f := range pass.Files {
		if !ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Recv != nil || d.Body == nil {
				continue
			}
			kind, ok := strings.CutSuffix(d.Name.Name, "Name")
			if !ok || !slices.Contains([]string{"input", "event", "effect"}, kind) {
				continue
			}
			kinds[kind] = make(map[string]string)
			ast.Inspect(d.Body, func(n ast.Node) bool {
				clause, ok := n.(*ast.CaseClause)
				if !ok || len(clause.List) != 1 || len(clause.Body) != 1 {
					return true
				}
				goType, isName := clause.List[0].(*ast.Ident)
				if result, ok := clause.Body[0].(*ast.ReturnStmt); ok && isName && len(result.Results) == 1 {
					kinds[kind][r.text(result.Results[0])] = goType.Name
				}
				return true
			})
		}
	}
	return kinds
}

// typeOf returns the Go type of something of a kind, which mostly has the name that it is stored under.
func (r machineReader) typeOf(kind, stored string) string {
	return cmp.Or(r.goTypes[kind][stored], stored)
}

func (r machineReader) machine(lit *ast.CompositeLit, m *machine) {
	for _, state := range r.elements(field(lit, "States")) {
		s := machineState{Name: r.text(field(state, "Name")), Terminal: field(state, "Terminal") != nil}
		for _, t := range r.elements(field(state, "Accepts")) {
			if field(t, "Reject") != nil {
				continue
			}
			read := transition{Input: r.typeOf("input", r.text(field(t, "Input"))), Timers: r.texts(field(t, "Timers"))}
			for _, effect := range r.texts(field(t, "Effects")) {
				read.Effects = append(read.Effects, r.typeOf("effect", effect))
			}
			for _, e := range r.elements(field(t, "Events")) {
				read.Events = append(read.Events, r.typeOf("event", r.text(field(e, "Event"))))
			}
			s.Accepts = append(s.Accepts, read)
		}
		m.States = append(m.States, s)
	}
	for _, lit := range r.elements(field(lit, "Moves")) {
		m.Moves = append(m.Moves, move{r.text(field(lit, "From")), r.typeOf("event", r.text(field(lit, "Event"))), r.text(field(lit, "To"))})
	}
}

// statusField reads the name of the field that the function WithStatus sets.
func (r machineReader) statusField(definition *ast.CompositeLit) string {
	name := ""
	if f, ok := field(definition, "WithStatus").(*ast.FuncLit); ok {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok && assign.Tok == token.ASSIGN {
				if sel, ok := assign.Lhs[0].(*ast.SelectorExpr); ok {
					name = sel.Sel.Name
				}
			}
			return true
		})
	}
	return name
}

func (r machineReader) timer(goType string, spec *ast.FuncDecl) timer {
	t := timer{Type: goType}
	ast.Inspect(spec, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok && isModel(r.info.TypeOf(lit), "TimerSpec") {
			t.Name, t.Default = r.text(field(lit, "Name")), hasDefaultTime(lit)
			return false
		}
		return true
	})
	return t
}

// hasDefaultTime reports whether a timer fires without being told when: anything but name, input and schedule says so.
func hasDefaultTime(spec *ast.CompositeLit) bool {
	return slices.ContainsFunc(spec.Elts, func(e ast.Expr) bool {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, ok := pair.Key.(*ast.Ident)
		return !ok || !slices.Contains([]string{"Name", "Input", "Schedule"}, key.Name)
	})
}

func (r machineReader) text(e ast.Expr) string {
	if e == nil {
		return ""
	}
	text, _ := constantString(r.info, e)
	return text
}

func (r machineReader) texts(e ast.Expr) []string {
	var list []string
	if lit, ok := e.(*ast.CompositeLit); ok {
		for _, element := range lit.Elts {
			list = append(list, r.text(element))
		}
	}
	return list
}

// keys returns the keys of a map.
func (r machineReader) keys(e ast.Expr) []string {
	var list []string
	if lit, ok := e.(*ast.CompositeLit); ok {
		for _, element := range lit.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				list = append(list, r.text(pair.Key))
			}
		}
	}
	return list
}

func (r machineReader) elements(e ast.Expr) []*ast.CompositeLit {
	var list []*ast.CompositeLit
	if lit, ok := e.(*ast.CompositeLit); ok {
		for _, element := range lit.Elts {
			if element, ok := element.(*ast.CompositeLit); ok {
				list = append(list, element)
			}
		}
	}
	return list
}

// field returns the value of a field in a literal, or nil.
func field(lit *ast.CompositeLit, name string) ast.Expr {
	for _, element := range lit.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == name {
				return pair.Value
			}
		}
	}
	return nil
}
