// Package corpus finds the archives and declarations that tests go through.
package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Archives runs f as a subtest for each archive in the txtar format that a pattern finds. There must be some.
func Archives(t *testing.T, pattern string, f func(t *testing.T, path string, archive *txtar.Archive)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives %s: %v", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f(t, path, archive)
		})
	}
}

// Declarations returns all declarations in YAML below a directory but in hidden ones, be they files or those files of archives
// whose names end in one of the suffixes. Their names tell where they are.
func Declarations(t testing.TB, root string, suffixes ...string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			if path != root && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
		case strings.HasSuffix(path, ".ironflow.yaml"):
			all[path], err = os.ReadFile(path)
		case strings.HasSuffix(path, ".txtar"):
			var archive *txtar.Archive
			if archive, err = txtar.ParseFile(path); err != nil {
				return err
			}
			for _, f := range archive.Files {
				if slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(f.Name, suffix) }) {
					all[path+" "+f.Name] = f.Data
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
