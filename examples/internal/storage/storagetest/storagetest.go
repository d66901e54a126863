// Package storagetest runs the tests of examples on both stores.
package storagetest

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

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
		test(t, newDatabase(t), "")
	})
}

// newDatabase makes an empty database and drops it at the end of the test.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := pgserver.URL(t)
	database, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	name := t.Name()
	quoted := pgx.Identifier{name}.Sanitize()
	exec(t, server, "CREATE DATABASE "+quoted)
	t.Cleanup(func() { exec(t, server, "DROP DATABASE "+quoted+" WITH (FORCE)") })
	database.Path = "/" + name
	return database.String()
}

func exec(t *testing.T, server, sql string) {
	ctx := context.Background() // also when the test has ended
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Error(err)
	}
}
