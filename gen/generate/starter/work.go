package starter

import (
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// JoinWorkspace returns the command that makes the module part of the workspace that it is in. Without it the go command refuses to build
// the module. needed is false when the module is in no workspace, or part of it already.
func (m *Module) JoinWorkspace() (c Command, needed bool) {
	root := m.dir
	if m.exists {
		root = filepath.Dir(m.path)
	}
	file := workspaceOf(root)
	if file == "" {
		return c, false
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return c, false
	}
	work, err := modfile.ParseWork(file, content, nil)
	if err != nil {
		return c, false // the go command says what is wrong with it
	}
	for _, use := range work.Use {
		used := filepath.FromSlash(use.Path)
		if !filepath.IsAbs(used) {
			used = filepath.Join(filepath.Dir(file), used)
		}
		if sameDirectory(used, root) {
			return c, false
		}
	}
	below, err := filepath.Rel(m.dir, root)
	if err != nil {
		below = root
	}
	return Command{
		Args: []string{"work", "use", filepath.ToSlash(below)},
		Why:  "the module is in a workspace that does not use it",
	}, true
}

// workspaceOf returns the go.work that the go command takes in a directory, "" when there is none.
func workspaceOf(dir string) string {
	switch set := os.Getenv("GOWORK"); set {
	case "":
	case "off":
		return ""
	default:
		return set
	}
	for ; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "go.work")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func sameDirectory(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
