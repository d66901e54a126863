package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// This file is about memory that outlives a decision: package variables and what a decider's fields hold.

// writtenVar is the fact about a package variable that changes after the program has started.
type writtenVar struct {
	Module string
	At     string // where
}

func (*writtenVar) AFact() {}

func (w *writtenVar) String() string { return "written at " + w.At }

// findWritten finds the package variables that something else than initialization writes. Functions called init, what
// package sync runs once, and functions that only these call belong to the initialization.
func (r *reach) findWritten() {
	start := r.startFunctions()
	for _, fn := range r.functions {
		if start[fn] {
			continue
		}
		eachWrite(r.pass.TypesInfo, r.decls[fn].Body, func(w write) {
			v := rootObject(r.pass.TypesInfo, w.target)
			if !w.once && isPackageVar(v) && v.Pkg() == r.pass.Pkg && r.written[v] == "" {
				r.written[v] = r.at(w.target.Pos())
			}
		})
	}
}

// startFunctions returns the functions that only initialization calls: unexported ones, each use of which is a call in
// init or in another of them.
func (r *reach) startFunctions() map[types.Object]bool {
	users := make(map[types.Object][]types.Object) // nil for a use outside of functions
	start := make(map[types.Object]bool)
	for d := range r.declarations() {
		var user types.Object
		if d, ok := d.(*ast.FuncDecl); ok {
			user = r.pass.TypesInfo.Defs[d.Name]
			start[user] = d.Recv == nil && d.Name.Name == "init"
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if fn, ok := r.pass.TypesInfo.Uses[id].(*types.Func); ok && fn.Pkg() == r.pass.Pkg {
					users[fn.Origin()] = append(users[fn.Origin()], user)
				}
			}
			return true
		})
	}
	for changed := true; changed; {
		changed = false
		for fn, of := range users {
			if start[fn] || fn.Exported() {
				continue
			}
			if !slices.ContainsFunc(of, func(user types.Object) bool { return user != nil && !start[user] }) {
				start[fn], changed = true, true
			}
		}
	}
	return start
}

// write is a change of a variable.
type write struct {
	target ast.Expr
	once   bool // package sync lets it happen once
}

// eachWrite calls f with each change below n.
func eachWrite(info *types.Info, n ast.Node, f func(write)) {
	var visit func(n ast.Node, once bool)
	visit = func(n ast.Node, once bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, left := range n.Lhs {
						f(write{target: left, once: once})
					}
				}
			case *ast.IncDecStmt:
				f(write{target: n.X, once: once})
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					f(write{target: n.Key, once: once})
					if n.Value != nil {
						f(write{target: n.Value, once: once})
					}
				}
			case *ast.CallExpr:
				if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && len(n.Args) > 0 {
					if b, ok := info.Uses[id].(*types.Builtin); ok && slices.Contains(changers, b.Name()) {
						f(write{target: n.Args[0], once: once})
					}
				}
				fn := callee(info, n)
				if target, writes := atomicTarget(fn, n); target != nil && writes {
					f(write{target: target, once: once})
				}
				if runsOnce(fn) {
					for _, arg := range n.Args {
						visit(arg, true)
					}
					return false
				}
			}
			return true
		})
	}
	visit(n, false)
}

// changers are the builtin functions that change their first argument in place.
var changers = []string{"clear", "copy", "delete"}

// runsOnce reports whether a function is one of package sync that calls another one once.
func runsOnce(fn *types.Func) bool {
	return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "sync" &&
		(receiverName(fn) == "Once" || strings.HasPrefix(fn.Name(), "Once"))
}

// atomicTarget returns what a call of sync/atomic, or of a method of sync.Map, works on, and whether it may write it.
func atomicTarget(fn *types.Func, call *ast.CallExpr) (target ast.Expr, writes bool) {
	if fn == nil || fn.Pkg() == nil {
		return nil, false
	}
	writes = !strings.HasPrefix(fn.Name(), "Load") && fn.Name() != "Range" || strings.HasPrefix(fn.Name(), "LoadOr") ||
		strings.HasPrefix(fn.Name(), "LoadAnd")
	switch recv := receiverName(fn); {
	case fn.Pkg().Path() == "sync/atomic" && recv == "":
		if len(call.Args) > 0 {
			if address, ok := ast.Unparen(call.Args[0]).(*ast.UnaryExpr); ok && address.Op == token.AND {
				return address.X, writes
			}
		}
	case fn.Pkg().Path() == "sync/atomic", fn.Pkg().Path() == "sync" && recv == "Map":
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			return sel.X, writes
		}
	}
	return nil, false
}

// writtenAt says where a package variable is written after the start, or "".
func (r *reach) writtenAt(v *types.Var) string {
	if v.Pkg() == r.pass.Pkg {
		return r.written[v]
	}
	var fact writtenVar
	if v.Pkg() != nil && r.pass.ImportObjectFact(v, &fact) && fact.Module == r.module {
		return v.Pkg().Name() + "/" + fact.At
	}
	return ""
}

// write looks at an expression that is assigned to.
func (w *walker) write(target ast.Expr) {
	if target == nil {
		return
	}
	w.changed(target, persists(w.pass.TypesInfo, target))
}

// writeThrough looks at an expression whose elements are changed.
func (w *walker) writeThrough(target ast.Expr) { w.changed(target, true) }

func (w *walker) changed(target ast.Expr, persists bool) {
	v := rootObject(w.pass.TypesInfo, target)
	if v != nil {
		w.quiet[rootIdent(w.pass.TypesInfo, target)] = true
	}
	switch {
	case w.once || v == nil:
	case isPackageVar(v):
		w.cause(touchesGlobals, target, "writes the package variable "+qualified(nil, v))
	case v == w.receiver && persists:
		w.cause(changesReceiver, target, "changes "+types.ExprString(target)+", which outlives the decision")
	}
}

// persists reports whether an assignment to an expression changes memory that its variable only refers to: the variable, or
// something on the way to the expression, is a pointer, a map or a slice.
func persists(info *types.Info, e ast.Expr) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if is[*types.Pointer](info.TypeOf(x.X)) {
				return true
			}
			e = x.X
		case *ast.IndexExpr:
			if _, isArray := info.TypeOf(x.X).Underlying().(*types.Array); !isArray {
				return true
			}
			e = x.X
		case *ast.StarExpr:
			return true
		default:
			return false
		}
	}
}

// isLogger reports whether a type is a logger, which a program may replace without harm.
func isLogger(t types.Type) bool {
	named, ok := types.Unalias(deref(t)).(*types.Named)
	return ok && strings.Contains(named.Obj().Name(), "Logger")
}
