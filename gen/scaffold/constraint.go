package scaffold

import (
	"bytes"
	"go/build"
	"io"
	"path/filepath"
	"strings"
)

// constraintOf returns the constraint under which a file is built: that in its head and that in its name.
func constraintOf(s Source) string {
	var parts []string
	if expr := buildLine(s.Content); expr != nil {
		parts = append(parts, expr.String())
	}
	parts = append(parts, nameTags(s.Name())...)
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
