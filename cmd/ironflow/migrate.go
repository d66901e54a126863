package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// tables are the tables of a store, which migrate makes or brings to the newest version.
type tables struct {
	store   string // its name, for messages
	version func() (found, needed int, err error)
	migrate func() error
	works   func() error // fails if this command does not work on them
	end     func()
}

// migrate brings the tables of a store to the version that this command needs. Without -write it says what it would do.
func migrate(ctx context.Context, k *call) (int, error) {
	t, err := k.tables(ctx)
	if err != nil {
		return codeOf(err), err
	}
	defer t.end()
	found, needed, err := t.version()
	if err != nil {
		return exitStore, fmt.Errorf("the store %s: %w", t.store, err)
	}
	switch {
	case found >= needed:
		if err := t.works(); err != nil {
			return exitStore, fmt.Errorf("the store %s: %w", t.store, err)
		}
		fmt.Fprintf(k.out, "the tables of %s have version %d, and this command needs %d; there is nothing to migrate\n", t.store, found, needed)
		return exitOK, nil
	case !k.write:
		what := fmt.Sprintf("has tables of version %d", found)
		if found == 0 {
			what = "has no tables of ironflow"
		}
		fmt.Fprintf(k.out, "%s %s; with -write, migrate brings them to version %d\n", t.store, what, needed)
		return exitFound, nil
	}
	if err := t.migrate(); err != nil {
		return exitStore, fmt.Errorf("the store %s: %w", t.store, err)
	}
	fmt.Fprintf(k.out, "migrated %s from version %d to %d\n", t.store, found, needed)
	return exitOK, nil
}

func (k *call) tables(ctx context.Context) (*tables, error) {
	name := cmp.Or(k.options.store, os.Getenv(storeVariable))
	switch {
	case name == "":
		return nil, errNoStore
	case isPostgres(name):
		pool, err := newPool(ctx, name)
		if err != nil {
			return nil, err
		}
		return &tables{
			store:   postgresName(pool.Config().ConnConfig),
			version: func() (int, int, error) { return postgres.SchemaVersion(ctx, pool, k.inSchema()) },
			migrate: func() error { return postgres.Migrate(ctx, pool, k.inSchema()) },
			works:   func() error { _, err := postgres.New(ctx, pool, k.inSchema(), postgres.ReadOnly()); return err },
			end:     pool.Close,
		}, nil
	case withoutPassword(name) != name:
		return nil, noSuchFile(name)
	}
	open := func(options ...sqlite.Option) error {
		opened, err := sqlite.Open(ctx, name, options...)
		if err != nil {
			return err
		}
		return opened.Close()
	}
	return &tables{
		store: name,
		version: func() (int, int, error) {
			found, needed, err := sqlite.SchemaVersion(ctx, name)
			if errors.Is(err, fs.ErrNotExist) {
				if !k.write {
					return 0, 0, errors.New("there is no such file; with -write, migrate makes it")
				}
				return 0, needed, nil
			}
			return found, needed, err
		},
		migrate: func() error { return open() },
		works:   func() error { return open(sqlite.ReadOnly()) },
		end:     func() {},
	}, nil
}
