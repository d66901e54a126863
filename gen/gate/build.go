package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/internal/program"
)

// goPackage is a package of a workflow, as "go list" tells it.
type goPackage struct {
	Dir, ImportPath, Name string
	GoFiles               []string
}

// userTypes are the types that the skeleton has for the parameters of NewWorkflow.
var userTypes = map[string]string{"InputDecider": "Decider", "EventEvolver": "Evolver", "EffectHandler": "Handler"}

// find returns the packages of the patterns that have a workflow.
func find(ctx context.Context, patterns []string) (found []goPackage, err error) {
	out, err := goCommand(ctx, ".", append([]string{"list", "-json=Dir,ImportPath,Name,GoFiles"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if params, err := p.parameters(); err == nil && params != nil {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no package of %s has a workflow; run \"ironflow-gen\" first, or name the packages", strings.Join(patterns, " "))
	}
	return found, nil
}

// parameters returns the types of the parameters of the generated NewWorkflow; nil when the package has none.
func (p *goPackage) parameters() (types []string, err error) {
	for _, name := range p.GoFiles {
		if !strings.HasSuffix(name, "_ironflow.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			f, is := decl.(*ast.FuncDecl)
			if !is || f.Recv != nil || f.Name.Name != "NewWorkflow" {
				continue
			}
			for _, param := range f.Type.Params.List {
				id, is := param.Type.(*ast.Ident)
				if !is || userTypes[id.Name] == "" {
					return nil, fmt.Errorf("%s: NewWorkflow has a parameter that this ironflow-gen does not know", name)
				}
				types = append(types, slices.Repeat([]string{userTypes[id.Name]}, max(len(param.Names), 1))...)
			}
			return types, nil
		}
	}
	return nil, nil
}

// build builds the program of a package.
func build(ctx context.Context, p goPackage, binary, store, schema string) error {
	types, err := p.parameters()
	if err != nil {
		return err
	}
	missing, err := p.missing(types)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the package does not declare %s, which the gate passes to NewWorkflow; call Engine.Verify in a program of yours",
			strings.Join(missing, " and "))
	}
	return program.Build(ctx, program.Source{Main: mainFile(p, types, store, schema), Below: p.Dir}, binary)
}

// missing returns those of the types that the package does not declare.
func (p *goPackage) missing(types []string) (missing []string, err error) {
	declared := make(map[string]bool)
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if d, is := decl.(*ast.GenDecl); is && d.Tok == token.TYPE {
				for _, spec := range d.Specs {
					declared[spec.(*ast.TypeSpec).Name.Name] = true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(types), func(name string) bool { return declared[name] }), nil
}

// mainFile is the program.
func mainFile(p goPackage, types []string, name, schema string) []byte {
	var args []string
	for _, t := range types {
		args = append(args, "&workflows."+t+"{}")
	}
	imports, open := program.OpenStore(name, schema)
	imports = append(imports, `"`+program.Library+`/gate"`, fmt.Sprintf("workflows %q", p.ImportPath))
	return []byte(`package main

import (
	` + strings.Join(imports, "\n\t") + `
)

func main() {
	gate.Main(open, workflows.NewWorkflow(` + strings.Join(args, ", ") + `))
}
` + open)
}

// goCommand runs the go command, and returns what it prints.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.Stdout, command.Stderr = dir, &out, &errs
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.Bytes(), nil
}
