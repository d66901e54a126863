// Package storagetest runs the tests of examples on both stores.
package storagetest

import (
	"path/filepath"
	"testing"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

// OnBoth runs a test with what an example is given to open its store: the URL of a database, or a file.
func OnBoth(t *testing.T, test func(t *testing.T, database, file string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "", filepath.Join(t.TempDir(), "example.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgserver.Database(t), "")
	})
}
