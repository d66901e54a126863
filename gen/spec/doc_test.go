package spec_test

import (
	"testing"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

func TestDocText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"a\tb\n\n c ":                       "a\tb\n\n c ",
		"\ufeffa\x1e\x00b\u0085c\r\uffff\n": "abc\n",
		"+build x\n \t+build\n+build\ty":    "+ build x\n \t+ build\n+ build\ty",
		"+builder\n-+build x\n//go:build y": "+builder\n-+build x\n//go:build y",
		"+\ufeffbuild x":                    "+ build x",
	} {
		if got := spec.DocText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
