package generate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nothing says that there is no declaration in a place, and where else there may be one. Candidates are files and directories of
// which one may have been meant.
func nothing(path, place, elsewhere string, candidates []string) error {
	hint := elsewhere + `"ironflow-gen init NAME" makes a new one`
	for _, candidate := range candidates {
		if meant := meantBy(candidate); meant != "" {
			hint = meant
			break
		}
	}
	return fmt.Errorf(`%s: no *%s %s, and no Go struct that says //ironflow:workflow; %s`, path, suffixes[0], place, hint)
}

// isCandidate reports whether a file or directory may have been meant as a declaration by what it is called.
func isCandidate(name string) bool {
	ext := filepath.Ext(name)
	return strings.Contains(name, ".ironflow.") || ext == ".yaml" || ext == ".yml" || mayDeclare(name)
}

var (
	yamlBegins   = regexp.MustCompile(`(?m)^ironflow[ \t]*:`)
	almostInGo   = regexp.MustCompile(`(?m)^[ \t]*//[ \t]+ironflow:workflow\b`)
	candidateMax = int64(1 << 20) // bytes; no declaration is as large
)

// meantBy says what to do when a candidate is a declaration but for its name or a space, and returns "" when it is none.
func meantBy(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Size() > candidateMax {
		return ""
	}
	if info.IsDir() {
		if isDeclaration(path) {
			return fmt.Sprintf("%s is a directory, not a file", path)
		}
		return ""
	}
	if !info.Mode().IsRegular() {
		if isDeclaration(path) {
			return fmt.Sprintf("%s: %s", path, notFile(info.Mode()))
		}
		return ""
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if !isGo(path) {
		if yamlBegins.Match(content) {
			return fmt.Sprintf("%s reads like a declaration, so call it %s", path, declarationName(path))
		}
		return ""
	}
	if at := almostInGo.FindIndex(content); at != nil {
		line := 1 + bytes.Count(content[:at[1]], []byte("\n"))
		return fmt.Sprintf("%s:%d: a directive has no space behind the slashes, so write //ironflow:workflow", path, line)
	}
	return ""
}

// declarationName returns what a file would have to be called as a declaration.
func declarationName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if name == "ironflow" || name == "" {
		if dir, err := filepath.Abs(filepath.Dir(path)); err == nil {
			name = filepath.Base(dir)
		}
	}
	return filepath.Join(filepath.Dir(path), name+suffixes[0])
}
