package buildinfo

import (
	"path/filepath"
	"testing"
)

func TestCurrent(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	b := Current()
	if b.Version == "" || b.Released || b.Checkout != root {
		t.Errorf("got %+v, want a build that is not released, from %s", b, root)
	}
}
