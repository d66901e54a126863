// Package buildinfo says which ironflow-gen is running.
package buildinfo

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"golang.org/x/mod/modfile"
)

// Module is the path of this module.
const Module = "github.com/ironflow-gen/ironflow"

// zeroVersion is what the go command calls a module that a replace directive takes from a directory.
const zeroVersion = "v0.0.0-00010101000000-000000000000"

// Build is where a binary comes from.
type Build struct {
	Version  string // "(devel)" when it has none
	Released bool   // the go command downloaded Version, so others can as well
	Checkout string // directory of the sources when it is not released; empty when they are gone
}

// Current describes the running binary.
func Current() Build {
	b := Build{Version: "(devel)"}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == Module {
		if v := info.Main.Version; v != "" && v != zeroVersion {
			b.Version = v
		}
		// Only what was downloaded has a checksum.
		b.Released = info.Main.Sum != "" && info.Main.Replace == nil
	}
	if !b.Released {
		b.Checkout = checkout()
	}
	return b
}

// checkout finds this module by the position of this file.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(filepath.FromSlash(file)), "..", "..", "..")
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !filepath.IsAbs(root) || modfile.ModulePath(content) != Module {
		return ""
	}
	return root
}
