// Package fold finds the user's code that a fold of events can depend on, and gives it a fingerprint. A snapshot that was
// made under another fingerprint is not used.
//
// The code is read without types and without the go command, because the package need not compile yet. A declaration counts
// when its name is mentioned by one that counts, whatever the name means there. That takes in more than the fold uses, and so
// costs a replay now and then, but misses nothing in the files that are read: those of the package, and of the packages of its
// module that it imports.
package fold

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/internal/buildtags"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Package is the Go package of a workflow.
type Package struct {
	Files []File // the user's; those that are tests, or in no build, are passed over

	// ModuleDir and ModulePath are the module's. Both are empty when there is none yet; other packages are not read then.
	ModuleDir, ModulePath string

	// IsGenerated reports whether ironflow-gen wrote a file. What it writes follows from declarations, and is passed over.
	IsGenerated func(content []byte) bool
}

// File is a Go file.
type File struct {
	Name    string // without directory
	Content []byte
}

// Fingerprint returns 16 hexadecimal digits that stay the same while the code that folds the workflow's events does. Comments,
// the layout, the order of declarations and the files that they are in do not matter. It is empty without such code.
func Fingerprint(w *spec.Workflow, p Package) string {
	r := reader{p: p, reached: roots(w), loaded: make(map[string]bool)}
	r.load("", p.Files)
	for _, t := range w.Types {
		if t.Kind == spec.Imported {
			r.importPackage(t.Go.Path)
		}
	}
	for r.pass() {
	}
	if len(r.lines) == 0 {
		return ""
	}
	slices.Sort(r.lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(r.lines), "\n")))
	return hex.EncodeToString(sum[:8])
}

// roots are the names that the search begins with: the evolver's type and methods, and types whose methods may be called by a
// fold or by the codec of the state.
func roots(w *spec.Workflow) map[string]bool {
	names := map[string]bool{"Evolver": true, "Terminal": true, w.StateType: true}
	if w.HasStates() {
		names[w.StatusType] = true
	}
	for _, event := range w.Events {
		names[event.Name.Text] = true
		for _, old := range event.Older {
			names["Upcaster"], names[old.Name] = true, true
		}
	}
	for _, t := range w.Types {
		names[t.Name.Text] = true
		if t.Kind == spec.Imported {
			names[t.Go.Name] = true
		}
	}
	return names
}

// reader collects what counts.
type reader struct {
	p       Package
	reached map[string]bool // names
	loaded  map[string]bool // packages, by import path
	units   []*unit         // that do not count so far
	lines   []string
}

// unit is a declaration, or a group of constants, which depend on each other's places.
type unit struct {
	pkg      string // import path below the module's; empty for the workflow's package
	imports  []importSpec
	node     ast.Node
	names    []string // that it declares; a method's are its own and its receiver's
	mentions map[string]bool
	vars     bool // it declares variables
	effect   bool // it runs at the start and has no name: it counts when it mentions a variable that does
}

type importSpec struct {
	name string // empty when the file does not give one
	path string
}

// pass takes the units that count by now, and reports whether there were any.
func (r *reader) pass() bool {
	var left, taken []*unit
	for _, u := range r.units {
		if r.counts(u) {
			taken = append(taken, u)
		} else {
			left = append(left, u)
		}
	}
	r.units = left
	for _, u := range taken {
		r.take(u)
	}
	return len(taken) > 0
}

func (r *reader) counts(u *unit) bool {
	if slices.ContainsFunc(u.names, func(name string) bool { return r.reached[name] }) {
		return true
	}
	return u.effect && mentionsAny(u, r.reached)
}

func mentionsAny(u *unit, names map[string]bool) bool {
	for name := range u.mentions {
		if names[variable(name)] {
			return true
		}
	}
	return false
}

// variable is the key in reader.reached that says that a variable of the name counts. No name has a space.
func variable(name string) string { return "var " + name }

// take adds a unit to the fingerprint, and what it mentions to the search.
func (r *reader) take(u *unit) {
	for name := range u.mentions {
		r.reached[name] = true
	}
	if u.vars {
		for _, name := range u.names {
			r.reached[variable(name)] = true
		}
	}
	r.lines = append(r.lines, fmt.Sprintf("%q %s", u.pkg, canonical(u.node)))
	for _, i := range u.imports {
		if name := r.importedName(i); name == "" || name == "." || u.mentions[name] {
			r.lines = append(r.lines, fmt.Sprintf("%q import %s %q", u.pkg, name, i.path))
			r.importPackage(i.path)
		}
	}
}

// importedName returns the name of an imported package in the file, "" when only its own files would tell.
func (r *reader) importedName(i importSpec) string {
	if i.name != "" {
		return i.name
	}
	if _, files := r.packageOf(i.path); len(files) > 0 {
		for _, f := range files {
			if syntax, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Content, parser.PackageClauseOnly); err == nil {
				return syntax.Name.Name
			}
		}
	}
	if first, _, _ := strings.Cut(i.path, "/"); strings.Contains(first, ".") {
		return ""
	}
	parts := strings.Split(i.path, "/") // of the standard library
	last := parts[len(parts)-1]
	if len(parts) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	return last
}

// importPackage adds a package, if it is one of the module.
func (r *reader) importPackage(path string) {
	if pkg, files := r.packageOf(path); pkg != "" && !r.loaded[pkg] {
		r.load(pkg, files)
	}
}

// packageOf returns the import path below the module's, and the files that count, of a package of the module. There are none of
// another one.
func (r *reader) packageOf(path string) (pkg string, files []File) {
	below, ok := strings.CutPrefix(path+"/", r.p.ModulePath+"/")
	if r.p.ModulePath == "" || !ok {
		return "", nil
	}
	pkg = "/" + strings.TrimSuffix(below, "/")
	dir := filepath.Join(r.p.ModuleDir, filepath.FromSlash(pkg))
	entries, _ := os.ReadDir(dir) // the compiler will tell of one that is missing
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".go" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if f := (File{e.Name(), content}); err == nil && isBuilt(f) {
			files = append(files, f)
		}
	}
	return pkg, files
}

// isBuilt reports whether a file is part of a package in some build.
func isBuilt(f File) bool {
	return !strings.HasSuffix(f.Name, "_test.go") && f.Name[0] != '_' && f.Name[0] != '.' && !buildtags.IsIgnored(f.Content)
}

// load adds the units of a package.
func (r *reader) load(pkg string, files []File) {
	r.loaded[pkg] = true
	for _, f := range files {
		if !isBuilt(f) || r.p.IsGenerated(f.Content) {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Content, parser.SkipObjectResolution)
		if err != nil { // somebody is editing it; all of it counts
			r.lines = append(r.lines, fmt.Sprintf("%q %s %x", pkg, f.Name, sha256.Sum256(f.Content)))
		}
		if syntax != nil {
			r.add(pkg, syntax)
		}
	}
}

// add splits a file into its units.
func (r *reader) add(pkg string, file *ast.File) {
	var imports []importSpec
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		spec := importSpec{path: path}
		if i.Name != nil {
			spec.name = i.Name.Name
		}
		imports = append(imports, spec)
	}
	before := len(r.units)
	unit := func(node ast.Node, names ...string) *unit {
		u := &unit{pkg: pkg, imports: imports, node: node, names: names, mentions: mentions(node)}
		r.units = append(r.units, u)
		return u
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			switch name := decl.Name.Name; {
			case decl.Recv != nil:
				unit(decl, name, receiver(decl))
			case name == "init":
				unit(decl).effect = true
			default:
				unit(decl, name)
			}
		case *ast.GenDecl:
			switch decl.Tok {
			case token.CONST:
				var names []string
				for _, s := range decl.Specs {
					names = append(names, namesOf(s.(*ast.ValueSpec))...)
				}
				unit(decl, names...)
			case token.VAR:
				for _, s := range decl.Specs {
					s := s.(*ast.ValueSpec)
					u := unit(s, namesOf(s)...)
					u.vars = true
					u.effect = len(s.Names) == 1 && s.Names[0].Name == "_"
				}
			case token.TYPE:
				for _, s := range decl.Specs {
					unit(s, s.(*ast.TypeSpec).Name.Name)
				}
			}
		}
	}
	if pkg == "" {
		r.passed(r.units[before:])
	}
}

// passed adds to the search what the package itself says is its evolver: in "var _ EventEvolver = …", and in a call of
// NewWorkflow.
func (r *reader) passed(units []*unit) {
	for _, u := range units {
		if v, ok := u.node.(*ast.ValueSpec); ok && isIdent(v.Type, "EventEvolver") {
			r.take(u)
		}
		ast.Inspect(u.node, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 || !isIdent(call.Fun, "NewWorkflow") {
				return true
			}
			if evolver := call.Args[1]; isIdent(evolver, "") { // a variable: what it is set to is in the function, or outside of it
				r.take(u)
			} else {
				r.take(&unit{imports: u.imports, node: evolver, mentions: mentions(evolver)})
			}
			return true
		})
	}
}

// isIdent reports whether an expression is an identifier, of the name unless that is empty.
func isIdent(expr ast.Expr, name string) bool {
	id, ok := expr.(*ast.Ident)
	return ok && (name == "" || id.Name == name)
}

// receiver returns the name of a method's type.
func receiver(decl *ast.FuncDecl) string {
	if len(decl.Recv.List) == 0 {
		return ""
	}
	expr := decl.Recv.List[0].Type
	for {
		switch t := expr.(type) {
		case *ast.ParenExpr:
			expr = t.X
		case *ast.StarExpr:
			expr = t.X
		case *ast.IndexExpr:
			expr = t.X
		case *ast.IndexListExpr:
			expr = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

func namesOf(s *ast.ValueSpec) []string {
	var names []string
	for _, id := range s.Names {
		if id.Name != "_" {
			names = append(names, id.Name)
		}
	}
	return names
}

// mentions returns every identifier in a node.
func mentions(node ast.Node) map[string]bool {
	names := make(map[string]bool)
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name != "_" {
			names[id.Name] = true
		}
		return true
	})
	return names
}
