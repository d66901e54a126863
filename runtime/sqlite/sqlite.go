// Package sqlite stores ironflow's workflows in an SQLite file, without a server.
//
// SQLite has one writer at a time. So only one unit of work is open in a file at a time. The next one waits until the decisions of the
// first are made and its commit is synced. Append waits for an open unit of work, too, but holds the lock for a shorter time, because it
// writes and commits at once. Read never waits. Several processes may share a file.
//
// A commit that has returned survives a crash of the process, and, without SyncNormal, also a power failure.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a [store.Store] in SQLite.
type Store struct {
	writer    *writer
	db        *sql.DB // see DB
	readers   *readers
	temporary string // the directory of a store that goes when it is closed
	closing   sync.Once
	closed    error // by Close
	readOnly  bool
}

var _ interface {
	store.Store
	store.InputLog
	store.Schedules
	store.Snapshots
	store.Inspection
	store.Causes
	store.DeadLetters
	store.Pauses
	store.AuditLog
	store.Forgetting
	store.Cells
	store.Limits
	store.Feed
	store.Transfer
	store.Projections
	store.ProjectionStore[*sql.Tx]
	store.SerialWriter
	store.ReadOnlyStore
} = (*Store)(nil)

// Option is an option of Open.
type Option func(*settings)

type settings struct {
	synchronous string
	migrations  fs.FS
	existing    bool
	readOnly    bool
}

// SyncNormal leaves out the fsync of each commit. A crash of the process still loses nothing. A power failure may lose the last
// commits, although callers were told that they are stored; the file is not damaged.
func SyncNormal() Option {
	return func(s *settings) { s.synchronous = "NORMAL" }
}

// ErrNoStore says that a file has no tables of a store.
var ErrNoStore = errors.New("the file has no tables of ironflow; a program that opens it makes them")

// Existing makes Open fail with ErrNoStore if the file has no tables of a store, and with fs.ErrNotExist if there is no file. Then
// nothing is written. It is for tools that look into a store, and must not make one where a name was mistyped.
func Existing() Option {
	return func(s *settings) { s.existing = true }
}

// ReadOnly opens the store for reading, as tools do that only look: nothing is written, and the tables are not migrated. An engine on it
// answers State, History, Instances and other reads; inputs and Run fail with runtime.ErrReadOnly. If the tables are older or newer than this
// library reads, Open fails with *SchemaVersionError. It includes Existing.
func ReadOnly() Option {
	return func(s *settings) { s.existing, s.readOnly = true, true }
}

// Open opens the store in the file at path. It creates the file, but not its directory, if it does not exist, and migrates the
// tables of an older version. If this library does not work on the tables of a newer version, it fails with *SchemaVersionError;
// if another program made the tables, with *ForeignTablesError. Other processes may use the file too, and other tables may be in
// it; those of the store have names that begin with ironflow_. The file system must support locks and shared memory, so it must
// not be a network file system.
func Open(ctx context.Context, path string, options ...Option) (*Store, error) {
	s, err := open(ctx, path, options)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %q: %w", path, explain(err))
	}
	return s, nil
}

func open(ctx context.Context, path string, options []Option) (_ *Store, err error) {
	chosen := settings{synchronous: "FULL", migrations: migrations}
	for _, o := range options {
		o(&chosen)
	}
	file, err := locate(path)
	if err != nil {
		return nil, err
	}
	if chosen.existing {
		if err := requireStore(ctx, file, path); err != nil {
			return nil, err
		}
	}
	if chosen.readOnly {
		return openReadOnly(ctx, file, chosen)
	}
	w, err := openWriter(ctx, file.withPragmas(
		"synchronous("+chosen.synchronous+")",
		"fullfsync(1)", // on macOS an fsync alone does not reach the disk; elsewhere this does nothing
		// A batch changes some hundred pages, and soon the same ones again. More of them in memory (KiB) and in the log (pages)
		// than SQLite's defaults made batches a fifth faster.
		"cache_size(-16384)",
		"wal_autocheckpoint(4000)",
		"journal_size_limit(67108864)", // after a burst the log is cut back to this many bytes
	))
	if err != nil {
		return nil, err
	}
	s := &Store{writer: w}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	// In write-ahead mode readers do not stop the writer, nor does it stop them.
	if err := w.useWAL(ctx); err != nil {
		return nil, err
	}
	if err := w.migrate(ctx, chosen.migrations); err != nil {
		return nil, err
	}
	return s, s.openReaders(file.withPragmas(readersWait))
}

// readersWait is how long readers wait, in milliseconds, while another process recovers or closes the file, which is soon over.
const readersWait = "busy_timeout(10000)"

// openReaders opens what reads, and the handle for transactions that Tx is given.
func (s *Store) openReaders(dsn string) (err error) {
	s.readers = newReaders(dsn, s.writer.closed)
	s.db, err = sql.Open("sqlite", dsn+"&_txlock=immediate")
	if err != nil {
		return err
	}
	s.db.SetMaxOpenConns(maxReaders)
	s.db.SetMaxIdleConns(maxReaders)
	return nil
}

// openReadOnly opens a store none of whose connections can write.
func openReadOnly(ctx context.Context, file location, chosen settings) (_ *Store, err error) {
	dsn := file.withPragmas("query_only(1)", readersWait)
	w, err := openWriter(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{writer: w, readOnly: true}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := w.step(func(on *connection) error { return checkTables(on, chosen.migrations) }); err != nil {
		return nil, err
	}
	return s, s.openReaders(dsn)
}

// ReadOnly implements [store.ReadOnlyStore].
func (s *Store) ReadOnly() bool { return s.readOnly }

// OpenMemory opens a new store for tests and demonstrations, which is deleted when it is closed. SQLite cannot share a database
// in memory between a writer and readers that do not wait for it. So the store is a temporary file that is never synced: it stays
// in the memory of the operating system as long as there is room.
func OpenMemory(ctx context.Context) (*Store, error) {
	directory, err := os.MkdirTemp("", "ironflow-")
	if err != nil {
		return nil, fmt.Errorf("sqlite: open a temporary store: %w", err)
	}
	s, err := Open(ctx, filepath.Join(directory, "store.db"), func(s *settings) { s.synchronous = "OFF" })
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	s.temporary = directory
	return s, nil
}

// Close waits for the open unit of work and closes the file. Units of work that wait to begin fail.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed = s.writer.close()
		if s.readers != nil {
			s.closed = errors.Join(s.closed, s.readers.close())
		}
		if s.db != nil {
			s.closed = errors.Join(s.closed, s.db.Close())
		}
		if s.temporary != "" {
			s.closed = errors.Join(s.closed, os.RemoveAll(s.temporary))
		}
	})
	return s.closed
}

// DB returns a handle on the database, for reports, tests, and tables of your own. Queries see committed data and do not wait for a unit
// of work; other statements wait as a unit of work does. The store does not check what they do to its tables. A transaction that is not
// read-only blocks all other writers from its beginning, so you can pass it to Tx. Closing the store closes the handle.
func (s *Store) DB() *sql.DB { return s.db }

// SerialWriter implements [store.SerialWriter].
func (s *Store) SerialWriter() {}

// Effects implements [store.Store].
func (s *Store) Effects() store.Queue { return effectQueue(s) }

// Timers implements [store.Store].
func (s *Store) Timers() store.Queue { return timerQueue(s) }
