// Package buildtags reads the constraints under which a Go file is built.
package buildtags

import (
	"bytes"
	"go/build"
	"go/build/constraint"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// IsIgnored reports whether a file says "//go:build ignore", as scripts do: no other tags have it built.
func IsIgnored(content []byte) bool {
	expr := buildLine(content)
	if expr == nil {
		return false
	}
	tags := slices.DeleteFunc(slices.Sorted(maps.Keys(tagsOf(expr))), func(tag string) bool { return tag == "ignore" })
	if len(tags) > maxTags {
		return false
	}
	for set := range 1 << len(tags) {
		if expr.Eval(func(tag string) bool {
			i := slices.Index(tags, tag)
			return i >= 0 && set>>i&1 == 1
		}) {
			return false
		}
	}
	return true
}

// maxTags is how many tags of a constraint are tried in all combinations.
const maxTags = 10

func tagsOf(expr constraint.Expr) map[string]bool {
	tags := make(map[string]bool)
	expr.Eval(func(tag string) bool { tags[tag] = true; return true }) // asks for all of them
	return tags
}

// buildLine returns the constraint in the head of a file, or nil.
func buildLine(content []byte) constraint.Expr {
	for line := range bytes.Lines(content) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "package ") {
			return nil
		}
		if constraint.IsGoBuild(text) {
			expr, _ := constraint.Parse(text) // one that is malformed does not count for the go command either
			return expr
		}
	}
	return nil
}

// Of returns the constraint under which a file is built: that in its head and that in its name, which is without directory. It is
// "" when there is none.
func Of(name string, content []byte) string {
	var parts []string
	if expr := buildLine(content); expr != nil {
		parts = append(parts, expr.String())
	}
	parts = append(parts, nameTags(name)...)
	if len(parts) > 1 {
		parts[0] = "(" + parts[0] + ")"
	}
	return strings.Join(parts, " && ")
}

// nameTags returns the operating system and the architecture in the name of a file, as in decider_linux_amd64.go.
func nameTags(name string) []string {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "_test")
	parts := strings.Split(stem, "_")[1:] // the first part is never a tag
	var tags []string
	for i := len(parts) - 1; i >= 0 && len(tags) < 2 && isPlatform(parts[i]); i-- {
		tags = append([]string{parts[i]}, tags...)
	}
	return tags
}

// isPlatform reports whether the go command takes a part of a file's name for an operating system or an architecture: a
// build for nothing that exists leaves the file out.
func isPlatform(tag string) bool {
	nowhere := build.Context{
		GOOS: "none", GOARCH: "none", Compiler: "gc",
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("package p\n"))), nil },
	}
	match, err := nowhere.MatchFile("", "x_"+tag+".go")
	return err == nil && !match
}
