// Package capture keeps the names of a user's package out of the way of Go files that are written into it.
//
// A written file shares the package's names with the files of its user. Three kinds of names would not compile, or mean
// something else: an import whose name the package declares, a local name that hides a type or a constant of the user's, and a
// predeclared name that the package declares. [Avoid] gives the first two other names. The third cannot be avoided, so
// [Predeclared] lists what has to be refused.
package capture

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Predeclared are the names of Go itself that written files use.
var Predeclared = []string{
	"any", "bool", "byte", "error", "false", "float64", "int", "int32", "int64", "nil", "panic", "string", "true", "uint32", "uint64",
}

// mark begins a name of the user's until [Avoid] has run. It is a letter, so that the marked name is an identifier.
const mark = "ʹ"

// User marks a name that the user's package declares, for [Avoid] to tell it from a local one. Names that begin with a capital
// stay as they are, since no local name does.
func User(name string) string {
	if token.IsExported(name) {
		return name
	}
	return mark + name
}

// Plain returns a text with the names as the user has written them, for a comment.
func Plain(text string) string { return strings.ReplaceAll(text, mark, "") }

// edit replaces bytes of a source.
type edit struct {
	from, to int
	text     string
}

// Avoid returns a formatted Go file without marks. taken reports the package-level names of the other files in the package: no
// import has a name among them, and no local name is one of those that were marked.
func Avoid(source []byte, taken func(name string) bool) ([]byte, error) {
	isMarked := bytes.Contains(source, []byte(mark))
	set := token.NewFileSet()
	mode := parser.ImportsOnly
	if isMarked {
		mode = 0
	}
	file, err := parser.ParseFile(set, "", source, mode)
	if err != nil {
		return nil, err
	}
	aliases := hiddenImports(file, taken)
	if len(aliases) == 0 && !isMarked {
		return source, nil
	}
	if !isMarked {
		if file, err = parser.ParseFile(set, "", source, 0); err != nil {
			return nil, err
		}
	}
	a := avoider{set: set, file: file, taken: taken, used: make(map[string]bool), marked: make(map[string]bool), renamed: make(map[string]string)}
	for n := range ast.Preorder(file) {
		if id, ok := n.(*ast.Ident); ok {
			text := strings.TrimPrefix(id.Name, mark)
			a.used[text] = true
			a.marked[text] = a.marked[text] || text != id.Name
		}
	}
	a.imports(aliases)
	a.names()
	return format.Source(a.apply(source))
}

// hiddenImports returns the imports of a file whose names are taken, by these names.
func hiddenImports(file *ast.File, taken func(string) bool) map[string]*ast.ImportSpec {
	hidden := make(map[string]*ast.ImportSpec)
	for _, s := range file.Imports {
		if name := importName(s); name != "_" && taken(name) {
			hidden[name] = s
		}
	}
	return hidden
}

// importName returns the name that a file has an import under. Written files give one to each import whose path does not end in it.
func importName(s *ast.ImportSpec) string {
	if s.Name != nil {
		return s.Name.Name
	}
	path, _ := strconv.Unquote(s.Path.Value) // the parser has seen to it
	elements := strings.Split(path, "/")
	return elements[len(elements)-1]
}

// avoider collects the edits of one file.
type avoider struct {
	set     *token.FileSet
	file    *ast.File
	taken   func(string) bool
	used    map[string]bool // all names in the file
	marked  map[string]bool
	renamed map[string]string // names of imports and of locals
	edits   []edit
}

// free returns a name near another one that nothing has.
func (a *avoider) free(name, suffix string) string {
	for name += suffix; a.used[name] || a.taken(name) || token.IsKeyword(name); name += suffix {
		suffix = cmp.Or(suffix, "_")
	}
	a.used[name] = true
	return name
}

func (a *avoider) replace(n ast.Node, text string) {
	a.edits = append(a.edits, edit{a.set.Position(n.Pos()).Offset, a.set.Position(n.End()).Offset, text})
}

// imports gives other names to the imports whose names are taken.
func (a *avoider) imports(hidden map[string]*ast.ImportSpec) {
	for name, s := range hidden {
		alias := a.free("pkg"+strings.TrimPrefix(name, "pkg"), "")
		a.renamed[name] = alias
		if s.Name != nil {
			a.replace(s.Name, alias)
		} else {
			a.replace(s.Path, alias+" "+s.Path.Value)
		}
	}
}

// names takes the marks off and renames the local names that hide a marked one, and mentions of renamed imports.
func (a *avoider) names() {
	fields := make(map[*ast.Ident]bool) // and methods, which hide nothing
	for n := range ast.Preorder(a.file) {
		switch n := n.(type) {
		case *ast.StructType:
			noteNames(n.Fields, fields)
		case *ast.InterfaceType:
			noteNames(n.Methods, fields)
		case *ast.KeyValueExpr: // written files have keys of maps only as literals
			if id, ok := n.Key.(*ast.Ident); ok {
				fields[id] = true
			}
		case *ast.SelectorExpr:
			fields[n.Sel] = true
			if id, ok := n.X.(*ast.Ident); ok && id.Obj == nil && a.renamed[id.Name] != "" {
				a.replace(id, a.renamed[id.Name])
			}
		case *ast.Ident:
			switch text, isUsers := strings.CutPrefix(n.Name, mark); {
			case isUsers:
				a.replace(n, text)
			case n.Obj == nil || n.Obj == a.file.Scope.Objects[n.Name] || fields[n] || !a.marked[n.Name]:
			default:
				if a.renamed[n.Name] == "" {
					a.renamed[n.Name] = a.free(n.Name, "_")
				}
				a.replace(n, a.renamed[n.Name])
			}
		}
	}
}

func noteNames(list *ast.FieldList, names map[*ast.Ident]bool) {
	for _, f := range list.List {
		for _, name := range f.Names {
			names[name] = true
		}
	}
}

func (a *avoider) apply(source []byte) []byte {
	slices.SortFunc(a.edits, func(x, y edit) int { return cmp.Compare(x.from, y.from) })
	var b bytes.Buffer
	at := 0
	for _, e := range a.edits {
		b.Write(source[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(source[at:])
	return b.Bytes()
}
