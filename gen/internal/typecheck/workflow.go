package typecheck

import (
	"fmt"
	"go/token"
	"go/types"
	"maps"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Workflow renders a workflow, as [Render] does, and checks the types of the package. Go types that a declaration in YAML names
// need not exist: those of unknown packages are taken to be structs.
func Workflow(w *spec.Workflow, own map[string][]byte) error {
	files, err := Render(w, own)
	if err != nil {
		return err
	}
	packages, ok, err := invented(w)
	if err != nil || !ok {
		return err
	}
	if _, err := load("example.com/"+w.Package.Text, files, packages); err != nil {
		return fmt.Errorf("generated code does not compile: %w", err)
	}
	return nil
}

// Render returns the files of a workflow's package, by their names: all that is generated for it, the skeleton of what its user
// writes, and what the user has already.
func Render(w *spec.Workflow, own map[string][]byte) (map[string][]byte, error) {
	files := maps.Clone(own)
	if files == nil {
		files = make(map[string][]byte)
	}
	var generated, users []scaffold.Source
	for name, content := range own {
		users = append(users, scaffold.Source{Path: name, Content: content})
	}
	code, err := scaffold.ReadOwn(w, users)
	if err != nil {
		return nil, err
	}
	emitted, err := emit.FilesBeside(w, code.Declares)
	if err != nil {
		return nil, err
	}
	for _, f := range emitted {
		files[f.Name] = f.Content
		generated = append(generated, scaffold.Source{Path: f.Name, Content: f.Content})
	}
	if err := code.AddGenerated(generated); err != nil {
		return nil, err
	}
	skeleton, err := code.Skeleton()
	if err != nil {
		return nil, err
	}
	for _, f := range skeleton {
		if f.Content != nil {
			files[f.Name] = f.Content
		}
	}
	return files, nil
}

// invented makes the packages of the Go types that a declaration in YAML names, but those that generated code imports
// anyway. It is false when a type is named that those do not have: whoever declares that is told by the compiler.
func invented(w *spec.Workflow) (packages map[string]*types.Package, ok bool, err error) {
	packages = make(map[string]*types.Package)
	if w.Form != spec.YAML {
		return packages, true, nil
	}
	for _, t := range w.Types {
		if t.Kind != spec.Imported {
			continue
		}
		p := packages[t.Go.Path]
		if p == nil {
			if p, err = known(t.Go.Path); err != nil {
				return nil, false, err
			}
		}
		if p == nil {
			p = types.NewPackage(t.Go.Path, "named") // which need not be the end of its path
			p.MarkComplete()
			packages[t.Go.Path] = p
		}
		switch object := p.Scope().Lookup(t.Go.Name).(type) {
		case nil:
			if packages[t.Go.Path] == nil {
				return nil, false, nil
			}
			name := types.NewTypeName(token.NoPos, p, t.Go.Name, nil)
			types.NewNamed(name, types.NewStruct(nil, nil), nil)
			p.Scope().Insert(name)
		case *types.TypeName:
			if named, _ := object.Type().(*types.Named); named != nil && named.TypeParams().Len() > 0 {
				return nil, false, nil
			}
		default:
			return nil, false, nil
		}
	}
	return packages, true, nil
}

// known returns a package that nearly every generated one needs, or nil.
func known(path string) (*types.Package, error) {
	shared.Lock()
	defer shared.Unlock()
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	importer := shared.importer()
	if _, err := importer.Import(first[0]); err != nil {
		return nil, err
	}
	if shared.export[path] == "" {
		return nil, nil
	}
	return importer.Import(path)
}
