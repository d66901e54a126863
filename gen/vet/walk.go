package vet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// walker collects the causes and edges of one function. The function literals within it count as a part of it.
type walker struct {
	*reach
	node     *node
	receiver *types.Var
	once     bool // within a function that runs once
}

func (w *walker) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			w.use(n, n, "refers to", false)
		case *ast.SelectorExpr:
			w.selector(n, n, "refers to")
			return false
		case *ast.CallExpr:
			return w.call(n)
		case *ast.GoStmt:
			w.cause(runsConcurrently, n, "starts a goroutine")
		case *ast.SendStmt:
			w.cause(runsConcurrently, n, "sends on a channel")
		case *ast.SelectStmt:
			w.cause(runsConcurrently, analysisRange{n.Select, n.Select + 6}, "selects between channels")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				w.cause(runsConcurrently, n, "receives from a channel")
			}
		case *ast.RangeStmt:
			if is[*types.Chan](w.pass.TypesInfo.TypeOf(n.X)) {
				w.cause(runsConcurrently, n.X, "receives from a channel")
			}
			w.write(n.Key, false)
			w.write(n.Value, false)
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				w.write(left, false)
				if len(n.Rhs) == len(n.Lhs) {
					w.assigned(left, n.Rhs[i])
				}
			}
		case *ast.IncDecStmt:
			w.write(n.X, false)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				if v, ok := w.pass.TypesInfo.Uses[key].(*types.Var); ok && v.IsField() {
					w.holds(v, n.Value)
					w.walk(n.Value)
					return false
				}
			}
		}
		return true
	})
}

func (w *walker) cause(k kind, at analysis.Range, does string) {
	w.addCause(w.node, cause{kind: k, at: at, does: does})
}

// assigned notes a function that is put into a field.
func (w *walker) assigned(left, value ast.Expr) {
	if sel, ok := ast.Unparen(left).(*ast.SelectorExpr); ok {
		if selection := w.pass.TypesInfo.Selections[sel]; selection != nil {
			w.holds(selection.Obj(), value)
		}
	}
}

// call looks at a call, and reports whether to go on below it.
func (w *walker) call(call *ast.CallExpr) bool {
	fun := ast.Unparen(call.Fun)
	switch indexed := fun.(type) { // f[T]
	case *ast.IndexExpr:
		fun = indexed.X
	case *ast.IndexListExpr:
		fun = indexed.X
	}
	fn := callee(w.pass.TypesInfo, call)
	switch f := fun.(type) {
	case *ast.Ident:
		if w.builtin(f, call) {
			break
		}
		w.use(f, call, "calls", false)
	case *ast.SelectorExpr:
		w.selector(f, call, "calls")
	case *ast.FuncLit:
		w.walk(f.Body)
	default:
		w.walk(call.Fun)
	}
	if fn != nil && fn.Signature().Results().Len() == 1 && isModel(fn.Signature().Results().At(0).Type(), "Decision") {
		w.cause(decides, call, "calls "+qualified(nil, fn))
	}
	once := w.once
	w.once = once || runsOnce(fn)
	for _, arg := range call.Args {
		w.walk(arg)
	}
	w.once = once
	return false
}

// builtin looks at the builtin functions that concern it.
func (w *walker) builtin(id *ast.Ident, call *ast.CallExpr) bool {
	b, ok := w.pass.TypesInfo.Uses[id].(*types.Builtin)
	if !ok || len(call.Args) == 0 {
		return ok
	}
	switch b.Name() {
	case "close":
		w.cause(runsConcurrently, call, "closes a channel")
	case "make":
		if is[*types.Chan](w.pass.TypesInfo.TypeOf(call.Args[0])) {
			w.cause(runsConcurrently, call, "makes a channel")
		}
	}
	if isChanger(w.pass.TypesInfo, id) {
		w.write(call.Args[0], true)
	}
	return true
}

// selector looks at x.f, as a use of f and of x.
func (w *walker) selector(sel *ast.SelectorExpr, at analysis.Range, verb string) {
	own := false
	if id, ok := ast.Unparen(sel.X).(*ast.Ident); ok && w.receiver != nil {
		own = w.pass.TypesInfo.Uses[id] == w.receiver
	}
	if v, ok := w.pass.TypesInfo.Uses[sel.Sel].(*types.Var); ok && v.IsField() {
		if is[*types.Signature](v.Type()) {
			w.edge(usage{at: at, to: v.Origin(), verb: verb, name: types.ExprString(sel)})
		}
	} else {
		w.use(sel.Sel, at, verb, own)
	}
	if _, isPackage := w.qualifier(sel); !isPackage {
		w.walk(sel.X)
	}
}

func (w *walker) qualifier(sel *ast.SelectorExpr) (*types.PkgName, bool) {
	if id, ok := sel.X.(*ast.Ident); ok {
		name, ok := w.pass.TypesInfo.Uses[id].(*types.PkgName)
		return name, ok
	}
	return nil, false
}

// use looks at an identifier that stands for something declared elsewhere.
func (w *walker) use(id *ast.Ident, at analysis.Range, verb string, own bool) {
	switch obj := w.pass.TypesInfo.Uses[id].(type) {
	case *types.Func:
		obj = obj.Origin()
		if obj.Pkg() != nil {
			if k, ok := contextFree[obj.Pkg().Path()].of(obj); ok {
				w.cause(k, at, verb+" "+qualified(nil, obj))
			}
		}
		if k, ok := sourceOf(obj); ok {
			w.source(k, at, verb+" "+qualified(nil, obj))
		} else if !isInterfaceMethod(obj) {
			w.edge(usage{at: at, to: obj, verb: verb, own: own})
		}
	case *types.Var:
		obj = obj.Origin()
		if k, ok := sourceOf(obj); ok {
			w.source(k, at, "uses "+qualified(nil, obj))
			return
		}
		if is[*types.Signature](obj.Type()) && isPackageVar(obj) {
			w.edge(usage{at: at, to: obj, verb: verb})
		}
	}
}

// source adds what the table of sources says, with the mistakes that only handlers make of it.
func (w *walker) source(k kind, at analysis.Range, does string) {
	w.cause(k, at, does)
	switch {
	case does == "calls time.Sleep":
		w.cause(sleeps, at, does)
	case k == takesContext:
		w.cause(dropsContext, at, does)
	}
}

func (w *walker) edge(e usage) { w.node.edges = append(w.node.edges, e) }
