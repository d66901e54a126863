package generate

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// neighbours returns the workflows that effects of the packages start or send inputs to, and those that start a workflow of the packages which
// sends an input to its parent. They are declared elsewhere in the same module: "go generate ./..." reads one directory at a time. A
// declaration with mistakes is left out, as its own run reports them. Declarations in YAML come first, and those of Go types are read only for
// what is still not found, since they need the go command.
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
	missing := make(map[string]*sought) // by the directory of a module
	want := func(p pkg) *sought {
		root := gospec.ModuleDir(p.dir)
		if missing[root] == nil {
			missing[root] = &sought{names: make(map[string]bool), children: make(map[string]bool)}
		}
		return missing[root]
	}
	for _, p := range packages {
		if p.err != nil {
			continue
		}
		for _, e := range p.w.Effects {
			for _, d := range []*spec.Delivery{e.Starts, e.Sends} {
				switch {
				case d == nil:
				case d.ToParent():
					want(p).children[p.w.Name.Stored()] = true
				case !loaded[d.Workflow.Text]:
					want(p).names[d.Workflow.Text] = true
				}
			}
		}
	}
	var list []*spec.Workflow
	for root, what := range missing {
		if root != "" {
			list = append(list, what.declaredIn(root, read)...)
		}
	}
	return list
}

// sought are workflows that are looked for.
type sought struct {
	names    map[string]bool // of workflows
	children map[string]bool // names of workflows of which those are sought that start them
}

// takes reports whether a workflow is one of them.
func (w *sought) takes(found *spec.Workflow) bool {
	return w.names[found.Name.Stored()] || w.names[found.Name.Text] ||
		slices.ContainsFunc(found.Effects, func(e *spec.Effect) bool { return e.Starts != nil && w.children[e.Starts.Workflow.Text] })
}

// declaredIn finds them in a module. Files that were read already do not count.
func (w *sought) declaredIn(root string, read map[string]bool) []*spec.Workflow {
	all, err := findBelow(root, root)
	if err != nil {
		return nil
	}
	mentioned := func(content []byte, names map[string]bool, before ...string) bool {
		for name := range names {
			if slices.ContainsFunc(before, func(before string) bool { return bytes.Contains(content, []byte(before+name)) }) {
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
		case isGo(file) && (mentioned(content, w.names, "type=", `type="`, "as=", `as="`) || mentioned(content, w.children, "starts=", `starts="`)):
			p := pkg{file: shown, dir: filepath.Dir(shown)}
			if p.read() == nil {
				sources = append(sources, p.source())
			}
		case !isGo(file) && (mentioned(content, w.names, "") || mentioned(content, w.children, "")):
			if found, err := yamlspec.Parse(shown, content); err == nil && w.takes(found) {
				list = append(list, found)
			}
		}
	}
	found := make(map[string]bool)
	for _, one := range list {
		found[one.Name.Stored()] = true
	}
	if len(found) < len(w.names) || len(w.children) > 0 {
		for _, result := range gospec.Load(sources) {
			if result.Err == nil && w.takes(result.Workflow) {
				list = append(list, result.Workflow)
			}
		}
	}
	for _, one := range list {
		one.ImportPath = gospec.ImportPath(filepath.Dir(one.File))
	}
	return list
}
