package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// storeVariable names the store when -store does not.
const storeVariable = "IRONFLOW_STORE"

var errNoStore = &usageError{"no store is named; pass -store postgres://… or -store FILE, or set " + storeVariable}

// open opens the store that the command line names.
func (k *call) open(ctx context.Context) (closeStore func(), err error) {
	name := cmp.Or(k.options.store, os.Getenv(storeVariable))
	switch {
	case name == "":
		return nil, errNoStore
	case isPostgres(name):
		closeStore, err = k.openPostgres(ctx, name)
	default:
		closeStore, err = k.openSQLite(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	k.admin, err = admin.New(k.store, admin.Config{Logger: slog.New(slog.NewTextHandler(k.errs, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		closeStore()
		return nil, err
	}
	return closeStore, nil
}

func isPostgres(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") || strings.Contains(name, "host=")
}

func (k *call) openPostgres(ctx context.Context, name string) (func(), error) {
	pool, err := newPool(ctx, name)
	if err != nil {
		return nil, err
	}
	options := []postgres.Option{k.inSchema()}
	if !k.write {
		options = append(options, postgres.ReadOnly())
	}
	k.store, err = postgres.New(ctx, pool, options...)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("the store %s: %w", postgresName(pool.Config().ConnConfig), toMigrate(err))
	}
	return pool.Close, nil
}

func newPool(ctx context.Context, name string) (*pgxpool.Pool, error) {
	config, err := parsePostgres(name)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["application_name"] = cmp.Or(config.ConnConfig.RuntimeParams["application_name"], "ironflow")
	return pgxpool.NewWithConfig(ctx, config)
}

func (k *call) inSchema() postgres.Option {
	return postgres.WithSchema(cmp.Or(k.schema, postgres.DefaultSchema))
}

// toMigrate says how to migrate with this command if an error says that the tables are missing or older.
func toMigrate(err error) error {
	if wrong, is := errors.AsType[*postgres.SchemaVersionError](err); is && wrong.Found == 0 {
		return fmt.Errorf("the schema %q has no tables of ironflow; name the schema of the store with -schema, or make them with ironflow migrate -write", wrong.Schema)
	} else if is && wrong.Found < wrong.Needed {
		return olderTables(wrong.Found, wrong.Needed)
	}
	if wrong, is := errors.AsType[*sqlite.SchemaVersionError](err); is && wrong.Found < wrong.Needed {
		return olderTables(wrong.Found, wrong.Needed)
	}
	return err
}

func olderTables(found, needed int) error {
	return fmt.Errorf("its tables have version %d, and this command needs %d; migrate them with ironflow migrate -write, or use the command of the release that runs", found, needed)
}

// openSQLite opens a file that is a store: a name that is mistyped must not become a new, empty one, nor bring tables into the file of another
// program.
func (k *call) openSQLite(ctx context.Context, name string) (func(), error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, noSuchFile(name)
	}
	options := []sqlite.Option{sqlite.Existing()}
	if !k.write {
		options = append(options, sqlite.ReadOnly())
	}
	opened, err := sqlite.Open(ctx, name, options...)
	if err != nil {
		return nil, fmt.Errorf("the store %s: %w", name, toMigrate(err))
	}
	k.store = opened
	return func() { _ = opened.Close() }, nil
}

func noSuchFile(name string) error {
	return fmt.Errorf("the store %s: there is no such file; a PostgreSQL store is named by its URL, postgres://…", withoutPassword(name))
}

// parsePostgres reads the name of a PostgreSQL store. Its error has no part of the name, because a password that is not encoded may be read as
// any other part.
func parsePostgres(name string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(name)
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return nil, fmt.Errorf("the PostgreSQL store: %w", file)
	case err != nil || strings.Contains(config.ConnConfig.Database, "@"): // what follows the slash of a password that is not encoded
		return nil, errors.New("the name of the PostgreSQL store cannot be read; in a URL, write special characters of the user and the password " +
			"as %XX, such as %40 for @ and %2F for /; in a connection string, write password='…', and \\' for a quote")
	}
	return config, nil
}

// postgresName is the name of a store for messages, without its password.
func postgresName(c *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Host: net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), Path: "/" + c.Database}
	return u.String()
}

// withoutPassword is the name of a file for messages. It may be that of another kind of store by mistake.
func withoutPassword(name string) string {
	if strings.Contains(name, "://") || passwordPattern.MatchString(name) {
		return "of that name"
	}
	return name
}

var passwordPattern = regexp.MustCompile(`(?i)password\s*=`)
