package generate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// Load reads the declarations that the paths name. When any of them has a mistake, the error has the mistakes of all of
// them, as [New] returns them.
func Load(paths []string) ([]*spec.Workflow, error) {
	found, err := find(paths)
	if err != nil {
		return nil, err
	}
	packages, together := loadAll(found.files, Options{})
	errs := []error{together}
	var list []*spec.Workflow
	for _, p := range packages {
		errs = append(errs, p.err)
		list = append(list, p.w)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return list, nil
}

// loadAll reads declarations and the Go files beside them. The error is about what the declarations say of each other.
func loadAll(files []string, options Options) ([]pkg, error) {
	packages := make([]pkg, len(files))
	inParallel(len(files), func(i int) {
		p := pkg{file: files[i], dir: filepath.Dir(files[i]), options: options}
		if p.err = p.read(); p.err == nil && !isGo(p.file) {
			p.parse()
		}
		packages[i] = p
	})
	var of []*pkg
	var sources []gospec.Package
	for i := range packages {
		if p := &packages[i]; p.err == nil && isGo(p.file) {
			of = append(of, p)
			sources = append(sources, p.source())
		}
	}
	for i, result := range gospec.Load(sources) {
		of[i].w, of[i].err = result.Workflow, result.Err
	}
	imported := goTypes{packages: make(map[string]*goPackage)}
	for i := range packages {
		p := &packages[i]
		if p.w != nil {
			p.w.ImportPath = gospec.ImportPath(p.dir)
		}
		if p.err == nil && !isGo(p.file) {
			p.err = imported.check(p.w, p.dir)
		}
	}
	return packages, validateTogether(packages)
}

// parse reads a declaration in YAML.
func (p *pkg) parse() {
	content, err := os.ReadFile(p.file)
	if err != nil {
		p.err = err
		return
	}
	p.w, p.err = yamlspec.Parse(p.file, content)
}

// source is the user's part of a package whose types are the declaration.
func (p *pkg) source() gospec.Package {
	source := gospec.Package{Dir: p.dir}
	for _, f := range p.own {
		if !strings.HasSuffix(f.Path, "_test.go") && !scaffold.IsBlank(f.Content) {
			source.Files = append(source.Files, gospec.File{Name: f.Name(), Content: f.Content})
		}
	}
	return source
}

// validateTogether checks what the declarations that could be read say of each other.
func validateTogether(packages []pkg) error {
	var list []*spec.Workflow
	for _, p := range packages {
		if p.err == nil {
			list = append(list, p.w)
		}
	}
	var d spec.Diagnostics
	spec.ValidateTogether(list, neighbours(packages), &d)
	return d.Err()
}
