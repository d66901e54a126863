package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"

	"golang.org/x/tools/go/analysis"
)

// workflowsAnalyzer finds the workflows that a package generates or imports, and the methods in it that are given to them.
//
// It goes by what the generated constructor takes, not by names: a function that returns a *runtime.Workflow takes an
// interface whose methods return decisions, one of evolvers and, when there are effects, one of handlers. Whatever in the
// package implements these is a decider, an evolver or a handler, whatever it is called and wherever it stands. Upcasters are given to no
// constructor: they implement the generated interface VersionUpcaster.
var workflowsAnalyzer = &analysis.Analyzer{
	Name:       "ironflowworkflows",
	Doc:        "find the deciders, evolvers and handlers of workflows",
	ResultType: reflect.TypeFor[*workflows](),
	Run:        func(pass *analysis.Pass) (any, error) { return findWorkflows(pass), nil },
}

// role is what a method is for.
type role int

const (
	decider role = iota
	evolver
	handler
	upcaster
)

func (r role) String() string { return [...]string{"decider", "evolver", "handler", "upcaster"}[r] }

// workflow is the generated side of one.
type workflow struct {
	pkg      *types.Package
	contract [4]*types.Interface // by role; no handler without effects, no upcaster without versions that need one
	state    types.Type
}

// workflows are those that a package has to do with.
type workflows struct {
	all   []*workflow
	roots []*root
	roles map[*types.Func]role // of the functions of the roots
}

// root is a method that the generated code calls: one input's decider, one event's evolver, one effect's handler.
type root struct {
	role     role
	workflow *workflow
	owner    *types.TypeName // the type that is given to the workflow; its method may be an embedded type's
	fn       *types.Func
	decl     *ast.FuncDecl // nil when the method is declared in another package
}

// name is the root's in messages.
func (r *root) name() string { return r.owner.Name() + "." + r.fn.Name() }

// parameter returns a parameter, or nil when it has no name to use.
func (r *root) parameter(i int) *types.Var {
	p := r.fn.Signature().Params().At(i)
	if p.Name() == "" || p.Name() == "_" {
		return nil
	}
	return p
}

// pos is where to report what is not within the method.
func (r *root) pos() analysis.Range {
	if r.decl != nil {
		return r.decl.Name
	}
	return analysisRange{r.owner.Pos(), r.owner.Pos() + token.Pos(len(r.owner.Name()))}
}

type analysisRange struct{ pos, end token.Pos }

func (r analysisRange) Pos() token.Pos { return r.pos }
func (r analysisRange) End() token.Pos { return r.end }

func findWorkflows(pass *analysis.Pass) *workflows {
	ws := &workflows{roles: make(map[*types.Func]role)}
	for _, pkg := range append([]*types.Package{pass.Pkg}, pass.Pkg.Imports()...) {
		ws.all = append(ws.all, workflowsOf(pkg)...)
	}
	if len(ws.all) == 0 {
		return ws
	}
	decls := make(map[*types.Func]*ast.FuncDecl)
	for _, f := range pass.Files {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				if fn, ok := pass.TypesInfo.Defs[d.Name].(*types.Func); ok {
					decls[fn] = d
				}
			}
		}
	}
	skipped := skippedFiles(pass)
	seen := make(map[*types.Func]bool) // of types that embed another the method is looked at once
	for _, obj := range declaredTypes(pass) {
		if skipped[pass.Fset.File(obj.Pos())] {
			continue
		}
		t := instantiated(obj.Type())
		if t == nil || types.IsInterface(t) {
			continue
		}
		for _, w := range ws.all {
			for r, contract := range w.contract {
				if contract == nil || !types.Implements(types.NewPointer(t), contract) {
					continue
				}
				for method := range contract.Methods() {
					found, _, _ := types.LookupFieldOrMethod(t, true, pass.Pkg, method.Name())
					fn, ok := found.(*types.Func)
					if !ok {
						continue
					}
					fn = fn.Origin()
					if isInterfaceMethod(fn) || decls[fn] != nil && seen[fn] || decls[fn] == nil && fromImplementation(fn, contract) {
						continue
					}
					seen[fn] = true
					ws.roles[fn] = role(r)
					ws.roots = append(ws.roots, &root{role: role(r), workflow: w, owner: obj, fn: fn, decl: decls[fn]})
				}
			}
		}
	}
	return ws
}

// fromImplementation reports whether a method is that of a type that fulfils the contract itself, which is looked at where
// it is declared.
func fromImplementation(fn *types.Func, contract *types.Interface) bool {
	t := fn.Signature().Recv().Type()
	if !is[*types.Pointer](t) {
		t = types.NewPointer(t)
	}
	return types.Implements(t, contract)
}

// declaredTypes returns the types that a package declares, also within functions, in the order of its files.
func declaredTypes(pass *analysis.Pass) []*types.TypeName {
	var list []*types.TypeName
	for _, f := range pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && !spec.Assign.IsValid() {
				if obj, ok := pass.TypesInfo.Defs[spec.Name].(*types.TypeName); ok {
					list = append(list, obj)
				}
			}
			return true
		})
	}
	return list
}

// instantiated returns a generic type with its own parameters as arguments, any other as it is.
func instantiated(t types.Type) types.Type {
	named, ok := t.(*types.Named)
	if !ok {
		return nil
	}
	params := named.TypeParams()
	if params.Len() == 0 {
		return named
	}
	var args []types.Type
	for p := range params.TypeParams() {
		args = append(args, p)
	}
	t, err := types.Instantiate(nil, named, args, false)
	if err != nil {
		return nil
	}
	return t
}

// workflowsOf returns the workflows whose constructors a package declares.
func workflowsOf(pkg *types.Package) []*workflow {
	if !importsRuntime(pkg) {
		return nil
	}
	var list []*workflow
	for _, name := range pkg.Scope().Names() {
		if fn, ok := pkg.Scope().Lookup(name).(*types.Func); ok {
			if w := constructed(pkg, fn.Signature()); w != nil {
				list = append(list, w)
			}
		}
	}
	return list
}

func importsRuntime(pkg *types.Package) bool {
	for _, imported := range pkg.Imports() {
		if imported.Path() == modelPath {
			return true
		}
	}
	return false
}

// constructed returns the workflow that a function with the signature makes, or nil.
func constructed(pkg *types.Package, sig *types.Signature) *workflow {
	if sig.Results().Len() != 1 || sig.Params().Len() < 2 {
		return nil
	}
	made, ok := types.Unalias(sig.Results().At(0).Type()).(*types.Pointer)
	if !ok || !isModel(made.Elem(), "Workflow") {
		return nil
	}
	w := &workflow{pkg: pkg}
	for i, r := range []role{decider, evolver, handler}[:min(3, sig.Params().Len())] {
		contract, ok := sig.Params().At(i).Type().Underlying().(*types.Interface)
		if !ok || contract.NumMethods() == 0 {
			return nil
		}
		for method := range contract.Methods() {
			if !fits(method.Signature(), r) {
				return nil
			}
		}
		w.contract[r] = contract
	}
	if obj := pkg.Scope().Lookup("VersionUpcaster"); obj != nil {
		w.contract[upcaster], _ = obj.Type().Underlying().(*types.Interface)
	}
	w.state = w.contract[decider].Method(0).Signature().Params().At(1).Type()
	return w
}

// fits reports whether a method has the form of those that a role consists of.
func fits(sig *types.Signature, r role) bool {
	params, results := sig.Params(), sig.Results()
	switch r {
	case decider:
		return params.Len() == 3 && results.Len() == 1 && isModel(results.At(0).Type(), "Decision")
	case evolver:
		return (params.Len() == 1 || params.Len() == 2) && results.Len() == 1 // Terminal has one parameter
	default:
		return params.Len() == 3 && isModel(params.At(2).Type(), "EffectCall") &&
			results.Len() > 0 && isError(results.At(results.Len()-1).Type())
	}
}
