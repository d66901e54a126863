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
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// build builds the program of a package. Its main file is in no directory but that of an overlay, below the package, so that it may import
// what the package may import.
func build(ctx context.Context, p goPackage, program, store, schema string) error {
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
	source, overlay := program+".go", program+".json"
	const dir = "ironflow_gate_main"
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(p.Dir, dir, "main.go"): source}})
	if err == nil {
		err = errors.Join(os.WriteFile(source, []byte(mainFile(p, types, store, schema)), 0o600), os.WriteFile(overlay, text, 0o600))
	}
	if err != nil {
		return err
	}
	_, err = goCommand(ctx, p.Dir, "build", "-overlay", overlay, "-o", program, "./"+dir)
	return err
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

const library = "github.com/ironflow-gen/ironflow/runtime"

// mainFile is the program. It imports the one store that it needs, so that a module need not have the driver of the other.
func mainFile(p goPackage, types []string, name, schema string) string {
	var args []string
	for _, t := range types {
		args = append(args, "&workflows."+t+"{}")
	}
	imports, open := []string{`"context"`, `"errors"`}, `return nil, nil, errors.New("no store")`
	switch {
	case isPostgres(name):
		imports = append(imports, `"github.com/jackc/pgx/v5/pgxpool"`, `"`+library+`/postgres"`)
		options := "postgres.ReadOnly()"
		if schema != "" {
			options += fmt.Sprintf(", postgres.WithSchema(%q)", schema)
		}
		open = `pool, err := pgxpool.New(ctx, name)
	if err != nil {
		return nil, nil, errors.New("the connection string cannot be read")
	}
	st, err := postgres.New(ctx, pool, ` + options + `)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return st, func() error { pool.Close(); return nil }, nil`
	case name != "":
		imports = append(imports, `"`+library+`/sqlite"`)
		open = `st, err := sqlite.Open(ctx, name, sqlite.Existing())
	if err != nil {
		return nil, nil, errors.Join(errors.New("-store is a postgres:// URL or a file of SQLite"), err)
	}
	return st, st.Close, nil`
	}
	imports = append(imports, `"`+library+`/gate"`, `"`+library+`/store"`, fmt.Sprintf("workflows %q", p.ImportPath))
	return `package main

import (
	` + strings.Join(imports, "\n\t") + `
)

func main() {
	gate.Main(open, workflows.NewWorkflow(` + strings.Join(args, ", ") + `))
}

func open(ctx context.Context, name string) (store.Store, func() error, error) {
	_ = errors.New
	` + open + `
}
`
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
