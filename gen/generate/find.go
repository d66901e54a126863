package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/gospec"
)

// suffixes are the names of declarations in YAML.
var suffixes = []string{".ironflow.yaml", ".ironflow.yml"}

func isDeclaration(name string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// isGo tells a declaration of Go types, which is the Go file that says so, from one in YAML.
func isGo(path string) bool { return filepath.Ext(path) == ".go" }

// declares reports whether a file is a Go file that declares a workflow. One that cannot be read does not.
func declares(path string) bool {
	if !mayDeclare(filepath.Base(path)) {
		return false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, _, ok := gospec.Declares(content)
	return ok
}

// mayDeclare reports whether a file is a Go file in which a declaration is looked for.
func mayDeclare(name string) bool {
	return isGo(name) && !strings.HasSuffix(name, "_test.go") && !hasGeneratedName(name) && name[0] != '.' && name[0] != '_'
}

// found is what paths lead to.
type found struct {
	files     []string // declarations, sorted; of Go files, one in a directory
	abandoned []string // directories without one in which generated files are left, sorted
}

func (f *found) add(other found) {
	f.files = append(f.files, other.files...)
	f.abandoned = append(f.abandoned, other.abandoned...)
}

// find returns what the paths lead to, each once. A path is a declaration, a directory, or a directory followed by /... for
// all below it. Files and directories are returned the way the user wrote them.
func find(paths []string) (found, error) {
	var all found
	var errs []error
	for _, path := range paths {
		one, err := findOne(path)
		errs = append(errs, err)
		all.add(one)
	}
	var err error
	if all.files, err = once(all.files); err != nil {
		return found{}, err
	}
	if all.abandoned, err = once(all.abandoned); err != nil {
		return found{}, err
	}
	return all, errors.Join(errs...)
}

// once sorts paths, and keeps one of those that lead to the same file.
func once(paths []string) ([]string, error) {
	slices.Sort(paths)
	seen := make(map[string]bool)
	var kept []string
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !seen[real] {
			seen[real] = true
			kept = append(kept, path)
		}
	}
	return kept, nil
}

func findOne(path string) (found, error) {
	slashed := filepath.ToSlash(path)
	if root, all := strings.CutSuffix(slashed, "/..."); all || slashed == "..." {
		if !all {
			root = "."
		}
		return findBelow(path, filepath.FromSlash(root+"/"))
	}
	if strings.Contains(slashed, "...") {
		return found{}, fmt.Errorf("%s: only a pattern that ends in /... is understood", path)
	}
	info, err := os.Stat(path)
	switch {
	case path == "":
		return found{}, errors.New(`"" is no path; the current directory is "."`)
	case errors.Is(err, fs.ErrNotExist):
		return found{}, fmt.Errorf("%s: there is no such file or directory", path)
	case err != nil:
		return found{}, err
	case info.IsDir():
		return findIn(path)
	case !info.Mode().IsRegular():
		return found{}, fmt.Errorf("%s: %s", path, notFile(info.Mode()))
	case isGo(path) && !declares(path):
		return found{}, fmt.Errorf("%s: no struct here says //ironflow:workflow%s", path, beside(path))
	case !isGo(path) && !isDeclaration(path):
		return found{}, fmt.Errorf("%s: the name of a declaration ends in %s%s", path, suffixes[0], beside(path))
	}
	return found{files: []string{filepath.Clean(path)}}, nil
}

// beside says what may have been meant in place of a file that is no declaration.
func beside(path string) string {
	if meant := meantBy(path); meant != "" {
		return "; " + meant
	}
	if files, err := declarationsIn(filepath.Dir(path)); err == nil && len(files) > 0 {
		return "; the declaration of its directory is " + files[0]
	}
	return ""
}

// findIn looks into one directory.
func findIn(dir string) (found, error) {
	files, err := declarationsIn(dir)
	f := found{files: files}
	switch {
	case err != nil || len(files) > 0:
	case len(abandoned(dir, Options{}).steps) > 0:
		f.abandoned = append(f.abandoned, dir)
	default:
		below := fmt.Sprintf("%q looks below it too, and ", strings.TrimSuffix(filepath.ToSlash(dir), "/")+"/...")
		err = nothing(dir, "in this directory", below, append([]string{dir}, candidatesIn(dir)...))
	}
	return f, err
}

func candidatesIn(dir string) []string {
	entries, _ := os.ReadDir(dir) // could be read just before
	var paths []string
	for _, e := range entries {
		if isCandidate(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// declarationsIn returns the declarations of one directory, of which its Go files are one at most.
func declarationsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	hasGo := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !isFile(dir, e):
		case isDeclaration(path):
			files = append(files, path)
		case !hasGo && declares(path):
			hasGo = true
			files = append(files, path)
		}
	}
	return files, nil
}

// findBelow walks a tree as the go command does for its patterns.
func findBelow(pattern, root string) (found, error) {
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return found{}, fmt.Errorf("%s: there is no such directory", pattern)
	}
	var f found
	var candidates, modules []string
	declared, hasGo, generated := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && isCandidate(e.Name()) {
			candidates = append(candidates, filepath.Clean(path))
		}
		switch {
		case err != nil:
			return err
		case e.IsDir():
			switch {
			case path == root:
			case isSkipped(path):
				return fs.SkipDir
			case isModule(path):
				modules = append(modules, filepath.ToSlash(filepath.Clean(path)))
				return fs.SkipDir
			}
		case !isFile(filepath.Dir(path), e):
		case isDeclaration(path):
			f.files = append(f.files, filepath.Clean(path))
			declared[filepath.Dir(path)] = true
		case hasGeneratedName(path):
			generated[filepath.Dir(path)] = true
		case !hasGo[filepath.Dir(path)] && declares(path):
			f.files = append(f.files, filepath.Clean(path))
			declared[filepath.Dir(path)] = true
			hasGo[filepath.Dir(path)] = true
		}
		return nil
	})
	for dir := range generated {
		if !declared[dir] {
			f.abandoned = append(f.abandoned, dir)
		}
	}
	if err == nil && len(f.files) == 0 && len(f.abandoned) == 0 {
		elsewhere := ""
		if len(modules) > 0 {
			elsewhere = fmt.Sprintf("%q looks into another module, and ", modules[0]+"/...")
		}
		err = nothing(pattern, "below this directory", elsewhere, candidates)
	}
	return f, err
}

// isSkipped reports whether a pattern leaves a directory out because of its name.
func isSkipped(dir string) bool {
	name := filepath.Base(dir)
	return name == "vendor" || name == "testdata" || name == "node_modules" || name[0] == '.' || name[0] == '_'
}

// isModule reports whether a directory is a module of its own, which a pattern leaves out, too.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// isFile reports whether an entry of a directory can be read as a file, itself or what it links to: a pipe would not end. A dangling link
// counts, for reading it to say so.
func isFile(dir string, e fs.DirEntry) bool {
	if e.Type() != fs.ModeSymlink {
		return e.Type().IsRegular()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err != nil || info.Mode().IsRegular()
}

// notFile says what something is that is neither a file nor a directory.
func notFile(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "this is a named pipe, and a declaration is a file"
	case mode&fs.ModeSocket != 0:
		return "this is a socket, and a declaration is a file"
	}
	return "this is a device, and a declaration is a file"
}
