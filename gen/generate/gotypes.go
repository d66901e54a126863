package generate

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// goTypes looks up the Go types that declarations in YAML import. It reads the source of the standard library and of the user's
// module, without the go command. It says nothing of packages whose source it does not find.
type goTypes struct {
	packages map[string]*goPackage // by directory
}

// goPackage is what the source of a package declares at package level.
type goPackage struct {
	isProgram bool // all of its files belong to package main
	types     map[string]*ast.TypeSpec
	others    map[string]bool // constants, variables and functions
	generated map[string]string
	unknown   bool // it may declare more, as generated code is missing
}

// check reports imported types of a declaration that generated code cannot use.
func (g *goTypes) check(w *spec.Workflow, dir string) error {
	var d spec.Diagnostics
	for _, t := range w.Types {
		if t.Kind == spec.Imported {
			g.checkType(w, t, dir, &d)
		}
	}
	return d.Err()
}

func (g *goTypes) checkType(w *spec.Workflow, t *spec.Type, dir string, d *spec.Diagnostics) {
	path, name := t.Go.Path, t.Go.Name
	report := func(format string, args ...any) { d.Report(t.Go.Pos, diagnostic.BadGoType, format, args...) }
	source, isStandard := directoryOf(path, dir)
	switch {
	case path == "main":
		report("Go type %q belongs to package main, which cannot be imported; move the type to another package", path+"."+name)
		return
	case isInternal(path, w.ImportPath, isStandard):
		report("package %q is internal, so that %q cannot import it; use a type of another package", path, w.ImportPath)
		return
	case source == "":
		return
	}
	p := g.read(source)
	declared := p.types[name]
	_, isGenerated := p.generated[name]
	switch {
	case p.isProgram:
		report("package %q is a program, which cannot be imported; move %s to another package", path, name)
	case declared != nil && declared.TypeParams != nil:
		report("the Go type of %q has type parameters; %s", t.Name.Text, spec.NoArguments)
	case declared != nil && (path == "sync" || path == "sync/atomic") && isStruct(declared):
		report("values of the Go type %q must not be copied, and generated code copies them; use a type that only holds data", path+"."+name)
	case declared != nil || isGenerated || p.unknown || len(p.types)+len(p.others)+len(p.generated) == 0:
	case p.others[name]:
		report("%q is no type, but a constant, a variable or a function of package %q; name a type", name, path)
	default:
		_, hint := spec.Suggest(name, p.exported())
		if hint == "" {
			hint = "name one that it declares"
		}
		report("package %q declares no type %q; %s", path, name, hint)
	}
}

func isStruct(t *ast.TypeSpec) bool {
	_, ok := t.Type.(*ast.StructType)
	return ok
}

func (p *goPackage) exported() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(p.types)), maps.Keys(p.generated))
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !token.IsExported(name) })
}

// directoryOf returns the directory of a package of the standard library, or of the module that a directory belongs to; "" for others.
func directoryOf(path, dir string) (source string, isStandard bool) {
	if root := gospec.ModuleDir(dir); root != "" {
		module := gospec.ImportPath(root)
		if rest, ok := strings.CutPrefix(path+"/", module+"/"); ok && module != "" {
			return existing(filepath.Join(root, filepath.FromSlash(rest))), false
		}
	}
	first, _, _ := strings.Cut(path, "/")
	if strings.Contains(first, ".") || build.Default.GOROOT == "" {
		return "", false
	}
	source = existing(filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(path)))
	return source, source != ""
}

func existing(dir string) string {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// isInternal reports whether the go command keeps a package from another one, by the rule for directories called "internal".
func isInternal(path, from string, isStandard bool) bool {
	elements := strings.Split(path, "/")
	for i := len(elements) - 1; i >= 0; i-- {
		if elements[i] == "internal" {
			parent := strings.Join(elements[:i], "/")
			return isStandard || i == 0 || from != "" && !strings.HasPrefix(from+"/", parent+"/")
		}
	}
	return false
}

// read reads the files of a package, whatever their build constraints are, and what is generated for the declaration beside them.
func (g *goTypes) read(dir string) *goPackage {
	if p := g.packages[dir]; p != nil {
		return p
	}
	p := &goPackage{types: make(map[string]*ast.TypeSpec), others: make(map[string]bool)}
	g.packages[dir] = p
	entries, _ := os.ReadDir(dir)
	isProgram, isLibrary := false, false
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		isYAML := strings.HasSuffix(file, ".ironflow.yaml") || strings.HasSuffix(file, ".ironflow.yml")
		if !isYAML && (!strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go")) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			p.unknown = true
			continue
		}
		if isYAML {
			if w, err := yamlspec.Parse(file, content); err == nil {
				p.generated = declaredBy(w)
			} else {
				p.unknown = true
			}
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, content, parser.SkipObjectResolution)
		if err != nil {
			p.unknown = true
			continue
		}
		if _, _, ok := gospec.Declares(content); ok {
			p.unknown = true
		}
		if syntax.Name.Name == "main" {
			isProgram = true
			continue
		}
		isLibrary = true
		p.add(syntax)
	}
	p.isProgram = isProgram && !isLibrary && !p.unknown
	return p
}

// declaredBy returns the names that a declaration in YAML gives its package.
func declaredBy(w *spec.Workflow) map[string]string {
	names := spec.GeneratedIdentifiers(w)
	names["State"], names["Status"] = "", ""
	for _, t := range w.Types {
		names[t.Name.Text] = ""
	}
	for _, m := range w.Messages() {
		names[m.Name.Text] = ""
	}
	return names
}

func (p *goPackage) add(file *ast.File) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				p.others[decl.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range decl.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					p.types[s.Name.Name] = s
				case *ast.ValueSpec:
					for _, id := range s.Names {
						p.others[id.Name] = true
					}
				}
			}
		}
	}
}
