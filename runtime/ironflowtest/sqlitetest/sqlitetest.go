// Package sqlitetest gives each test an empty store on SQLite. It is apart from ironflowtest, so that only tests on SQLite link its driver.
package sqlitetest

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// Open returns an empty store in a temporary directory. It is closed and deleted when the test ends.
func Open(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
