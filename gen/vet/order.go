package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// This file and orderloop.go find where the random order of a map reaches what a function makes of it.
//
// A loop over a map is harmless when each turn does something that commutes: counting, adding integers, filling another map,
// looking for any or all, for the largest, or for one key. Otherwise a finding stands where the order gets out. A list that
// is filled in map order is followed: it is harmless once it is sorted, and the order is the caller's concern when the
// function returns it.

// orderResult is what is found in one function.
type orderResult struct {
	findings []orderFinding
	results  []int // results that are lists in map order
}

type orderFinding struct {
	at   analysis.Range
	does string
	loop *ast.RangeStmt // over a map; nil when there is none
}

// unorderedResults is the fact about a function that returns lists in map order.
type unorderedResults struct {
	Module  string
	Results []int
}

func (*unorderedResults) AFact() {}

func (u *unorderedResults) String() string { return fmt.Sprint("results in map order: ", u.Results) }

// followOrder fills in r.order. A function that returns a list in map order makes work in those that call it, so it goes
// around until nothing is added.
func (r *reach) followOrder() {
	for changed := true; changed; {
		changed = false
		for _, fn := range r.functions {
			d := r.decls[fn]
			_, isRoot := r.workflows.roles[fn]
			f := &orderFinder{reach: r, info: r.pass.TypesInfo, fn: fn, body: d.Body, isRoot: isRoot}
			f.find()
			if known := r.order[fn]; known == nil || len(known.results) < len(f.out.results) {
				changed = changed || len(f.out.results) > 0
			}
			r.order[fn] = &f.out
		}
	}
}

// orderFinder looks at one function.
type orderFinder struct {
	*reach
	info    *types.Info
	fn      *types.Func
	body    *ast.BlockStmt
	isRoot  bool
	parents map[ast.Node]ast.Node
	lists   map[*types.Var]bool // lists in map order that are followed already
	depth   int                 // of calls that are followed
	out     orderResult
	current *ast.RangeStmt // the loop over a map that is looked at
}

func (f *orderFinder) find() {
	f.parents = parentsOf(f.body)
	f.lists = make(map[*types.Var]bool)
	ast.Inspect(f.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if is[*types.Map](f.info.TypeOf(n.X)) {
				f.current = n
				f.loop(n, f.object(n.Key), "the map "+types.ExprString(n.X))
				f.current = nil
			} else if call, ok := ast.Unparen(n.X).(*ast.CallExpr); ok && f.isMapIterator(call) {
				f.loop(n, f.keyOf(call, n), types.ExprString(n.X))
			}
		case *ast.CallExpr:
			for _, result := range f.unorderedOf(n) {
				f.list(n, result)
			}
		}
		return true
	})
}

func parentsOf(root ast.Node) map[ast.Node]ast.Node {
	parents := make(map[ast.Node]ast.Node)
	var stack []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
	return parents
}

func (f *orderFinder) object(e ast.Expr) types.Object {
	if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
		return f.info.ObjectOf(id)
	}
	return nil
}

// isMapIterator reports whether a call makes an iterator over a map.
func (f *orderFinder) isMapIterator(call *ast.CallExpr) bool {
	return isFunc(callee(f.info, call), "maps", "All", "Keys", "Values")
}

// keyOf returns the variable of a loop over a map's iterator that stands for the keys.
func (f *orderFinder) keyOf(iterator *ast.CallExpr, loop *ast.RangeStmt) types.Object {
	if isFunc(callee(f.info, iterator), "maps", "Values") {
		return nil
	}
	return f.object(loop.Key)
}

// unorderedOf returns which results of a call are lists in map order.
func (f *orderFinder) unorderedOf(call *ast.CallExpr) []int {
	fn := callee(f.info, call)
	switch {
	case fn == nil:
		return nil
	case isFunc(fn, "slices", "Collect"), isFunc(fn, "slices", "AppendSeq"):
		last, ok := ast.Unparen(call.Args[len(call.Args)-1]).(*ast.CallExpr)
		if ok && f.isMapIterator(last) {
			return []int{0}
		}
		return nil
	case fn.Pkg() != nil && fn.Pkg().Path() == "reflect" && fn.Name() == "MapKeys":
		return []int{0}
	}
	if known := f.order[fn]; known != nil {
		return known.results
	}
	var fact unorderedResults
	if fn.Pkg() != nil && fn.Pkg() != f.pass.Pkg && f.pass.ImportObjectFact(fn, &fact) && fact.Module == f.module {
		return fact.Results
	}
	return nil
}

// list follows the list that a call returns as its result of that number.
func (f *orderFinder) list(call *ast.CallExpr, result int) {
	does := "takes " + types.ExprString(call) + " in the random order of a map"
	switch parent := f.parents[call].(type) {
	case *ast.AssignStmt:
		i := result
		if len(parent.Rhs) == len(parent.Lhs) {
			i = slices.Index(parent.Rhs, ast.Expr(call))
		}
		if i >= 0 && i < len(parent.Lhs) {
			f.assignedList(parent.Lhs[i], parent, call, does)
		}
	case *ast.ValueSpec:
		if len(parent.Names) > result && len(parent.Values) == 1 {
			f.followList(f.object(parent.Names[result]), parent.End(), call, does)
		}
	default:
		if !f.harmless(call) {
			f.finding(call, does)
		}
	}
}

// assignedList follows a list that is put into something.
func (f *orderFinder) assignedList(left ast.Expr, stmt ast.Stmt, at analysis.Range, does string) {
	if id, ok := ast.Unparen(left).(*ast.Ident); ok {
		if id.Name != "_" {
			f.followList(f.info.ObjectOf(id), stmt.End(), at, does)
		}
	} else if !f.sortedLater(left, stmt.End()) {
		f.finding(at, does)
	}
}

// followList looks at what is done with a variable that holds a list in map order from a position on.
func (f *orderFinder) followList(obj types.Object, from token.Pos, at analysis.Range, does string) {
	v, ok := obj.(*types.Var)
	if !ok {
		f.finding(at, does)
		return
	}
	if f.lists[v] {
		return // followed from its first use on
	}
	f.lists[v] = true
	if isPackageVar(v) {
		f.finding(at, does)
		return
	}
	harm := false
	for _, use := range f.usesOf(v, from) {
		if f.sorts(use) {
			return
		}
		harm = harm || !f.harmless(use)
	}
	if named := f.namedResult(v); named >= 0 {
		f.returns(named, at, does)
	} else if harm {
		f.finding(at, does)
	}
}

func (f *orderFinder) usesOf(v *types.Var, from token.Pos) []*ast.Ident {
	var uses []*ast.Ident
	ast.Inspect(f.body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Pos() >= from && f.info.Uses[id] == v {
			uses = append(uses, id)
		}
		return true
	})
	return uses
}

// namedResult returns which result a variable is, or -1.
func (f *orderFinder) namedResult(v *types.Var) int {
	results := f.fn.Signature().Results()
	for i := range results.Len() {
		if results.At(i) == v {
			return i
		}
	}
	return -1
}

// returns notes that a result is in map order. What a decider or evolver returns is an end.
func (f *orderFinder) returns(result int, at analysis.Range, does string) {
	if f.isRoot {
		f.finding(at, does)
	} else if !slices.Contains(f.out.results, result) {
		f.out.results = append(f.out.results, result)
		slices.Sort(f.out.results)
	}
}

// harmless reports whether the order of a list does not matter to what is done with it here. A return makes it the caller's
// concern.
func (f *orderFinder) harmless(use ast.Expr) bool {
	switch parent := f.parents[use].(type) {
	case *ast.ParenExpr:
		return f.harmless(parent)
	case *ast.ExprStmt:
		return true
	case *ast.BinaryExpr: // a comparison with nil
		return true
	case *ast.ReturnStmt:
		if f.isRoot || f.inLiteral(parent) {
			return false
		}
		if i := slices.Index(parent.Results, use); i >= 0 && is[*types.Slice](f.info.TypeOf(use)) {
			f.returns(i, use, "")
			return true
		}
	case *ast.RangeStmt:
		if parent.X == use {
			f.loop(parent, nil, types.ExprString(use))
			return true
		}
	case *ast.AssignStmt:
		return slices.Contains(parent.Lhs, use) || isBlank(parent.Lhs[min(len(parent.Lhs)-1, slices.Index(parent.Rhs, use))])
	case *ast.CallExpr:
		return f.harmlessArgument(parent, use)
	}
	return false
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// harmlessArgument reports whether a call makes the same of its argument in any order.
func (f *orderFinder) harmlessArgument(call *ast.CallExpr, arg ast.Expr) bool {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := f.info.Uses[id].(*types.Builtin); ok {
			switch b.Name() {
			case "append": // x = append(x, ...) goes on filling the list
				assign, ok := f.parents[call].(*ast.AssignStmt)
				return ok && len(assign.Lhs) == 1 && types.ExprString(assign.Lhs[0]) == types.ExprString(arg)
			default:
				return true
			}
		}
	}
	fn := callee(f.info, call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() {
	case "slices":
		return slices.Contains([]string{"Contains", "ContainsFunc", "Max", "Min", "Grow", "Clip"}, fn.Name())
	case "log", "log/slog":
		return true
	}
	if sortsByName(fn) {
		return true
	}
	if fn.Pkg() != f.pass.Pkg {
		// What another package makes a number or a yes of is most likely a sum or a test.
		results := fn.Signature().Results()
		return results.Len() == 1 && commutes(results.At(0).Type())
	}
	return f.parameterCommutes(fn, slices.Index(call.Args, arg))
}

// sorts reports whether a use of a list sorts it.
func (f *orderFinder) sorts(use ast.Expr) bool {
	for n := f.parents[use]; n != nil; n = f.parents[n] {
		switch n := n.(type) {
		case *ast.CallExpr:
			if fn := callee(f.info, n); fn != nil && sortsByName(fn) {
				return true
			}
		case *ast.FuncLit, ast.Stmt:
			return false
		}
	}
	return false
}

// sortsByName reports whether a function sorts, as all of package sort do and others say in their names.
func sortsByName(fn *types.Func) bool {
	return fn.Pkg() != nil && fn.Pkg().Path() == "sort" || strings.Contains(strings.ToLower(fn.Name()), "sort")
}

// sortedLater reports whether something from a position on sorts what an expression stands for, or the lists in it: a call
// that sorts and has the expression in its arguments, or stands in a loop over it.
func (f *orderFinder) sortedLater(e ast.Expr, from token.Pos) bool {
	texts := []string{types.ExprString(e)}
	if index, ok := ast.Unparen(e).(*ast.IndexExpr); ok {
		texts = append(texts, types.ExprString(index.X))
	}
	found := false
	ast.Inspect(f.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < from || found {
			return !found
		}
		if fn := callee(f.info, call); fn == nil || !sortsByName(fn) {
			return true
		}
		found = containsText(call, texts)
		for outer := f.parents[call]; outer != nil && !found; outer = f.parents[outer] {
			if loop, ok := outer.(*ast.RangeStmt); ok && loop.Pos() >= from {
				found = containsText(loop.X, texts)
			}
		}
		return !found
	})
	return found
}

// containsText reports whether an expression below n is written as one of the texts.
func containsText(n ast.Node, texts []string) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && !found {
			switch e.(type) {
			case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
				found = slices.Contains(texts, types.ExprString(e))
			}
		}
		return !found
	})
	return found
}

// parameterCommutes reports whether a function of the package makes the same of a parameter in any order.
func (f *orderFinder) parameterCommutes(fn *types.Func, i int) bool {
	if i < 0 || i >= fn.Signature().Params().Len() {
		return false
	}
	decl := f.decls[fn]
	if decl == nil || f.depth > 3 {
		return false
	}
	inner := &orderFinder{reach: f.reach, info: f.info, fn: fn, body: decl.Body, isRoot: true,
		parents: parentsOf(decl.Body), lists: make(map[*types.Var]bool), depth: f.depth + 1}
	inner.followList(fn.Signature().Params().At(i), decl.Body.Pos(), decl.Name, "")
	return len(inner.out.findings) == 0
}

// inLiteral reports whether a statement is within a function literal.
func (f *orderFinder) inLiteral(n ast.Node) bool {
	for ; n != nil; n = f.parents[n] {
		if _, ok := n.(*ast.FuncLit); ok {
			return true
		}
	}
	return false
}

func (f *orderFinder) finding(at analysis.Range, does string) {
	for _, known := range f.out.findings {
		if known.at.Pos() == at.Pos() {
			return
		}
	}
	f.out.findings = append(f.out.findings, orderFinding{at, does, f.current})
}
