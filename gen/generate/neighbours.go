package generate

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// neighbours returns the workflows that effects of the packages start or send inputs to, and that are declared elsewhere in the same
// module: "go generate ./..." reads one directory at a time. A declaration with mistakes is left out, as its own run reports them.
// Declarations in YAML come first, and those of Go types are read only for what is still not found, since they need the go command.
func neighbours(packages []pkg) []*spec.Workflow {
	read := make(map[string]bool)   // absolute paths of declarations
	loaded := make(map[string]bool) // names of workflows
	for _, p := range packages {
		if file, err := filepath.Abs(p.file); err == nil {
			read[file] = true
		}
		if p.err == nil {
			loaded[p.w.Name.Stored()] = true
		}
	}
	missing := make(map[string]map[string]bool) // by the directory of a module
	for _, p := range packages {
		if p.err != nil {
			continue
		}
		for _, e := range p.w.Effects {
			for _, d := range []*spec.Delivery{e.Starts, e.Sends} {
				if d == nil || loaded[d.Workflow.Text] {
					continue
				}
				if root := gospec.ModuleDir(p.dir); root != "" {
					if missing[root] == nil {
						missing[root] = make(map[string]bool)
					}
					missing[root][d.Workflow.Text] = true
				}
			}
		}
	}
	var list []*spec.Workflow
	for root, names := range missing {
		list = append(list, declaredIn(root, names, read)...)
	}
	return list
}

// declaredIn finds workflows of some names in a module. Files that were read already do not count.
func declaredIn(root string, names, read map[string]bool) []*spec.Workflow {
	all, err := findBelow(root, root)
	if err != nil {
		return nil
	}
	mentioned := func(content []byte, before string) bool {
		for name := range names {
			if bytes.Contains(content, []byte(before+name)) {
				return true
			}
		}
		return false
	}
	here, _ := os.Getwd() // without it, paths stay absolute
	var list []*spec.Workflow
	var sources []gospec.Package
	for _, file := range all.files {
		content, err := os.ReadFile(file)
		if err != nil || read[file] {
			continue
		}
		shown := file
		if relative, err := filepath.Rel(here, file); err == nil {
			shown = relative
		}
		switch {
		case isGo(file) && (mentioned(content, "type=") || mentioned(content, `type="`) || mentioned(content, "as=") || mentioned(content, `as="`)):
			p := pkg{file: shown, dir: filepath.Dir(shown)}
			if p.read() == nil {
				sources = append(sources, p.source())
			}
		case !isGo(file) && mentioned(content, ""):
			if w, err := yamlspec.Parse(shown, content); err == nil && (names[w.Name.Stored()] || names[w.Name.Text]) {
				list = append(list, w)
			}
		}
	}
	found := make(map[string]bool)
	for _, w := range list {
		found[w.Name.Stored()] = true
	}
	if len(found) < len(names) {
		for _, result := range gospec.Load(sources) {
			if result.Err == nil && (names[result.Workflow.Name.Stored()] || names[result.Workflow.Name.Text]) {
				list = append(list, result.Workflow)
			}
		}
	}
	for _, w := range list {
		w.ImportPath = gospec.ImportPath(filepath.Dir(w.File))
	}
	return list
}
