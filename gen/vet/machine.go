package vet

import (
	"go/ast"
	"go/types"
	"reflect"

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

// machine is the part of a workflow.Machine that decisions are compared with. Its names are the stored ones.
type machine struct {
	States []machineState
	Moves  []move
}

type machineState struct {
	Name    string
	Accepts []transition
}

// transition is what a decision on an input may contain.
type transition struct {
	Input           string
	Events          []eventMove
	Effects, Timers []string
}

type eventMove struct{ Event string }

// move is where an event leads from a state.
type move struct{ From, Event, To string }

func (*machine) AFact() {}

func (m *machine) String() string { return "machine" }

// machines are those of the workflows that a package has to do with, by their packages.
type machines map[*types.Package]*machine

func findMachines(pass *analysis.Pass) machines {
	found := make(machines)
	if importsRuntime(pass.Pkg) {
		if m := readMachine(pass); len(m.States) > 0 {
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

// readMachine returns the machine of the package's own workflow. It is empty when the workflow has no states.
func readMachine(pass *analysis.Pass) *machine {
	m := new(machine)
	for _, f := range pass.Files {
		if !ast.IsGenerated(f) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || !isModel(pass.TypesInfo.TypeOf(lit), "Machine") {
				return true
			}
			decode(pass.TypesInfo, lit, reflect.ValueOf(m).Elem())
			return false
		})
	}
	return m
}

// decode sets a value to what a literal says. Fields that the value lacks are passed over.
func decode(info *types.Info, e ast.Expr, into reflect.Value) {
	if text, ok := constantString(info, e); ok && into.Kind() == reflect.String {
		into.SetString(text)
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return
	}
	for _, element := range lit.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok && into.Kind() == reflect.Struct {
			if field := into.FieldByName(pair.Key.(*ast.Ident).Name); field.IsValid() {
				decode(info, pair.Value, field)
			}
		} else if into.Kind() == reflect.Slice {
			one := reflect.New(into.Type().Elem()).Elem()
			decode(info, element, one)
			into.Set(reflect.Append(into, one))
		}
	}
}
