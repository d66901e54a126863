package migrationtools

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/postgres"
	golangmigrate "github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	_ "github.com/golang-migrate/migrate/v4/source/file"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	tern "github.com/jackc/tern/v2/migrate"
	"github.com/pressly/goose/v3"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// schema has a name that needs quotes in some places and would be an error in others.
const schema = "order"

// target is a database, and the files that a tool is to run there.
type target struct {
	*testing.T
	pool *pgxpool.Pool
	url  string
	dir  string
}

// tool is how users run the files of a format: all up, and all down.
type tool struct {
	format   postgres.MigrationFormat
	up, down func(target) error
}

var tools = map[string]tool{
	"goose":          {postgres.GooseMigrations, gooseUp, gooseDown},
	"tern":           {postgres.TernMigrations, ternTo(-1), ternTo(0)},
	"golang-migrate": {postgres.PlainMigrations, golangMigrate((*golangmigrate.Migrate).Up), golangMigrate((*golangmigrate.Migrate).Down)},
	"atlas":          {postgres.AtlasMigrations, atlasUp, atlasDown},
}

// TestTools runs the files up, down and up again by each tool.
func TestTools(t *testing.T) {
	t.Parallel()
	for name, tool := range tools {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := newTarget(t)
			if _, err := postgres.WriteMigrations(to.dir, postgres.MigrationFiles{Format: tool.format}, postgres.WithSchema(schema)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := tool.up(to); err != nil {
					t.Fatalf("up: %v", err)
				}
				if _, err := postgres.New(t.Context(), to.pool, postgres.WithSchema(schema)); err != nil {
					t.Errorf("the store does not take what the tool made: %v", err)
				}
				if err := tool.down(to); err != nil {
					t.Fatalf("down: %v", err)
				}
				if left := to.tables(); len(left) > 0 {
					t.Errorf("down leaves %q", left)
				}
			}
		})
	}
}

// newTarget makes a database of its own, because tools note in one place what they have run.
func newTarget(t *testing.T) target {
	database := pgserver.Database(t)
	pool, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return target{t, pool, database, t.TempDir()}
}

// tables are those that there are in the schema.
func (t target) tables() []string {
	t.Helper()
	rows, err := t.pool.Query(t.Context(), "SELECT tablename::text FROM pg_tables WHERE schemaname = $1", schema)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// steps is how many steps up there are.
func (t target) steps() (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(t.dir, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".down.sql") {
			n++
		}
	}
	return n
}

func withGoose(t target, run func(*goose.Provider) ([]*goose.MigrationResult, error)) error {
	db := stdlib.OpenDBFromPool(t.pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(t.dir))
	if err != nil {
		return err
	}
	results, err := run(provider)
	if err == nil && len(results) != t.steps() {
		err = fmt.Errorf("it ran %d files, want %d", len(results), t.steps())
	}
	return err
}

func gooseUp(t target) error {
	return withGoose(t, func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.Up(t.Context()) })
}

func gooseDown(t target) error {
	return withGoose(t, func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.DownTo(t.Context(), 0) })
}

// ternTo migrates to a version, or to the newest one.
func ternTo(version int32) func(target) error {
	return func(t target) error {
		conn, err := pgx.Connect(t.Context(), t.url)
		if err != nil {
			return err
		}
		defer conn.Close(t.Context())
		migrator, err := tern.NewMigrator(t.Context(), conn, "public.schema_version")
		if err != nil {
			return err
		}
		if err := migrator.LoadMigrations(os.DirFS(t.dir)); err != nil {
			return err
		}
		if len(migrator.Migrations) != t.steps() {
			return fmt.Errorf("it found %d files, want %d", len(migrator.Migrations), t.steps())
		}
		if version < 0 {
			return migrator.Migrate(t.Context())
		}
		return migrator.MigrateTo(t.Context(), version)
	}
}

func golangMigrate(run func(*golangmigrate.Migrate) error) func(target) error {
	return func(t target) error {
		database, err := url.Parse(t.url)
		if err != nil {
			return err
		}
		database.Scheme = "pgx5"
		migration, err := golangmigrate.New("file://"+filepath.ToSlash(t.dir), database.String())
		if err != nil {
			return err
		}
		runErr := run(migration)
		source, closing := migration.Close()
		return errors.Join(runErr, source, closing)
	}
}

// atlasUp is what "atlas migrate hash" and "atlas migrate apply" do.
func atlasUp(t target) error {
	dir, err := migrate.NewLocalDir(t.dir)
	if err != nil {
		return err
	}
	sum, err := dir.Checksum()
	if err != nil {
		return err
	}
	if err := migrate.WriteSumFile(dir, sum); err != nil {
		return err
	}
	if err := migrate.Validate(dir); err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(t.pool)
	defer db.Close()
	driver, err := atlas.Open(db)
	if err != nil {
		return err
	}
	done := new(revisions)
	executor, err := migrate.NewExecutor(driver, dir, done, migrate.WithAllowDirty(true)) // down leaves the schema, with nothing in it
	if err != nil {
		return err
	}
	if err := executor.ExecuteN(t.Context(), 0); err != nil {
		return err
	}
	if len(done.list) != t.steps() {
		return fmt.Errorf("it ran %d files, want %d", len(done.list), t.steps())
	}
	return nil
}

// atlasDown runs the ways back as one does by hand: Atlas works its own out of the tables.
func atlasDown(t target) error {
	files, err := filepath.Glob(filepath.Join(t.dir, "down", "*.sql"))
	if err != nil {
		return err
	}
	for _, file := range slices.Backward(files) {
		script, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := t.pool.Exec(t.Context(), string(script), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// revisions are what Atlas has run.
type revisions struct{ list []*migrate.Revision }

func (*revisions) Ident() *migrate.TableIdent { return &migrate.TableIdent{Name: "revisions"} }

func (r *revisions) ReadRevisions(context.Context) ([]*migrate.Revision, error) { return r.list, nil }

func (r *revisions) ReadRevision(_ context.Context, version string) (*migrate.Revision, error) {
	for _, revision := range r.list {
		if revision.Version == version {
			return revision, nil
		}
	}
	return nil, migrate.ErrRevisionNotExist
}

func (r *revisions) WriteRevision(_ context.Context, revision *migrate.Revision) error {
	r.list = slices.DeleteFunc(r.list, func(other *migrate.Revision) bool { return other.Version == revision.Version })
	r.list = append(r.list, revision)
	return nil
}

func (r *revisions) DeleteRevision(_ context.Context, version string) error {
	r.list = slices.DeleteFunc(r.list, func(other *migrate.Revision) bool { return other.Version == version })
	return nil
}
