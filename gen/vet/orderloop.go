package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// orderLoop is a loop whose turns come in a random order.
type orderLoop struct {
	*orderFinder
	stmt  *ast.RangeStmt
	over  string                // for messages
	key   types.Object          // each value of which comes once; nil when there is no such variable
	vars  map[types.Object]bool // what differs from turn to turn
	conds []ast.Expr            // the conditions around the statement that is looked at
	folds bool                  // something is added up, which a break would cut short
}

// loop looks for what makes the order of a loop matter.
func (f *orderFinder) loop(stmt *ast.RangeStmt, key types.Object, over string) {
	l := &orderLoop{orderFinder: f, stmt: stmt, over: over, key: key, vars: make(map[types.Object]bool)}
	for _, e := range []ast.Expr{stmt.Key, stmt.Value} {
		if obj := f.object(e); obj != nil {
			l.vars[obj] = true
		}
	}
	if len(l.vars) == 0 {
		return // every turn is the same
	}
	for range 4 { // variables made of variables
		l.addVars()
	}
	l.statement(stmt.Body)
	if at := l.breakOf(); at != nil && l.folds {
		l.finding(at, "stops a loop over "+l.over+" early, so that what it has seen by then is random")
	}
}

// addVars adds the variables of the body that are made of those known.
func (l *orderLoop) addVars() {
	add := func(left []ast.Expr, right ...ast.Expr) {
		if !slices.ContainsFunc(right, l.differs) {
			return
		}
		for _, e := range left {
			if v := rootObject(l.info, e); v != nil && l.isInner(v) {
				l.vars[v] = true
			}
		}
	}
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i := range n.Lhs {
					add(n.Lhs[i:i+1], n.Rhs[i])
				}
			} else {
				add(n.Lhs, n.Rhs...)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				add([]ast.Expr{name}, n.Values...)
			}
		case *ast.RangeStmt:
			add([]ast.Expr{n.Key, n.Value}, n.X)
		case *ast.TypeSwitchStmt:
			if assign, ok := n.Assign.(*ast.AssignStmt); ok && l.differs(assign.Rhs[0]) {
				for _, c := range n.Body.List {
					if obj := l.info.Implicits[c]; obj != nil {
						l.vars[obj] = true
					}
				}
			}
		}
		return true
	})
}

// differs reports whether an expression may have another value in each turn.
func (l *orderLoop) differs(e ast.Expr) bool { return e != nil && mentions(l.info, e, l.vars) }

// isInner reports whether a variable begins anew in each turn.
func (l *orderLoop) isInner(v types.Object) bool {
	return l.vars[v] || v.Pos() >= l.stmt.Body.Pos() && v.Pos() < l.stmt.Body.End()
}

// within looks at statements under a condition, or none. What follows "if c { continue }" is under the opposite of c.
func (l *orderLoop) within(cond ast.Expr, stmts ...ast.Stmt) {
	outer := len(l.conds)
	if cond != nil {
		l.conds = append(l.conds, cond)
	}
	for _, s := range stmts {
		l.statement(s)
		if skip, ok := s.(*ast.IfStmt); ok && skip.Else == nil && endsInContinue(skip.Body) {
			l.conds = append(l.conds, negated(skip.Cond))
		}
	}
	l.conds = l.conds[:outer]
}

func endsInContinue(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	branch, ok := b.List[len(b.List)-1].(*ast.BranchStmt)
	return ok && branch.Tok == token.CONTINUE && branch.Label == nil
}

// negated returns the opposite of a condition, with the negations at the comparisons.
func negated(e ast.Expr) ast.Expr {
	e = ast.Unparen(e)
	switch x := e.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return x.X
		}
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND:
			return &ast.BinaryExpr{X: negated(x.X), OpPos: x.OpPos, Op: token.LOR, Y: negated(x.Y)}
		case token.LOR:
			return &ast.BinaryExpr{X: negated(x.X), OpPos: x.OpPos, Op: token.LAND, Y: negated(x.Y)}
		}
		opposites := map[token.Token]token.Token{token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.GEQ,
			token.GEQ: token.LSS, token.GTR: token.LEQ, token.LEQ: token.GTR}
		if op, ok := opposites[x.Op]; ok {
			return &ast.BinaryExpr{X: x.X, OpPos: x.OpPos, Op: op, Y: x.Y}
		}
	}
	return &ast.UnaryExpr{OpPos: e.Pos(), Op: token.NOT, X: e}
}

func (l *orderLoop) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.BlockStmt:
		l.within(nil, s.List...)
	case *ast.LabeledStmt:
		l.statement(s.Stmt)
	case *ast.IfStmt:
		l.within(nil, s.Init)
		l.within(s.Cond, s.Body)
		if s.Else != nil {
			l.within(negated(s.Cond), s.Else)
		}
	case *ast.SwitchStmt:
		l.within(nil, s.Init)
		for _, c := range s.Body.List {
			c := c.(*ast.CaseClause)
			l.within(caseCondition(s.Tag, c), c.Body...)
		}
	case *ast.TypeSwitchStmt:
		for _, c := range s.Body.List {
			l.within(nil, c.(*ast.CaseClause).Body...)
		}
	case *ast.ForStmt:
		l.within(nil, s.Init, s.Post, s.Body)
	case *ast.RangeStmt:
		l.within(nil, s.Body)
	case *ast.AssignStmt:
		l.assign(s)
	case *ast.ReturnStmt:
		l.returned(s)
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok {
			l.called(call)
		}
	}
}

// caseCondition is what holds in a case: its expressions, compared with the tag.
func caseCondition(tag ast.Expr, c *ast.CaseClause) ast.Expr {
	if len(c.List) != 1 {
		return tag
	}
	if tag == nil {
		return c.List[0]
	}
	return &ast.BinaryExpr{X: tag, OpPos: c.Pos(), Op: token.EQL, Y: c.List[0]}
}

func (l *orderLoop) assign(s *ast.AssignStmt) {
	for i, left := range s.Lhs {
		var right ast.Expr
		switch {
		case len(s.Rhs) == len(s.Lhs):
			right = s.Rhs[i]
		default:
			right = s.Rhs[0]
		}
		v := rootObject(l.info, left)
		if v == nil || l.isInner(v) || isBlank(left) {
			continue
		}
		l.assignOuter(s, left, right)
	}
}

// assignOuter looks at an assignment to what is there before and after the loop.
func (l *orderLoop) assignOuter(s *ast.AssignStmt, left, right ast.Expr) {
	if !l.differs(right) || l.picksOne() || l.isOwnPlace(left) || isError(l.info.TypeOf(left)) {
		return
	}
	if index, ok := ast.Unparen(left).(*ast.IndexExpr); ok {
		if is[*types.Map](l.info.TypeOf(index.X)) && l.differs(index.Index) && s.Tok == token.ASSIGN && !l.isAppend(right) {
			l.folds = true
			return // another map
		}
	}
	text := types.ExprString(left)
	switch {
	case l.isAppend(right):
		l.appends(s, left, right)
	case s.Tok != token.ASSIGN && s.Tok != token.DEFINE:
		l.folded(s, left, s.Tok)
	case l.foldsItself(right, text):
		l.folded(s, left, foldToken(right))
	case l.isExtremum(left, right), l.takesItself(right, text):
		l.folds = true
	case isModel(l.info.TypeOf(left), "Decision"):
		l.finding(s, "adds to the decision in the order of "+l.over+", which is random")
	case l.isListElement(left):
		l.assignedList(ast.Unparen(left).(*ast.IndexExpr).X, l.stmt, s, "fills "+text+" in the order of "+l.over+", which is random")
	default:
		l.finding(s, "sets "+text+" from a turn of a loop over "+l.over+", and which turn is the last one is random")
	}
}

// isOwnPlace reports whether each turn assigns to another place: an element with the key for its index, or a part of one.
func (l *orderLoop) isOwnPlace(e ast.Expr) bool {
	for l.key != nil {
		switch x := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			if l.tellsKeysApart(x.Index) {
				return true
			}
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return false
		}
	}
	return false
}

// tellsKeysApart reports whether an expression has another value for each key: it is the key, or composed with it.
func (l *orderLoop) tellsKeysApart(e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		return l.object(x) == l.key
	case *ast.BinaryExpr:
		return x.Op == token.ADD && (l.tellsKeysApart(x.X) && !l.differs(x.Y) || l.tellsKeysApart(x.Y) && !l.differs(x.X))
	case *ast.CallExpr:
		return len(x.Args) == 1 && l.info.Types[x.Fun].IsType() && l.tellsKeysApart(x.Args[0])
	case *ast.CompositeLit:
		return slices.ContainsFunc(x.Elts, func(e ast.Expr) bool {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				e = pair.Value
			}
			return l.tellsKeysApart(e)
		})
	}
	return false
}

func (l *orderLoop) isAppend(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := l.info.Uses[id].(*types.Builtin)
	return ok && b.Name() == "append"
}

// appends follows the list that the loop fills.
func (l *orderLoop) appends(s *ast.AssignStmt, left, right ast.Expr) {
	call := ast.Unparen(right).(*ast.CallExpr)
	if !slices.ContainsFunc(call.Args[1:], l.differs) {
		return // the same element each time
	}
	if list, ok := l.info.TypeOf(left).Underlying().(*types.Slice); ok && isError(list.Elem()) {
		return // as for returned errors
	}
	l.folds = true
	text := types.ExprString(left)
	does := "appends to " + text + " in the order of " + l.over + ", which is random, and does not sort it"
	if id, ok := ast.Unparen(left).(*ast.Ident); ok {
		l.followList(l.info.ObjectOf(id), l.stmt.End(), s, does)
	} else if !l.sortedLater(left, l.stmt.End()) {
		l.finding(s, does)
	}
}

// isListElement reports whether an expression is an element of a slice or an array.
func (l *orderLoop) isListElement(e ast.Expr) bool {
	index, ok := ast.Unparen(e).(*ast.IndexExpr)
	return ok && !is[*types.Map](l.info.TypeOf(index.X))
}

// folded looks at x op= y.
func (l *orderLoop) folded(s *ast.AssignStmt, left ast.Expr, op token.Token) {
	l.folds = true
	t := l.info.TypeOf(left)
	switch op {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.ADD, token.MUL:
		if commutes(t) {
			return
		}
	case token.AND_ASSIGN, token.OR_ASSIGN, token.XOR_ASSIGN, token.AND_NOT_ASSIGN, token.AND, token.OR, token.XOR,
		token.LAND, token.LOR:
		return
	}
	text := types.ExprString(left)
	basic, _ := t.Underlying().(*types.Basic)
	switch {
	case basic != nil && basic.Info()&types.IsString != 0:
		l.finding(s, "builds the string "+text+" in the order of "+l.over+", which is random")
	case basic != nil && basic.Info()&(types.IsFloat|types.IsComplex) != 0:
		l.finding(s, "adds up "+text+" in the order of "+l.over+", which is random, and the sum of floats depends on the order")
	default:
		l.finding(s, "computes "+text+" in the order of "+l.over+", which is random")
	}
}

// commutes reports whether sums of a type do not depend on the order.
func commutes(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsInteger|types.IsBoolean) != 0
}

// foldsItself reports whether an expression is x op y with the text of x on one side.
func (l *orderLoop) foldsItself(e ast.Expr, text string) bool {
	b, ok := ast.Unparen(e).(*ast.BinaryExpr)
	return ok && foldToken(e) != token.ILLEGAL &&
		(types.ExprString(b.X) == text || types.ExprString(b.Y) == text || l.foldsItself(b.X, text))
}

func foldToken(e ast.Expr) token.Token {
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok {
		switch b.Op {
		case token.ADD, token.MUL, token.AND, token.OR, token.XOR, token.LAND, token.LOR:
			return b.Op
		}
	}
	return token.ILLEGAL
}

// takesItself reports whether an expression is a call that takes the old value: x.Add(y), max(x, y). What such calls do is
// not known, but they are how sums of other types are written; a decision, though, lists what it is given in that order.
func (l *orderLoop) takesItself(e ast.Expr, text string) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || isModel(l.info.TypeOf(e), "Decision") {
		return false
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && types.ExprString(sel.X) == text {
		return true
	}
	return slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return types.ExprString(arg) == text })
}

// isExtremum reports whether the assignment keeps the largest or smallest value: all that differs in the new value is
// compared by order in a condition around it.
func (l *orderLoop) isExtremum(left, right ast.Expr) bool {
	compared := make(map[types.Object]bool)
	for _, cond := range l.conds {
		ast.Inspect(cond, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				switch n.Op {
				case token.LSS, token.GTR, token.LEQ, token.GEQ:
					l.addObjects(n, compared)
				}
			case *ast.CallExpr:
				if sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && comparing.MatchString(sel.Sel.Name) {
					l.addObjects(n, compared)
				} else if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && comparing.MatchString(id.Name) {
					l.addObjects(n, compared)
				}
			}
			return true
		})
	}
	if len(compared) == 0 {
		return false
	}
	used := make(map[types.Object]bool)
	l.addObjects(right, used)
	for obj := range used {
		if l.vars[obj] && !compared[obj] {
			return false
		}
	}
	return true
}

// comparing are the names of functions that compare by an order.
var comparing = regexp.MustCompile(`(?i)^(after|before|cmp|compare.*|.*less.*|.*greater.*|gt|lt|gte|lte)$`)

func (l *orderLoop) addObjects(n ast.Node, to map[types.Object]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := l.info.ObjectOf(id).(*types.Var); ok {
				to[v] = true
			}
		}
		return true
	})
}

// picksOne reports whether a condition around lets one turn through: it compares the key, or something of the turn with a
// value that is not a constant, which is how one looks for an id.
func (l *orderLoop) picksOne() bool {
	return slices.ContainsFunc(l.conds, l.isSearch)
}

func (l *orderLoop) isSearch(cond ast.Expr) bool {
	if call, ok := ast.Unparen(cond).(*ast.CallExpr); ok {
		return l.comparesEqual(call)
	}
	b, ok := ast.Unparen(cond).(*ast.BinaryExpr)
	if !ok {
		return false
	}
	switch b.Op {
	case token.LAND:
		return l.isSearch(b.X) || l.isSearch(b.Y)
	case token.EQL:
		x, y := b.X, b.Y
		if l.differs(y) {
			x, y = y, x
		}
		if !l.differs(x) || l.differs(y) {
			return false
		}
		isKey := l.key != nil && l.object(x) == l.key
		return isKey || l.info.Types[y].Value == nil && !l.info.Types[y].IsNil()
	}
	return false
}

// comparesEqual reports whether a call compares something of the turn with something else, like strings.EqualFold.
func (l *orderLoop) comparesEqual(call *ast.CallExpr) bool {
	name := ""
	operands := call.Args
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		operands = append(slices.Clip(operands), f.X)
	}
	isOther := func(e ast.Expr) bool { return !l.differs(e) && l.info.TypeOf(e) != nil } // no package
	return equality.MatchString(name) && slices.ContainsFunc(operands, l.differs) && slices.ContainsFunc(operands, isOther)
}

// equality are the names of functions that tell whether two things are the same.
var equality = regexp.MustCompile(`(?i)equal|same`)

// returned looks at a return from within the loop. Which of several errors is returned matters to nobody.
func (l *orderLoop) returned(s *ast.ReturnStmt) {
	matters := func(e ast.Expr) bool { return l.differs(e) && !l.makesError(e) }
	if l.picksOne() || !slices.ContainsFunc(s.Results, matters) {
		return
	}
	l.finding(s, "returns from a loop over "+l.over+" with the first one that it finds, and which one comes first is random")
}

// makesError reports whether an expression is of a type that is an error.
func (l *orderLoop) makesError(e ast.Expr) bool {
	t := l.info.TypeOf(e)
	return t != nil && types.Implements(t, types.Universe.Lookup("error").Type().Underlying().(*types.Interface))
}

// called looks at a call that stands alone.
func (l *orderLoop) called(call *ast.CallExpr) {
	if !slices.ContainsFunc(call.Args, l.differs) || l.picksOne() {
		return
	}
	fn := callee(l.info, call)
	if fn == nil {
		return
	}
	var into ast.Expr
	switch {
	case fn.Pkg() != nil && fn.Pkg().Path() == "fmt" && strings.HasPrefix(fn.Name(), "Fprint"):
		into = call.Args[0]
		if address, ok := ast.Unparen(into).(*ast.UnaryExpr); ok {
			into = address.X
		}
	case slices.Contains([]string{"Write", "WriteByte", "WriteRune", "WriteString"}, fn.Name()) && fn.Signature().Recv() != nil:
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			into = sel.X
		}
	}
	if into == nil {
		return
	}
	v := rootObject(l.info, into)
	isStream := isPackageVar(v) && v.Pkg().Path() == "os" // what is printed is no part of a decision
	if v != nil && !l.isInner(v) && !isStream {
		l.finding(call, "writes to "+types.ExprString(into)+" in the order of "+l.over+", which is random")
	}
}

// breakOf returns a statement that leaves the loop early, without having picked one turn, or nil.
func (l *orderLoop) breakOf() ast.Stmt {
	var found ast.Stmt
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			return false // a break in it is its own
		case *ast.IfStmt:
			if l.isSearch(n.Cond) {
				return false
			}
		case *ast.BranchStmt:
			if n.Tok == token.BREAK && n.Label == nil {
				found = n
			}
		}
		return true
	})
	return found
}
