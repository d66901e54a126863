// Package typecheck checks the types of packages that were generated, in the process of a test: hundreds of them take less
// than one run of "go vet".
package typecheck

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Package checks the Go files of one package, given by their names, with its tests. It finds what the compiler would find.
// Imports are compiled by the go command when they are first needed, with the module of the working directory. Safe for
// concurrent use, but one package is checked at a time.
func Package(path string, files map[string][]byte) error {
	shared.Lock()
	defer shared.Unlock()
	set := token.NewFileSet()
	var syntax []*ast.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(set, name, files[name], parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		syntax = append(syntax, f)
	}
	var errs []error
	config := types.Config{Importer: shared.importer(), Error: func(err error) { errs = append(errs, err) }}
	_, _ = config.Check(path, set, syntax, nil) // errs has all of them
	return errors.Join(errs...)
}

// imports has what the checked packages import.
type imports struct {
	sync.Mutex
	export map[string]string // files with export data, by import path
	types.Importer
}

var shared imports

// first is what nearly every generated package imports, directly or not.
var first = []string{
	"github.com/ironflow-gen/ironflow/runtime", "github.com/ironflow-gen/ironflow/runtime/codec",
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest",
}

func (i *imports) importer() types.Importer {
	if i.Importer == nil {
		i.export = make(map[string]string)
		i.Importer = importer.ForCompiler(token.NewFileSet(), "gc", i.open)
	}
	return i.Importer
}

// open opens the export data of a package.
func (i *imports) open(path string) (io.ReadCloser, error) {
	if len(i.export) == 0 {
		if err := i.list(first...); err != nil {
			return nil, err
		}
	}
	if i.export[path] == "" {
		if err := i.list(path); err != nil {
			return nil, err
		}
	}
	return os.Open(i.export[path])
}

// list compiles packages with all that they import.
func (i *imports) list(paths ...string) error {
	args := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, paths...)
	var errOut strings.Builder
	cmd := exec.Command("go", args...)
	cmd.Stderr = &errOut
	output, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list %s: %w\n%s", strings.Join(paths, " "), err, errOut.String())
	}
	for line := range strings.Lines(string(output)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if file != "" && i.export[path] == "" {
			i.export[path] = file
		}
	}
	return nil
}
