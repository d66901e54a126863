package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// storeVariable names the store when -store does not.
const storeVariable = "IRONFLOW_STORE"

// open opens the store that the command line names.
func (k *call) open(ctx context.Context) (closeStore func(), err error) {
	name := cmp.Or(k.options.store, os.Getenv(storeVariable))
	switch {
	case name == "":
		return nil, fmt.Errorf("no store is named; pass -store postgres://… or -store FILE, or set %s", storeVariable)
	case isURL(name):
		closeStore, err = k.openPostgres(ctx, name)
	default:
		closeStore, err = k.openSQLite(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("the store %s: %w", withoutPassword(name), hidePassword(err))
	}
	k.admin, err = admin.New(k.store, admin.Config{Logger: slog.New(slog.NewTextHandler(k.errs, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		closeStore()
		return nil, err
	}
	return closeStore, nil
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") || strings.Contains(name, "host=")
}

func (k *call) openPostgres(ctx context.Context, name string) (func(), error) {
	config, err := pgxpool.ParseConfig(name)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["application_name"] = cmp.Or(config.ConnConfig.RuntimeParams["application_name"], "ironflow")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	options := []postgres.Option{postgres.WithSchema(cmp.Or(k.schema, postgres.DefaultSchema))}
	if !k.write {
		options = append(options, postgres.ReadOnly())
	}
	k.store, err = postgres.New(ctx, pool, options...)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pool.Close, nil
}

// openSQLite opens a file that exists: a name that is mistyped must not become a new, empty store.
func (k *call) openSQLite(ctx context.Context, name string) (func(), error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file; a PostgreSQL store is named by its URL, postgres://…")
	}
	opened, err := sqlite.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	k.store = opened
	return func() { _ = opened.Close() }, nil
}

// withoutPassword is the name of a store for messages.
func withoutPassword(name string) string {
	if u, err := url.Parse(name); err == nil && u.Scheme != "" {
		return u.Redacted()
	}
	return passwordPattern.ReplaceAllString(name, "${1}xxxxx")
}

// passwordPattern finds passwords in URLs and in connection strings of the form "host=… password=…".
var passwordPattern = regexp.MustCompile(`(://[^:/@\s]*:|password=)(?:'[^']*'|[^@\s]*)`)

// hidePassword takes passwords out of the text of an error.
func hidePassword(err error) error {
	if text := passwordPattern.ReplaceAllString(err.Error(), "${1}xxxxx"); text != err.Error() {
		return errors.New(text)
	}
	return err
}
