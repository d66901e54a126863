package scaffold

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/internal/capture"
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
	if m.New {
		var err error
		if m.Stubs, err = capture.Avoid(m.Stubs, g.Declares); err != nil {
			return err
		}
	}
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
		return doc(name, in.Doc), comment("TODO: decide. The declaration allows " + alternatives(g.w, in) + ".")
	case evolverType:
		if !slices.ContainsFunc(g.w.Events, func(m *spec.Message) bool { return m.Name.Text == name }) {
			return comment(name + " reports whether the workflow has ended. It then refuses every input."), ""
		}
		event := find(g.w.Events, name)
		return doc(name, event.Doc), foldNote(event)
	}
	effect := g.w.Effects[slices.IndexFunc(g.w.Effects, func(e *spec.Effect) bool { return e.Name.Text == name })]
	return doc(name, effect.Doc), comment(handleNote(effect))
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
const marker = spec.UnfinishedName

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

// endsLinesWithCR reports how the last line of a text ends; what is appended continues in that way.
func endsLinesWithCR(content []byte) bool {
	i := bytes.LastIndexByte(content, '\n')
	return i > 0 && content[i-1] == '\r'
}
