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
	for line := range bytes.Lines(content) {
		text := lineText(line)
		if strings.HasPrefix(text, "package ") {
			return false
		}
		if text == emit.Header {
			return true
		}
	}
	return false
}

func lineText(line []byte) string { return strings.TrimRight(string(line), "\r\n") }

// sourceOf returns the declaration that a generated file comes from. It is only known when both lines of the head are as
// they are written.
func sourceOf(content []byte) (name string, ok bool) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	name, ok = strings.CutPrefix(lineText(second), emit.SourcePrefix)
	isSource := isDeclaration(name) || filepath.Ext(name) == ".go"
	return name, ok && lineText(first) == emit.Header && isSource && name == filepath.Base(name)
}

// isOrphan reports whether a generated file that is not generated any more may be removed: its name and its head are ours, it
// is no link, and it comes from this declaration, or from one that is gone because it was renamed or removed.
func (p *pkg) isOrphan(name string, content []byte) bool {
	source, ok := sourceOf(content)
	if !ok || !hasGeneratedName(name) || p.links[name] != "" {
		return false
	}
	if p.w != nil && source == filepath.Base(p.w.File) {
		return true
	}
	_, err := os.Lstat(p.path(source))
	return os.IsNotExist(err)
}

// sameText compares regardless of how a checkout ends lines.
func sameText(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(unixLines(a), unixLines(b))
}

func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func sortedNames(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
