package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// guards walks through a function and keeps account of the states that the code has left open at each place, by comparing
// the status of a state parameter with constants. It knows if, switch and what leaves early; inside of loops and function
// literals it goes on with what is known at their beginning, since a parameter does not change.
type guards struct {
	info  *types.Info
	state *types.Var // nil to guess nothing
	field string
	visit func(call *ast.CallExpr, known constraint)
}

// constraint is the set of states that are possible: those in only, or all but those in not.
type constraint struct {
	only []string // when not nil
	not  []string
}

func (c constraint) allows(state string) bool {
	return (c.only == nil || slices.Contains(c.only, state)) && !slices.Contains(c.not, state)
}

func (g *guards) function(body *ast.BlockStmt) {
	if g.state != nil && g.assigned(body) {
		g.state = nil
	}
	g.block(body.List, constraint{})
}

// calls visits the calls below n.
func (g *guards) calls(n ast.Node, known constraint) {
	if n == nil {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			g.visit(call, known)
		}
		return true
	})
}

// assigned reports whether the state parameter or its status is written, or may be, or the code jumps.
func (g *guards) assigned(body *ast.BlockStmt) bool {
	found := false
	eachWrite(g.info, body, func(w write) {
		if id, ok := ast.Unparen(w.target).(*ast.Ident); ok && g.info.ObjectOf(id) == g.state || g.isStatus(w.target) {
			found = true
		}
	})
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && rootObject(g.info, n.X) == g.state
		case *ast.BranchStmt:
			found = found || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

func (g *guards) isStatus(e ast.Expr) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok || g.state == nil || sel.Sel.Name != g.field {
		return false
	}
	id, ok := ast.Unparen(sel.X).(*ast.Ident)
	return ok && g.info.Uses[id] == g.state
}

// block walks through statements and returns what is known after them; ended is true when nothing comes after them.
func (g *guards) block(list []ast.Stmt, known constraint) (after constraint, ended bool) {
	for _, s := range list {
		known, ended = g.statement(s, known)
		if ended {
			return known, true
		}
	}
	return known, false
}

func (g *guards) statement(s ast.Stmt, known constraint) (after constraint, ended bool) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		return g.block(s.List, known)
	case *ast.LabeledStmt:
		return g.statement(s.Stmt, known)
	case *ast.IfStmt:
		return g.branch(s, known)
	case *ast.SwitchStmt:
		return g.cases(s, known)
	case *ast.ReturnStmt:
		g.calls(s, known)
		return known, true
	case *ast.BranchStmt:
		return known, s.Tok != token.FALLTHROUGH
	case *ast.ForStmt:
		g.calls(s.Init, known)
		g.calls(s.Cond, known)
		g.calls(s.Post, known)
		g.block(s.Body.List, known)
	case *ast.RangeStmt:
		g.calls(s.X, known)
		g.block(s.Body.List, known)
	case *ast.TypeSwitchStmt:
		for _, c := range s.Body.List {
			g.block(c.(*ast.CaseClause).Body, known)
		}
	case *ast.ExprStmt:
		g.calls(s, known)
		if call, ok := s.X.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				return known, true
			}
		}
	default:
		g.calls(s, known)
	}
	return known, false
}

func (g *guards) branch(s *ast.IfStmt, known constraint) (after constraint, ended bool) {
	g.calls(s.Init, known)
	g.calls(s.Cond, known)
	yes, no := g.condition(s.Cond, known)
	yes, yesEnded := g.block(s.Body.List, yes)
	noEnded := false
	if s.Else != nil {
		no, noEnded = g.statement(s.Else, no)
	}
	switch {
	case yesEnded && noEnded:
		return known, true
	case yesEnded:
		return no, false
	case noEnded:
		return yes, false
	}
	return known, false
}

func (g *guards) cases(s *ast.SwitchStmt, known constraint) (after constraint, ended bool) {
	g.calls(s.Init, known)
	g.calls(s.Tag, known)
	rest, hasDefault, allEnded := known, false, true
	inCase := make([]constraint, len(s.Body.List))
	for i, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		inCase[i] = known
		if c.List == nil {
			hasDefault = true
			continue
		}
		switch {
		case s.Tag == nil:
			yes, no := g.condition(anyOf(c.List), rest)
			inCase[i], rest = yes, no
		case g.isStatus(s.Tag):
			if values, ok := g.constants(c.List); ok {
				inCase[i], rest = rest.is(values), rest.isNot(values)
			}
		}
	}
	for i, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		for _, e := range c.List {
			g.calls(e, known)
		}
		in := inCase[i]
		if c.List == nil {
			in = rest
		}
		if i > 0 && fallsThrough(s.Body.List[i-1]) {
			in = known
		}
		_, caseEnded := g.block(c.Body, in)
		allEnded = allEnded && caseEnded && !breaks(c)
	}
	if !hasDefault {
		if allEnded {
			return rest, false
		}
		return known, false
	}
	return known, allEnded
}

func anyOf(list []ast.Expr) ast.Expr {
	e := list[0]
	for _, other := range list[1:] {
		e = &ast.BinaryExpr{X: e, OpPos: other.Pos(), Op: token.LOR, Y: other}
	}
	return e
}

func fallsThrough(s ast.Stmt) bool {
	list := s.(*ast.CaseClause).Body
	if len(list) == 0 {
		return false
	}
	b, ok := list[len(list)-1].(*ast.BranchStmt)
	return ok && b.Tok == token.FALLTHROUGH
}

// breaks reports whether a case has a break, after which the switch goes on.
func breaks(c *ast.CaseClause) bool {
	found := false
	for _, s := range c.Body {
		ast.Inspect(s, func(n ast.Node) bool {
			b, ok := n.(*ast.BranchStmt)
			found = found || ok && b.Tok == token.BREAK
			return !found
		})
	}
	return found
}

// condition returns what is known where a condition holds, and where it does not.
func (g *guards) condition(e ast.Expr, known constraint) (yes, no constraint) {
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			yes, no = g.condition(x.X, known)
			return no, yes
		}
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND:
			first, firstNot := g.condition(x.X, known)
			yes, secondNot := g.condition(x.Y, first)
			return yes, union(firstNot, secondNot)
		case token.LOR:
			first, firstNot := g.condition(x.X, known)
			second, no := g.condition(x.Y, firstNot)
			return union(first, second), no
		case token.EQL, token.NEQ:
			status, value := x.X, x.Y
			if g.isStatus(value) {
				status, value = value, status
			}
			values, ok := g.constants([]ast.Expr{value})
			if !g.isStatus(status) || !ok {
				break
			}
			if x.Op == token.EQL {
				return known.is(values), known.isNot(values)
			}
			return known.isNot(values), known.is(values)
		}
	}
	return known, known
}

func (g *guards) constants(list []ast.Expr) ([]string, bool) {
	var values []string
	for _, e := range list {
		value, ok := constantString(g.info, e)
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

func (c constraint) is(states []string) constraint {
	only := []string{}
	for _, s := range states {
		if c.allows(s) {
			only = append(only, s)
		}
	}
	return constraint{only: only}
}

func (c constraint) isNot(states []string) constraint {
	if c.only != nil {
		return constraint{only: slices.DeleteFunc(slices.Clone(c.only), func(s string) bool { return slices.Contains(states, s) })}
	}
	return constraint{not: append(slices.Clip(c.not), states...)}
}

// union is what is known where one of two constraints holds.
func union(a, b constraint) constraint {
	switch {
	case a.only != nil && b.only != nil:
		return constraint{only: append(slices.Clip(a.only), b.only...)}
	case a.only == nil && b.only == nil:
		return constraint{not: slices.DeleteFunc(slices.Clone(a.not), func(s string) bool { return !slices.Contains(b.not, s) })}
	case a.only == nil:
		return constraint{not: slices.DeleteFunc(slices.Clone(a.not), func(s string) bool { return slices.Contains(b.only, s) })}
	}
	return union(b, a)
}
