package generate

import (
	"os"
	"path/filepath"
	"strings"
)

// Declarations returns the files with the declarations that the paths name, sorted. Where Go types are the declaration,
// these are all Go files of the package but tests and generated ones.
func Declarations(paths []string) ([]string, error) {
	found, err := find(paths)
	var files []string
	for _, file := range found.files {
		if !isGo(file) {
			files = append(files, file)
			continue
		}
		entries, _ := os.ReadDir(filepath.Dir(file)) // it was there a moment ago
		for _, e := range entries {
			if name := e.Name(); isGo(name) && !strings.HasSuffix(name, "_test.go") && !hasGeneratedName(name) {
				files = append(files, filepath.Join(filepath.Dir(file), name))
			}
		}
	}
	return files, err
}
