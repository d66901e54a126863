package scaffold

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// takenNames reports what the user declares under a name that generated code needs.
func (g *grower) takenNames() {
	const advice = "%s is declared here and in %s, which is generated; rename this one"
	for name, ids := range g.names {
		generated, taken := g.generated[name]
		if !taken {
			continue
		}
		for _, id := range ids {
			g.list.Report(g.pos(id), diagnostic.TakenName, advice, name, generated)
		}
	}
	for _, f := range g.files {
		for _, s := range f.syntax.Imports {
			path, _ := strconv.Unquote(s.Path.Value) // the parser has seen to it
			name := importName(s, path)
			if generated, taken := g.generated[name]; taken {
				g.list.Report(g.pos(s), diagnostic.TakenName, "%s is imported here and declared in %s, which is generated; give the import another name",
					name, generated)
			}
			if file := g.skeletonOf(name); file != "" {
				g.list.Report(g.pos(s), diagnostic.TakenName, "%s is imported here, and is to be declared in %s; give the import another name", name, file)
			}
		}
	}
	members := g.generatedMembers()
	for owner, methods := range g.methods {
		for name, decls := range methods {
			file, taken := members[owner+"."+name]
			for _, m := range decls {
				if taken {
					g.list.Report(g.pos(m.Name), diagnostic.TakenName, advice, owner+"."+name, file)
				}
			}
		}
	}
}

// skeletonOf returns the file of the skeleton that is to declare a type of this name, "" when there is none.
func (g *grower) skeletonOf(name string) string {
	i := slices.IndexFunc(roles, func(r role) bool { return r.name == name })
	if i < 0 || len(g.contract.ifaces[roles[i].iface]) == 0 || !g.lacks(name) {
		return ""
	}
	if name == handlerType {
		return handlerFile
	}
	return deciderFile
}

// generatedMembers returns the methods of generated code and the fields of generated structs, as in "State.Total", with the files that
// have them. It is empty when the user has methods of no type that could have others.
func (g *grower) generatedMembers() map[string]string {
	members := make(map[string]string)
	isShared := func(owner string) bool {
		_, generated := g.generated[owner]
		return generated || g.w.Form == spec.Go && slices.ContainsFunc(g.w.Messages(), func(m *spec.Message) bool { return m.Name.Text == owner })
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(g.methods)), isShared) {
		return members
	}
	for _, s := range g.sources {
		syntax, err := parser.ParseFile(token.NewFileSet(), s.Path, s.Content, parser.SkipObjectResolution)
		if err != nil {
			continue // it was generated
		}
		for _, decl := range syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv != nil {
					owner, _ := baseType(decl.Recv.List[0].Type)
					members[owner+"."+decl.Name.Name] = s.Name()
				}
			case *ast.GenDecl:
				for _, of := range decl.Specs {
					t, ok := of.(*ast.TypeSpec)
					if !ok {
						continue
					}
					if structure, ok := t.Type.(*ast.StructType); ok {
						for _, f := range structure.Fields.List {
							for _, name := range f.Names {
								members[t.Name.Name+"."+name.Name] = s.Name()
							}
						}
					}
				}
			}
		}
	}
	return members
}
