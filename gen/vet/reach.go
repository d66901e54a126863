package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
)

// reachAnalyzer finds what the functions of a package reach, themselves or through what they call: the clock, randomness,
// the outside and so on, by the chain of calls that leads there. What functions of other packages of the same module reach
// comes as facts; other modules are known by the table of sources alone.
var reachAnalyzer = &analysis.Analyzer{
	Name:       "ironflowreach",
	Doc:        "find what functions reach besides their arguments",
	Requires:   []*analysis.Analyzer{inspect.Analyzer, directivesAnalyzer, workflowsAnalyzer},
	ResultType: reflect.TypeFor[*reach](),
	FactTypes:  []analysis.Fact{new(reaches), new(unorderedResults)},
	Run:        func(pass *analysis.Pass) (any, error) { return newReach(pass), nil },
}

// reaches is the fact about a function, or a variable or field that holds one.
type reaches struct {
	Module string
	Chains []chain // at most one for each kind
}

func (*reaches) AFact() {}

func (r *reaches) String() string {
	var list []string
	for _, c := range r.Chains {
		list = append(list, c.String())
	}
	return strings.Join(list, "; ")
}

// chain is a way from a function to what it reaches.
type chain struct {
	Kind  kind
	Calls []string // the functions after the first one, each called by the one before
	Does  string   // what the last one does: "calls time.Now"
	At    string   // where: "price.go:12"
}

// String continues a sentence about the first function.
func (c chain) String() string {
	var b strings.Builder
	const shown = 4
	for i, name := range c.Calls {
		if i == shown {
			b.WriteString("..., which ")
			break
		}
		b.WriteString("calls " + name + ", which ")
	}
	return fmt.Sprintf("%s%s (%s)", b.String(), c.Does, c.At)
}

// reach is what is known of the functions of a package.
type reach struct {
	pass       *analysis.Pass
	directives *directives
	workflows  *workflows
	module     string
	functions  []*types.Func // those with a body, in the order of the source
	decls      map[*types.Func]*ast.FuncDecl
	nodes      []*node
	byObject   map[types.Object]*node
	order      map[*types.Func]*orderResult
	heeded     heeded
	facts      map[types.Object][]chain // of other packages, as far as they were asked for
}

// node is a function, or a variable or field that holds one.
type node struct {
	obj    types.Object
	causes []cause
	edges  []usage
	chains [kinds]*chain // found so far
}

// cause is a place where a function reaches something itself.
type cause struct {
	kind kind
	at   analysis.Range
	does string
	loop *ast.RangeStmt // for followsMapOrder, the loop over a map
}

// usage is a use of another function.
type usage struct {
	at   analysis.Range
	to   types.Object
	verb string // "calls" or "refers to"
	name string // as it is written, for fields
	own  bool   // it is a method of the same receiver
}

func newReach(pass *analysis.Pass) *reach {
	r := &reach{
		pass:       pass,
		directives: pass.ResultOf[directivesAnalyzer].(*directives),
		workflows:  pass.ResultOf[workflowsAnalyzer].(*workflows),
		decls:      make(map[*types.Func]*ast.FuncDecl),
		byObject:   make(map[types.Object]*node),
		order:      make(map[*types.Func]*orderResult),
		heeded:     make(heeded),
		facts:      make(map[types.Object][]chain),
	}
	if pass.Module != nil {
		r.module = pass.Module.Path
	}
	if len(pass.Files) == 0 || isStandard(pass, r.module) {
		return r
	}
	r.findFunctions()
	r.followOrder()
	r.findVariables()
	for _, fn := range r.functions {
		r.function(fn, r.decls[fn])
	}
	r.solve()
	r.export()
	return r
}

// isStandard reports whether a package belongs to the standard library, whose functions are in the table of sources.
func isStandard(pass *analysis.Pass, module string) bool {
	first, _, _ := strings.Cut(pass.Pkg.Path(), "/")
	return (module == "" || module == "std" || module == "cmd") && !strings.Contains(first, ".")
}

// findFunctions lists the functions of all files but the tests.
func (r *reach) findFunctions() {
	for d := range r.declarations() {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			if fn, ok := r.pass.TypesInfo.Defs[d.Name].(*types.Func); ok {
				r.functions = append(r.functions, fn)
				r.decls[fn] = d
			}
		}
	}
}

func (r *reach) declarations() iter.Seq[ast.Decl] {
	return func(yield func(ast.Decl) bool) {
		for _, f := range r.pass.Files {
			if isTestFile(r.pass.Fset.File(f.FileStart)) {
				continue
			}
			for _, d := range f.Decls {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// findVariables adds the package variables that hold functions.
func (r *reach) findVariables() {
	for d := range r.declarations() {
		d, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			if spec, ok := spec.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
				for i, name := range spec.Names {
					r.holds(r.pass.TypesInfo.Defs[name], spec.Values[i])
				}
			}
		}
	}
}

func (r *reach) function(fn *types.Func, d *ast.FuncDecl) {
	n := r.node(fn)
	for _, f := range r.order[fn].findings {
		r.addCause(n, cause{followsMapOrder, f.at, f.does, f.loop})
	}
	r.walker(n, receiverVar(fn)).walk(d.Body)
}

// holds notes that a variable or field holds the functions that a value consists of.
func (r *reach) holds(obj types.Object, value ast.Expr) {
	v, ok := obj.(*types.Var)
	if !ok || v.Pkg() != r.pass.Pkg || !is[*types.Signature](v.Type()) {
		return
	}
	w := r.walker(r.node(v.Origin()), nil)
	if lit, ok := ast.Unparen(value).(*ast.FuncLit); ok {
		w.walk(lit.Body)
	} else {
		w.walk(value)
	}
}

func (r *reach) walker(n *node, receiver *types.Var) *walker {
	return &walker{reach: r, node: n, receiver: receiver}
}

func (r *reach) node(obj types.Object) *node {
	n, ok := r.byObject[obj]
	if !ok {
		n = &node{obj: obj}
		r.byObject[obj] = n
		r.nodes = append(r.nodes, n)
	}
	return n
}

// addCause adds a cause that no comment suppresses.
func (r *reach) addCause(n *node, c cause) {
	if !r.ignored(c.kind, c.at.Pos()) {
		n.causes = append(n.causes, c)
	}
}

func (r *reach) ignored(k kind, pos token.Pos) bool {
	d := r.directives.at(k.analyzer(), pos)
	if d != nil {
		r.heeded[d] = true
	}
	return d != nil
}

// solve finds the shortest chain of each kind for each node.
func (r *reach) solve() {
	for _, n := range r.nodes {
		for _, c := range n.causes {
			if n.chains[c.kind] == nil {
				n.chains[c.kind] = &chain{Kind: c.kind, Does: c.does, At: r.at(c.at.Pos())}
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, n := range r.nodes {
			for _, e := range n.edges {
				for k := range kinds {
					through := r.through(e, k)
					if through == nil {
						continue
					}
					if known := n.chains[k]; known != nil && len(known.Calls) <= len(through.Calls) {
						continue
					}
					if r.ignored(k, e.at.Pos()) {
						continue
					}
					n.chains[k] = through
					changed = true
				}
			}
		}
	}
}

// through returns the chain of a kind that an edge leads to, beginning with the edge's function, or nil.
func (r *reach) through(e usage, k kind) *chain {
	if k == changesReceiver && !e.own {
		return nil
	}
	var found *chain
	if n, ok := r.byObject[e.to]; ok {
		if fn, ok := e.to.(*types.Func); ok {
			if _, isRoot := r.workflows.roles[fn]; isRoot {
				return nil // reported where it is
			}
		}
		found = n.chains[k]
	} else {
		for _, c := range r.imported(e.to) {
			if c.Kind == k {
				found = &c
			}
		}
	}
	if found == nil {
		return nil
	}
	name := e.name
	if name == "" {
		name = qualified(nil, e.to)
	}
	c := *found
	c.Calls = append([]string{name}, c.Calls...)
	return &c
}

// imported returns what is known of an object of another package of the module.
func (r *reach) imported(obj types.Object) []chain {
	if obj.Pkg() == nil || obj.Pkg() == r.pass.Pkg {
		return nil
	}
	chains, known := r.facts[obj]
	if !known {
		var fact reaches
		if r.pass.ImportObjectFact(obj, &fact) && fact.Module == r.module {
			chains = fact.Chains
		}
		r.facts[obj] = chains
	}
	return chains
}

// export makes facts of what other packages can use.
func (r *reach) export() {
	for _, n := range r.nodes {
		if !n.obj.Exported() {
			continue
		}
		fact := reaches{Module: r.module}
		for k, c := range n.chains {
			if c != nil && kind(k).spreads() {
				fact.Chains = append(fact.Chains, *c)
			}
		}
		if len(fact.Chains) > 0 {
			r.pass.ExportObjectFact(n.obj, &fact)
		}
	}
	for fn, order := range r.order {
		if fn.Exported() && len(order.results) > 0 {
			r.pass.ExportObjectFact(fn, &unorderedResults{Module: r.module, Results: order.results})
		}
	}
}

func (r *reach) at(pos token.Pos) string {
	p := r.pass.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line)
}

// arrival is a place in a function where it reaches something.
type arrival struct {
	at   analysis.Range
	kind kind
	does string         // continues a sentence about the function
	own  bool           // it is reached in the function itself
	loop *ast.RangeStmt // that of the cause
}

// arrivals returns what a function of the package reaches, of the given kinds: one for each place.
func (r *reach) arrivals(fn *types.Func, of ...kind) []arrival {
	n := r.byObject[fn]
	if n == nil {
		return nil
	}
	var list []arrival
	seen := make(map[token.Pos]bool)
	for _, c := range n.causes {
		if slices.Contains(of, c.kind) && !seen[c.at.Pos()] {
			seen[c.at.Pos()] = true
			list = append(list, arrival{at: c.at, kind: c.kind, does: r.local(c.does), own: true, loop: c.loop})
		}
	}
	for _, e := range n.edges {
		for _, k := range of {
			c := r.through(e, k)
			if c == nil || seen[e.at.Pos()] {
				continue
			}
			seen[e.at.Pos()] = true
			does := strings.Replace(c.String(), "calls", e.verb, 1)
			list = append(list, arrival{at: e.at, kind: k, does: r.local(does)})
		}
	}
	return list
}

// local takes the name of the package itself from the names in a text. Chains have it, because they are read elsewhere too.
func (r *reach) local(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if name, ok := strings.CutPrefix(word, r.pass.Pkg.Name()+"."); ok && !strings.HasPrefix(name, "go:") { // a file
			words[i] = name
		}
	}
	return strings.Join(words, " ")
}

// importedArrivals is arrivals for a function of another package.
func (r *reach) importedArrivals(fn *types.Func, at analysis.Range, of ...kind) []arrival {
	var list []arrival
	for _, c := range r.imported(fn) {
		if slices.Contains(of, c.Kind) {
			list = append(list, arrival{at: at, kind: c.Kind, does: c.String()})
		}
	}
	return list
}

// receiverVar returns a method's receiver, when it has a name.
func receiverVar(fn *types.Func) *types.Var {
	if recv := fn.Signature().Recv(); recv != nil && recv.Name() != "" && recv.Name() != "_" {
		return recv
	}
	return nil
}
