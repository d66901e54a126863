package scaffold

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/types"
	"slices"
	"strings"
	"unicode"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/templates"
)

// stubView is what the template of a stub shows.
type stubView struct {
	Receiver  string
	Name      string
	Signature string
	Doc       string // a comment
	Note      string // a comment
	Method    string // with its type, for the error
	Error     bool   // the last result is an error
	Zero      string // the results before it
}

// stubFile is what the template of a new file for stubs shows.
type stubFile struct {
	Package string
	Build   string
	Import  string     // when there is one
	Imports [][]string // in groups, when there are several
}

// missing plans the stubs of a type.
func (g *grower) missing(r role, name string, wanted []*ast.Field) error {
	decls, ok := g.owner(name)
	if !ok {
		return nil // it cannot be added to from here, and the compiler will say so
	}
	owner := decls[0].Name.Name
	m := Missing{Type: name, Pos: g.pos(g.types[name][0].Name)}
	var signatures []*ast.FuncType
	for _, w := range wanted {
		m.Methods = append(m.Methods, w.Names[0].Name)
		signatures = append(signatures, w.Type.(*ast.FuncType))
	}
	at := g.place(decls, g.needs(signatures))
	m.File, m.New = at.path, at.created != nil

	var text bytes.Buffer
	if m.New {
		head, err := Render(templates.Skeleton, "stubs.go", at.created)
		if err != nil {
			return err
		}
		text.Write(head)
	}
	for _, w := range wanted {
		stub, err := Render(templates.Skeleton, "stub", g.stubOf(r, owner, w, at.qualify))
		if err != nil {
			return err
		}
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		text.Write(stub)
	}
	m.Stubs = text.Bytes()
	if at.carriageReturns {
		m.Stubs = bytes.ReplaceAll(m.Stubs, []byte("\n"), []byte("\r\n"))
	}
	g.growth.Missing = append(g.growth.Missing, m)
	return nil
}

func (g *grower) stubOf(r role, owner string, want *ast.Field, qualify func(string) string) stubView {
	name, signature := want.Names[0].Name, want.Type.(*ast.FuncType)
	results := expand(signature.Results)
	v := stubView{
		Name:      name,
		Receiver:  g.receiver(owner, parameterNames(signature.Params)),
		Signature: g.signatureText(signature, qualify, nil),
		Method:    owner + "." + name,
		Error:     types.ExprString(results[len(results)-1]) == "error",
		Zero:      strings.Repeat("nil, ", len(results)-1), // of the interface that the results of an effect have
	}
	v.Doc, v.Note = g.wordsFor(r, name)
	return v
}

// wordsFor returns the comments of a stub: what the declaration says of it, and what there is to do.
func (g *grower) wordsFor(r role, name string) (document, note string) {
	switch r.name {
	case deciderType:
		in := find(g.w.Inputs, name)
		return doc(name, in.Doc), comment("TODO: decide. The declaration allows " + alternatives(g.w, in, nil) + ".")
	case evolverType:
		if !slices.ContainsFunc(g.w.Events, func(m *spec.Message) bool { return m.Name.Text == name }) {
			return comment(name + " reports whether the workflow has ended. It then refuses every input."), ""
		}
		event := find(g.w.Events, name)
		fields := names(event.Fields, func(f *spec.Field) (string, bool) { return f.GoName, true })
		if len(fields) == 0 {
			return doc(name, event.Doc), comment("TODO: return the state as it is after the event.")
		}
		return doc(name, event.Doc), comment("TODO: return the state with " + listing(fields, "and") + " of the event folded in.")
	}
	effect := g.w.Effects[slices.IndexFunc(g.w.Effects, func(e *spec.Effect) bool { return e.Name.Text == name })]
	todo := "TODO: do it here, with call.IdempotencyKey."
	if returns := names(effect.Returns, func(n spec.Name) (string, bool) { return n.Text, true }); len(returns) > 0 {
		todo += " The result is " + listing(returns, "or") + "."
	}
	return doc(name, effect.Doc), comment(todo)
}

// receiver writes the receiver of a new method like those that the type has. It is a pointer only when all of them have
// one: then values of the type are not used for the role either. The receiver's name is left out where a parameter has it.
func (p *Package) receiver(owner string, parameters []string) string {
	var all []*method
	for _, decls := range p.methods[owner] {
		for _, m := range decls {
			if !m.file.test {
				all = append(all, m)
			}
		}
	}
	slices.SortFunc(all, func(a, b *method) int { return cmp.Compare(a.Pos(), b.Pos()) })
	text := owner + p.typeParameters(owner)
	pointer, name := len(all) > 0, ""
	for _, m := range all {
		_, star := baseType(m.Recv.List[0].Type)
		pointer = pointer && star
		if n := m.Recv.List[0].Names; len(n) == 1 && n[0].Name != "_" {
			name = n[0].Name
		}
	}
	if pointer {
		text = "*" + text
	}
	if name == "" || name == marker || slices.Contains(parameters, name) {
		return text
	}
	return name + " " + text
}

// marker is the generated function that stubs call.
const marker = "unfinished"

// typeParameters writes the type parameters that a receiver of a generic type names.
func (p *Package) typeParameters(owner string) string {
	params := p.types[owner][0].TypeParams
	if params == nil {
		return ""
	}
	var list []string
	for _, f := range params.List {
		for _, name := range f.Names {
			list = append(list, name.Name)
		}
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// place is where stubs go.
type place struct {
	path            string
	qualify         func(importPath string) string
	carriageReturns bool
	created         *stubFile // the file does not exist
}

// place chooses the file for the stubs of a type that need some packages. The file that declares the type comes first, then
// those with most of its methods, then the file that earlier stubs may be in. It has to import the packages already,
// under whatever name, and to be built whenever the type is; otherwise it is a new file.
func (p *Package) place(decls []typeDecl, needs []string) place {
	home := decls[0].file
	build := home.build
	if len(decls) > 1 {
		build = "" // declared for several platforms, so methods for all of them belong elsewhere
	}
	candidates := p.filesWith(decls[0].Name.Name)
	if len(decls) == 1 {
		candidates = slices.Insert(candidates, 0, home)
	}
	created := stubsName(decls[0].Name.Name, 1)
	for n := 2; p.hasFile(created); n++ {
		if i := slices.IndexFunc(p.files, func(f *file) bool { return f.Name() == created }); i >= 0 {
			candidates = append(candidates, p.files[i])
		}
		created = stubsName(decls[0].Name.Name, n)
	}
	for _, f := range candidates {
		if !f.test && f.build == build && f.sees(needs) {
			return place{path: f.Path, carriageReturns: endsLinesWithCR(f.Content), qualify: func(path string) string {
				name, _ := f.nameOf(path)
				return name
			}}
		}
	}
	f := &stubFile{Package: p.w.Package.Text, Build: build}
	if len(needs) == 1 {
		f.Import = needs[0]
	} else {
		f.Imports = inGroups(needs)
	}
	dir := strings.TrimSuffix(home.Path, home.Name())
	return place{path: dir + created, carriageReturns: endsLinesWithCR(home.Content), qualify: defaultName, created: f}
}

// inGroups sets the standard library's packages apart from the others, as is the custom.
func inGroups(paths []string) [][]string {
	var standard, others []string
	for _, path := range paths {
		if strings.Contains(path, ".") {
			others = append(others, path)
		} else {
			standard = append(standard, path)
		}
	}
	return slices.DeleteFunc([][]string{standard, others}, func(group []string) bool { return len(group) == 0 })
}

// filesWith returns the files with methods of a type, those with most of them first.
func (p *Package) filesWith(typeName string) []*file {
	count := make(map[*file]int)
	for _, decls := range p.methods[typeName] {
		for _, m := range decls {
			count[m.file]++
		}
	}
	var files []*file
	for _, f := range p.files {
		if count[f] > 0 {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(count[b], count[a]) })
	return files
}

func (p *Package) hasFile(name string) bool {
	return slices.ContainsFunc(p.own, func(s Source) bool { return s.Name() == name })
}

// stubsName names the file for stubs that no file of the user's can take: decider_stubs.go.
func stubsName(typeName string, n int) string {
	var b strings.Builder
	for i, r := range typeName {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	b.WriteString("_stubs")
	if n > 1 {
		b.WriteString(strings.Repeat("_more", n-1))
	}
	return b.String() + ".go"
}

// nameOf returns the name under which a file sees a package: "" when its names are among the file's own.
func (f *file) nameOf(path string) (name string, ok bool) {
	var names []string
	for name, p := range f.imports {
		if p == path {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return slices.Min(names), true
	}
	for _, spec := range f.syntax.Imports {
		if spec.Name != nil && spec.Name.Name == "." && spec.Path.Value == `"`+path+`"` {
			return "", true
		}
	}
	return "", false
}

func (f *file) sees(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool { _, ok := f.nameOf(path); return !ok })
}

// endsLinesWithCR reports how the last line of a text ends; what is appended continues in that way.
func endsLinesWithCR(content []byte) bool {
	i := bytes.LastIndexByte(content, '\n')
	return i > 0 && content[i-1] == '\r'
}

// AppendTo returns the content of a file with the stubs at its end. The content stands at the beginning, byte by byte.
func (m *Missing) AppendTo(content []byte) []byte {
	newline := []byte("\n")
	if endsLinesWithCR(content) {
		newline = []byte("\r\n")
	}
	text := slices.Clone(content)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, newline...)
	}
	if len(text) > 0 && !bytes.HasSuffix(text, append(slices.Clone(newline), newline...)) {
		text = append(text, newline...)
	}
	return append(text, m.Stubs...)
}
