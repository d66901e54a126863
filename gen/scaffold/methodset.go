package scaffold

import "go/ast"

// knowledge is what reading tells of a method of a type.
type knowledge int

const (
	absent  knowledge = iota
	present           // it is there; where, unless an interface promises it
	unknown           // the type may have methods that are not in these files
)

// findMethod looks for a method that a type has, itself or from what it embeds. The declarations are several when they are
// in files for different platforms.
//
// Types of other packages cannot have methods that are about the types of this one, because that package would have to
// import this one and be imported by it; only a generic one may get to know them. So embedding a foreign type, say a
// sync.Mutex, tells nothing about the methods that are looked for.
func (p *Package) findMethod(typeName, name string) ([]*method, knowledge) {
	level, visited := []string{typeName}, make(map[string]bool)
	blurred := false
	for len(level) > 0 {
		var found []*method
		var next []string
		owners := 0
		for _, t := range level {
			if visited[t] {
				continue
			}
			visited[t] = true
			if declared := p.methods[t][name]; len(declared) > 0 {
				found = append(found, declared...)
				owners++
				continue
			}
			if p.contract.has(t, name) { // the interface of the contract is embedded
				owners++
				continue
			}
			for _, decl := range p.types[t] {
				e := p.embedded(decl)
				blurred = blurred || e.unknown
				if e.fields[name] {
					owners++
				}
				next = append(next, e.types...)
			}
		}
		switch {
		case owners > 1 && !blurred: // none of them is selected
			return nil, absent
		case owners > 0:
			return found, present
		}
		level = next
	}
	if blurred {
		return nil, unknown
	}
	return nil, absent
}

// embedding is what a type may have methods from.
type embedding struct {
	types   []string        // of this package
	fields  map[string]bool // that hide methods of the same name, or methods of an interface
	unknown bool
}

func (p *Package) embedded(decl typeDecl) embedding {
	e := embedding{fields: make(map[string]bool)}
	p.embeddedIn(&e, decl.Type, decl.Assign.IsValid(), make(map[string]bool))
	return e
}

func (p *Package) embeddedIn(e *embedding, expr ast.Expr, alias bool, visited map[string]bool) {
	switch t := ast.Unparen(expr).(type) {
	case *ast.StructType:
		e.list(t.Fields)
	case *ast.InterfaceType:
		e.list(t.Methods)
	case *ast.Ident, *ast.IndexExpr, *ast.IndexListExpr:
		name, _ := baseType(t)
		switch {
		case alias:
			e.embed(t)
		case name == "":
			e.unknown = true // instantiates a generic type from elsewhere
		case !visited[name]: // has what the other type embeds, but not that type's own methods
			visited[name] = true
			for _, other := range p.types[name] {
				p.embeddedIn(e, other.Type, false, visited)
			}
		}
	case *ast.SelectorExpr: // has the fields of a foreign struct, and none of its methods unless it is another name for it
	}
}

// list adds the fields of a struct, or the methods of an interface.
func (e *embedding) list(fields *ast.FieldList) {
	for _, f := range fields.List {
		for _, name := range f.Names {
			e.fields[name.Name] = true
		}
		if len(f.Names) == 0 {
			e.embed(f.Type)
		}
	}
}

func (e *embedding) embed(expr ast.Expr) {
	if name, _ := baseType(expr); name != "" {
		e.types = append(e.types, name)
		return
	}
	if star, ok := ast.Unparen(expr).(*ast.StarExpr); ok {
		expr = star.X
	}
	if withoutArguments(expr) != ast.Unparen(expr) {
		e.unknown = true
	}
}

// owner follows the aliases of this package to the type that methods are declared on. There is none when the type is not
// one of this package's, or cannot have methods of its own.
func (p *Package) owner(name string) (decls []typeDecl, ok bool) {
	for range len(p.types) + 1 { // no more, should aliases go in a circle
		decls = p.types[name]
		if len(decls) == 0 {
			return nil, false
		}
		if !decls[0].Assign.IsValid() {
			switch ast.Unparen(decls[0].Type).(type) {
			case *ast.InterfaceType, *ast.StarExpr:
				return nil, false
			}
			return decls, true
		}
		name, _ = baseType(decls[0].Type)
	}
	return nil, false
}
