package gospec

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	goscanner "go/scanner"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/packages"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// source is a package that is parsed and, as far as that goes, checked.
type source struct {
	Package
	root string // of its module
	d    diagnostic.List

	fset  *token.FileSet
	files []*ast.File // those that belong to the package
	info  types.Info
	pkg   *types.Package
	errs  []types.Error

	// unfinished are the imported packages that wait for generated code, with their names.
	unfinished map[string]string

	failure error // that is no mistake of the package's
	checked bool
}

// loader finds imported packages.
type loader struct {
	sources  map[string]*source           // by import path
	compiled map[string]*packages.Package // by import path
}

// load parses and checks packages.
func load(list []Package) []*source {
	l := loader{sources: make(map[string]*source), compiled: make(map[string]*packages.Package)}
	all := make([]*source, len(list))
	modules := make(map[string][]*source)
	for i, p := range list {
		s := &source{Package: p, fset: token.NewFileSet()}
		all[i] = s
		if s.Path == "" {
			s.root, s.Path, s.failure = module(p.Dir)
		}
		if s.failure == nil {
			s.parse()
			l.sources[s.Path] = s
			modules[s.root] = append(modules[s.root], s)
		}
	}
	for _, root := range slices.Sorted(maps.Keys(modules)) {
		if err := l.compile(modules[root]); err != nil {
			for _, s := range modules[root] {
				s.failure = fmt.Errorf("%s: finding the types of imported packages: %w", s.Dir, err)
			}
		}
	}
	for _, s := range all {
		l.check(s)
	}
	return all
}

// ImportPath returns the import path of the package in a directory, "" when it belongs to no module.
func ImportPath(dir string) string {
	_, path, _ := module(dir)
	return path
}

// ModuleDir returns the directory of the module that a package belongs to, or "".
func ModuleDir(dir string) string {
	root, _, _ := module(dir)
	return root
}

// module returns the directory of the module of a package, and the package's import path.
func module(dir string) (root, importPath string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	for root = dir; ; root = filepath.Dir(root) {
		content, err := os.ReadFile(filepath.Join(root, "go.mod"))
		switch {
		case err == nil:
			below, err := filepath.Rel(root, dir)
			return root, path.Join(modfile.ModulePath(content), filepath.ToSlash(below)), err
		case !errors.Is(err, os.ErrNotExist):
			return "", "", err
		case root == filepath.Dir(root):
			return "", "", fmt.Errorf("%s: annotated Go types must belong to a module, and no go.mod is here or above; run \"go mod init\"", dir)
		}
	}
}

// parse parses the files that belong to the package on this machine.
func (s *source) parse() {
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	context := buildContext(s.Files)
	for _, f := range s.Files {
		s.constraint(f)
		if match, err := context.MatchFile("", f.Name); err == nil && !match {
			continue
		}
		base := s.fset.Base()
		file, err := parser.ParseFile(s.fset, s.file(f.Name), f.Content, parser.ParseComments|parser.SkipObjectResolution|parser.AllErrors)
		s.syntax(base, err)
		if file != nil && file.Name != nil {
			s.files = append(s.files, file)
		}
	}
}

// buildContext tells which files are for this machine. It reads them from memory.
func buildContext(files []File) build.Context {
	context := build.Default
	context.OpenFile = func(name string) (io.ReadCloser, error) {
		for _, f := range files {
			if f.Name == name {
				return io.NopCloser(bytes.NewReader(f.Content)), nil
			}
		}
		return nil, os.ErrNotExist
	}
	for flag := range strings.FieldsSeq(os.Getenv("GOFLAGS")) {
		if tags, ok := strings.CutPrefix(strings.TrimLeft(flag, "-"), "tags="); ok {
			context.BuildTags = append(context.BuildTags, strings.Split(tags, ",")...)
		}
	}
	return context
}

// syntax reports what a parser does not understand in the file that begins at base. The positions of its errors follow line
// comments, and those of mistakes do not.
func (s *source) syntax(base int, err error) {
	var list goscanner.ErrorList
	if err != nil && !errors.As(err, &list) {
		s.failure = err
	}
	list.RemoveMultiples()
	for _, e := range list {
		s.report(token.Pos(base+e.Pos.Offset), diagnostic.GoError, "%s", e.Msg)
	}
}

// imports lists what the files of a package import.
func (s *source) imports() []string {
	var list []string
	for _, file := range s.files {
		for _, i := range file.Imports {
			if p, err := strconv.Unquote(i.Path.Value); err == nil && p != "" {
				list = append(list, p)
			}
		}
	}
	return list
}

const (
	compiledTypes = packages.NeedName | packages.NeedFiles | packages.NeedTypes
	sourceTypes   = compiledTypes | packages.NeedImports | packages.NeedDeps | packages.NeedSyntax | packages.NeedTypesInfo
)

// compile finds the types of all that the packages of a module import but each other.
func (l *loader) compile(sources []*source) error {
	wanted := make(map[string]bool)
	for _, s := range sources {
		for _, p := range s.imports() {
			if l.sources[p] == nil && p != "C" && p != "unsafe" {
				wanted[p] = true
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	patterns := slices.Sorted(maps.Keys(wanted))
	list, err := packages.Load(&packages.Config{Mode: compiledTypes, Dir: sources[0].root}, patterns...)
	if err != nil {
		return err
	}
	// A package that does not compile has no compiled types. It may be waiting for generated code itself, or import one that
	// is; its source tells enough then.
	if slices.ContainsFunc(list, func(p *packages.Package) bool { return p.Types == nil && len(p.GoFiles) > 0 }) {
		if list, err = packages.Load(&packages.Config{Mode: sourceTypes, Dir: sources[0].root}, patterns...); err != nil {
			return err
		}
	}
	for _, p := range list {
		l.compiled[p.PkgPath] = p
	}
	return nil
}

// check checks the types of a package, and of those of its imports that are read with it.
func (l *loader) check(s *source) {
	if s.checked || s.failure != nil || !s.d.Empty() || len(s.files) == 0 {
		return
	}
	s.checked, s.unfinished = true, make(map[string]string)
	s.info = types.Info{Defs: make(map[*ast.Ident]types.Object), Types: make(map[ast.Expr]types.TypeAndValue), Scopes: make(map[ast.Node]*types.Scope)}
	config := types.Config{
		Importer:    importer{l, s},
		FakeImportC: true,
		Sizes:       types.SizesFor("gc", build.Default.GOARCH),
		Error: func(err error) {
			var e types.Error
			if errors.As(err, &e) {
				s.errs = append(s.errs, e)
			}
		},
	}
	s.pkg, _ = config.Check(s.Path, s.fset, s.files, &s.info) // the error is the first of those collected
}

// importer gives a package the types of its imports.
type importer struct {
	*loader
	of *source
}

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if s := i.sources[path]; s != nil && s != i.of {
		i.check(s)
		if s.pkg != nil {
			i.of.unfinished[path] = s.pkg.Name()
			return s.pkg, nil
		}
		return nil, errors.New("it has mistakes of its own")
	}
	p := i.compiled[path]
	switch {
	case p == nil:
		return nil, errors.New("there is no such package")
	case p.Types != nil && len(p.GoFiles) > 0:
		if isUnfinished(p) {
			i.of.unfinished[path] = p.Types.Name()
		}
		return p.Types, nil
	case len(p.Errors) > 0:
		return nil, errors.New(strings.TrimSpace(p.Errors[0].Msg))
	}
	return nil, errors.New("it could not be read")
}

// isUnfinished reports whether a package declares a workflow and has errors, or imports some that have, so that it may lack
// generated code.
func isUnfinished(p *packages.Package) bool {
	return p.IllTyped && slices.ContainsFunc(p.GoFiles, func(name string) bool {
		content, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		_, _, ok := Declares(content)
		return ok
	})
}
