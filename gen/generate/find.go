package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// suffixes are the names of declarations.
var suffixes = []string{".ironflow.yaml", ".ironflow.yml"}

func isDeclaration(name string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// find returns the declarations that the paths name, sorted, each once. A path is a declaration, a directory, or a
// directory followed by /... for all below it. They are returned the way the user wrote them.
func find(paths []string) ([]string, error) {
	var found []string
	var errs []error
	seen := make(map[string]bool)
	for _, path := range paths {
		files, err := findOne(path)
		errs = append(errs, err)
		for _, file := range files {
			absolute, err := filepath.Abs(file)
			if err != nil {
				return nil, err
			}
			if !seen[absolute] {
				seen[absolute] = true
				found = append(found, file)
			}
		}
	}
	slices.Sort(found)
	return found, errors.Join(errs...)
}

func findOne(path string) ([]string, error) {
	slashed := filepath.ToSlash(path)
	if root, all := strings.CutSuffix(slashed, "/..."); all || slashed == "..." {
		if !all {
			root = "."
		}
		return findBelow(path, filepath.FromSlash(root+"/"))
	}
	if strings.Contains(slashed, "...") {
		return nil, fmt.Errorf("%s: only a pattern that ends in /... is understood", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file or directory", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		files, err := declarationsIn(path)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%s: no *%s in this directory; \"ironflow-gen init NAME\" makes a new one", path, suffixes[0])
		}
		return files, err
	case !isDeclaration(path):
		return nil, fmt.Errorf("%s: the name of a declaration ends in %s", path, suffixes[0])
	}
	return []string{filepath.Clean(path)}, nil
}

// declarationsIn returns the declarations of one directory.
func declarationsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && isDeclaration(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// findBelow walks a tree as the go command does for its patterns.
func findBelow(pattern, root string) ([]string, error) {
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such directory", pattern)
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			if path != root && isSkipped(path) {
				return fs.SkipDir
			}
		case isDeclaration(path):
			files = append(files, filepath.Clean(path))
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no *%s below this directory; \"ironflow-gen init NAME\" makes a new one", pattern, suffixes[0])
	}
	return files, err
}

// isSkipped reports whether a pattern leaves a directory out, because its name says so or because it is another module.
func isSkipped(dir string) bool {
	switch name := filepath.Base(dir); {
	case name == "vendor", name == "testdata", name == "node_modules", name[0] == '.', name[0] == '_':
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
