package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// packages is how many the larger inputs have.
const packages = 10

//go:embed testdata go.mod go.sum
var files embed.FS

// tools are the packages of the commands that take part, all of them tools of this module.
var tools = []string{
	"github.com/ironflow-gen/ironflow/cmd/ironflow-gen",
	"github.com/sqlc-dev/sqlc/cmd/sqlc",
	"github.com/ogen-go/ogen/cmd/ogen",
	"github.com/99designs/gqlgen",
}

// workspace is a module with the inputs of all, and the commands beside it.
type workspace struct {
	dir string // the module's
	bin string
}

// newWorkspace builds the commands and lays out the inputs. It has the network if the go command needs it; nothing has it
// afterwards.
func newWorkspace(ctx context.Context, log io.Writer) (*workspace, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	declaration, err := os.ReadFile(filepath.Join(root, "bench/testdata/order.ironflow.yaml"))
	if err != nil {
		return nil, fmt.Errorf("run it in bench/generators: %w", err)
	}
	w := &workspace{}
	if w.bin, err = os.MkdirTemp("", "ironflow-generators-"); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp(fileSystem(), "ironflow-generators-"); err != nil {
		w.remove()
		return nil, err
	}
	if err := w.prepare(ctx, root, string(declaration), log); err != nil {
		w.remove()
		return nil, err
	}
	return w, nil
}

func (w *workspace) remove() {
	os.RemoveAll(w.bin)
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
}

// fileSystem is the directory to work in: one in memory where there is one. Each round deletes what it has generated before,
// and ext4 takes ten times as long to create a file while it remembers many that were deleted.
func fileSystem() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return ""
	}
	return memory
}

func (w *workspace) prepare(ctx context.Context, root, declaration string, log io.Writer) error {
	fmt.Fprintln(log, "building the generators")
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-o", w.bin + string(filepath.Separator)}, tools...)...)
	build.Stdout, build.Stderr = log, log
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the generators: %w", err)
	}
	// From here on all is as in a module whose dependencies are there. The Go form's in-memory case asks the go command, too.
	for name, value := range map[string]string{"GOPROXY": "off", "GOFLAGS": "", "GOWORK": "off"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if err := w.writeModule(root); err != nil {
		return err
	}
	return w.writeInputs(ctx, declaration)
}

// writeModule makes a module that requires what this one does. All share it, so that the go command has the same work for
// everyone who asks it.
func (w *workspace) writeModule(root string) error {
	content, err := files.ReadFile("go.mod")
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return err
	}
	if err := mod.AddModuleStmt("example.com/orders"); err != nil {
		return err
	}
	if err := mod.AddReplace("github.com/ironflow-gen/ironflow", "", root, ""); err != nil {
		return err
	}
	if content, err = mod.Format(); err != nil {
		return err
	}
	sums, err := files.ReadFile("go.sum")
	if err != nil {
		return err
	}
	return w.write(map[string]string{"go.mod": string(content), "go.sum": string(sums)})
}

// writeInputs writes ten packages of each language. What stands for the first in one is another package each.
func (w *workspace) writeInputs(ctx context.Context, declaration string) error {
	inputs := make(map[string]string)
	var configs []string // of sqlc, which has one for all
	for _, name := range names(packages) {
		inputs["yaml/"+name+"/order.ironflow.yaml"] = strings.NewReplacer(
			"workflow: order\n", "workflow: "+name+"\n", "package: order\n", "package: "+name+"\n").Replace(declaration)
		for to, from := range map[string]string{
			"sqlc/" + name + "/schema.sql":       "schema.sql",
			"sqlc/" + name + "/queries.sql":      "queries.sql",
			"ogen/" + name + "/openapi.yaml":     "openapi.yaml",
			"gqlgen/" + name + "/schema.graphql": "schema.graphql",
			"gqlgen/" + name + "/defaults.yml":   "gqlgen.yml",
		} {
			content, err := files.ReadFile("testdata/" + from)
			if err != nil {
				return err
			}
			inputs[to] = strings.ReplaceAll(string(content), "PACKAGE", name)
		}
		inputs["gqlgen/"+name+"/best.yml"] = inputs["gqlgen/"+name+"/defaults.yml"] +
			"skip_validation: true\nskip_import_grouping: true\nuse_buffer_pooling: true\n"
		configs = append(configs, fmt.Sprintf("  - {engine: postgresql, schema: %[1]s/schema.sql, queries: %[1]s/queries.sql, "+
			"gen: {go: {package: %[1]s, out: %[1]s, sql_package: pgx/v5}}}\n", name))
	}
	for _, n := range []int{1, packages} {
		inputs[fmt.Sprintf("sqlc/sqlc%d.yaml", n)] = "version: \"2\"\nsql:\n" + strings.Join(configs[:n], "")
	}
	if err := w.write(inputs); err != nil {
		return err
	}
	for _, name := range names(packages) {
		if err := os.MkdirAll(filepath.Join(w.dir, "gotypes", name), 0o755); err != nil {
			return err
		}
		_, err := w.exec(ctx, command{args: []string{
			"ironflow-gen", "convert", "-o", "gotypes/" + name + "/order.go", "yaml/" + name + "/order.ironflow.yaml"}})
		if err != nil {
			return err
		}
	}
	return nil
}

// write writes files, by their paths in the module.
func (w *workspace) write(files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(w.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// names are those of the first packages.
func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("order%d", i)
	}
	return list
}

// compile checks that what all generate in ten packages compiles.
func (w *workspace) compile(ctx context.Context, contest []entrant) error {
	for _, e := range contest {
		if e.generate != nil { // it writes nothing
			continue
		}
		if _, err := e.once(ctx); err != nil {
			return err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "./...")
	build.Dir = w.dir
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("what was generated does not compile: %w\n%s", err, output)
	}
	return nil
}
