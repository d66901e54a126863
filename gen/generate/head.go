package generate

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/emit"
)

// generatedSuffixes are the ends of the names of generated files.
var generatedSuffixes = []string{"_ironflow.go", "_ironflow_test.go"}

func hasGeneratedName(name string) bool {
	return slices.ContainsFunc(generatedSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// isGenerated reports whether the head of a Go file says that ironflow-gen wrote it.
func isGenerated(content []byte) bool {
	_, ok := headLine(content, emit.Header)
	return ok
}

// headLine returns the rest of the first line above the package clause that begins with prefix.
func headLine(content []byte, prefix string) (rest string, ok bool) {
	for line := range bytes.Lines(content) {
		text := strings.TrimRight(string(line), "\r\n")
		if strings.HasPrefix(text, "package ") {
			break
		}
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return rest, true
		}
	}
	return "", false
}

// isStale reports whether a generated file that is not generated any more may be removed: it comes from this
// declaration, or from one of which only this is left after it was renamed.
func (p *pkg) isStale(name string, content []byte) bool {
	if !hasGeneratedName(name) {
		return false
	}
	source, ok := headLine(content, emit.SourcePrefix)
	if !ok || source != filepath.Base(source) {
		return false
	}
	if source == filepath.Base(p.w.File) {
		return true
	}
	_, err := os.Lstat(p.path(source))
	return isDeclaration(source) && os.IsNotExist(err)
}

// sameText compares regardless of how a checkout ends lines.
func sameText(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(unixLines(a), unixLines(b))
}

func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func sortedNames(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
