// Package sqlite is the embedded [store.Store]: one file, and no server.
//
// SQLite has one writer at a time. A unit of work is therefore the only one of its store while it is open, and the next
// one waits for it; what it holds up is the time that deciding takes, plus one fsync for the commit. Append has no such
// time: it writes and commits in one go. Read never waits. Several processes may share a file.
//
// What Commit acknowledged survives the death of the process at any instruction and, unless [SyncNormal] is given, a
// power failure.
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
	store.Forgetting
	store.Limits
	store.Feed
	store.Transfer
	store.Projections
	store.ProjectionStore[*sql.Tx]
	store.SerialWriter
} = (*Store)(nil)

// Option is a choice made when a store is opened.
type Option func(*settings)

type settings struct {
	synchronous string
	migrations  fs.FS
}

// SyncNormal leaves out the fsync of each commit. A crash of the process still loses nothing, but a power failure may
// lose the commits of the last moments, which were acknowledged; the file stays sound.
func SyncNormal() Option {
	return func(s *settings) { s.synchronous = "NORMAL" }
}

// Open opens the store in the file at path, which it creates if need be, but not its directory. It brings the tables of
// an older version up to date. It fails with *SchemaVersionError for those of a newer one that this library does not work on, and with
// *ForeignTablesError when another program made them. The file may be shared with other processes and hold
// tables of others beside those named ironflow_. It needs a file system with locks and shared memory, not a network one.
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
	// Readers only ever wait while another process recovers or closes the file, which is soon over.
	patient := file.withPragmas("busy_timeout(10000)")
	s.readers = newReaders(patient, w.closed)
	s.db, err = sql.Open("sqlite", patient+"&_txlock=immediate") // for transactions that Tx is given
	if err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(maxReaders)
	s.db.SetMaxIdleConns(maxReaders)
	return s, nil
}

// OpenMemory opens a store of its own, which is gone when it is closed: for tests and demonstrations. SQLite cannot share a database
// in memory between a writer and readers who do not wait for it. So the store is a file in the directory for temporary files, which is
// left to the memory of the operating system: nothing waits until it is on the disk.
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

// Close waits for the unit of work that is open, refuses those that wait behind it, and closes the file.
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

// DB is a way to the database beside the store: for reports, tests, and tables of your own. Queries see what is committed
// and wait for no unit of work; whatever else is executed waits like one, and what it does to the tables of the store is
// checked by nobody. A transaction, unless it is read-only, holds up all who write from its beginning on, so that it can be given to Tx.
// Close of the store closes it.
func (s *Store) DB() *sql.DB { return s.db }

// SerialWriter implements [store.SerialWriter].
func (s *Store) SerialWriter() {}

// Effects implements [store.Store].
func (s *Store) Effects() store.Queue { return effectQueue(s) }

// Timers implements [store.Store].
func (s *Store) Timers() store.Queue { return timerQueue(s) }
