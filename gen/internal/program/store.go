package program

import (
	"fmt"
	"strings"
)

// Library is the import path of the library's root.
const Library = "github.com/ironflow-gen/ironflow/runtime"

// IsPostgres reports whether a store is a database of PostgreSQL, by a connection string or URL.
func IsPostgres(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") || strings.Contains(name, "host=") ||
		strings.Contains(name, "dbname=")
}

// OpenStore returns the function open(ctx, name) of a program that reads a store, with its imports. The program imports only the store that it
// needs, so that a module need not have the driver of the other. An empty name stands for no store. schema is that of PostgreSQL, empty for the
// default.
func OpenStore(name, schema string) (imports []string, function string) {
	imports = []string{`"context"`, `"errors"`, `"` + Library + `/store"`}
	body := `return nil, nil, errors.New("no store")`
	switch {
	case IsPostgres(name):
		imports = append(imports, `"github.com/jackc/pgx/v5/pgxpool"`, `"`+Library+`/postgres"`)
		options := "postgres.ReadOnly()"
		if schema != "" {
			options += fmt.Sprintf(", postgres.WithSchema(%q)", schema)
		}
		body = `pool, err := pgxpool.New(ctx, name)
	if err != nil {
		return nil, nil, errors.New("the connection string cannot be read")
	}
	st, err := postgres.New(ctx, pool, ` + options + `)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return st, func() error { pool.Close(); return nil }, nil`
	case name != "":
		imports = append(imports, `"`+Library+`/sqlite"`)
		body = `st, err := sqlite.Open(ctx, name, sqlite.Existing())
	if err != nil {
		return nil, nil, errors.Join(errors.New("-store is a postgres:// URL or a file of SQLite"), err)
	}
	return st, st.Close, nil`
	}
	return imports, `
func open(ctx context.Context, name string) (store.Store, func() error, error) {
	_ = errors.New
	` + body + `
}
`
}
