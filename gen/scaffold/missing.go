package scaffold

import (
	"go/ast"
	"maps"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/templates"
)

// Methods are what a type of the user's lacks since the declaration has grown.
type Methods struct {
	Type  string
	File  string // that declares the type
	Names string // "the methods Close and Reopen"
	Code  []byte // as the skeleton would have them
}

// Missing finds the methods that the user's decider, evolver and handler lack. It goes by the names that the skeleton
// gives these types, and says nothing of a type that may have methods which no file shows.
func Missing(w *spec.Workflow, existing []Source) ([]Methods, error) {
	p := &pkg{w: w, sources: existing}
	d := p.declarations()
	if d.broken != "" {
		return nil, nil
	}
	var list []Methods
	for _, t := range []struct {
		name   string
		needed []method
	}{
		{deciderType, deciderMethods(w)},
		{evolverType, evolverMethods(w)},
		{handlerType, handlerMethods(w)},
	} {
		m := Methods{Type: t.name, File: d.names[t.name]}
		var names []string
		for _, needed := range t.needed {
			receiver, lacks := d.lacks(t.name, needed.name)
			if !lacks {
				continue
			}
			code, err := Render(templates.Skeleton, needed.template, needed.view(receiver))
			if err != nil {
				return nil, err
			}
			if len(m.Code) > 0 {
				m.Code = append(m.Code, '\n')
			}
			m.Code = append(m.Code, code...)
			names = append(names, needed.name)
		}
		if len(names) > 0 {
			m.Names = counted("method", names, "and")
			list = append(list, m)
		}
	}
	return list, nil
}

// method is one that the generated code calls.
type method struct {
	name     string
	template string // of the skeleton
	view     func(receiver string) any
}

func deciderMethods(w *spec.Workflow) []method {
	var list []method
	for _, in := range w.Inputs {
		list = append(list, method{in.Name.Text, "decide", func(receiver string) any {
			v := inputViewOf(w, in)
			v.Receiver = receiver
			return v
		}})
	}
	return list
}

func evolverMethods(w *spec.Workflow) []method {
	var list []method
	for _, event := range w.Events {
		list = append(list, method{event.Name.Text, "evolve", func(receiver string) any {
			v := eventViewOf(w, event)
			v.Receiver = receiver
			return v
		}})
	}
	if !w.HasStates() {
		list = append(list, method{"Terminal", "terminal", func(receiver string) any { return terminalView{receiver, w.StateType} }})
	}
	return list
}

func handlerMethods(w *spec.Workflow) []method {
	var list []method
	for _, e := range w.Handled() {
		list = append(list, method{e.Name.Text, "handle", func(receiver string) any {
			v := effectViewOf(w, e)
			v.Receiver = receiver
			return v
		}})
	}
	return list
}

// lacks reports whether a type of the user's has no method of a name, and how the method's receiver should be written.
func (d *declarations) lacks(typeName, method string) (receiver string, lacks bool) {
	have, known := d.methodsOf(typeName, make(map[string]bool))
	if !known || have[method] {
		return "", false
	}
	if m := d.methods[typeName]; m != nil {
		return m.receiver, true
	}
	return typeName, true
}

// methodsOf collects the methods of a type, and those that it has from embedded ones. It is not known what a type has that
// is declared elsewhere, or is an interface.
func (d *declarations) methodsOf(typeName string, visited map[string]bool) (have map[string]bool, known bool) {
	decl := d.types[typeName]
	if decl == nil {
		return nil, false
	}
	have = make(map[string]bool)
	if visited[typeName] {
		return have, true
	}
	visited[typeName] = true
	if m := d.methods[typeName]; m != nil {
		maps.Copy(have, m.names)
	}
	switch t := ast.Unparen(decl.Type).(type) {
	case *ast.InterfaceType, *ast.SelectorExpr:
		return nil, false
	case *ast.Ident: // an alias has the methods of the other type, any other declaration only those of an interface
		inner, innerKnown := d.methodsOf(t.Name, visited)
		if !innerKnown {
			return nil, false
		}
		if decl.Assign.IsValid() {
			maps.Copy(have, inner)
		}
	case *ast.StructType:
		for _, f := range t.Fields.List {
			if len(f.Names) > 0 {
				continue
			}
			name, _ := baseType(f.Type)
			inner, innerKnown := d.methodsOf(name, visited)
			if !innerKnown {
				return nil, false
			}
			maps.Copy(have, inner)
		}
	}
	return have, true
}

// Unneeded returns the file in which the user has a handler for effects, although the declaration has none any more; "" when
// that is not so.
func Unneeded(w *spec.Workflow, existing []Source) (file string) {
	p := &pkg{w: w, sources: existing}
	d := p.declarations()
	if len(w.Handled()) > 0 || !d.effects || strings.HasSuffix(d.names[handlerType], "_test.go") {
		return ""
	}
	return d.names[handlerType]
}
