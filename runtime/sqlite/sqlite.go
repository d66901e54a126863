// Package sqlite is the embedded [store.Store]: one file, or memory, and no server.
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
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a [store.Store] in SQLite.
type Store struct {
	writer  *writer
	db      *sql.DB  // see DB
	readers *readers // nil in memory, where the writer has the only connection
	closing sync.Once
	closed  error // by Close
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

// OpenMemory opens a store of its own in memory, which is gone when it is closed.
func OpenMemory(ctx context.Context) (*Store, error) {
	w, err := openWriter(ctx, ":memory:")
	if err != nil {
		return nil, fmt.Errorf("sqlite: open in memory: %w", err)
	}
	s := &Store{writer: w, db: sql.OpenDB(beside{w})}
	if err := w.migrate(ctx, migrations); err != nil {
		return nil, fmt.Errorf("sqlite: open in memory: %w", errors.Join(err, s.Close()))
	}
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
	})
	return s.closed
}

// SerialWriter implements [store.SerialWriter].
func (s *Store) SerialWriter() {}

// Effects implements [store.Store].
func (s *Store) Effects() store.Queue { return effectQueue(s) }

// Timers implements [store.Store].
func (s *Store) Timers() store.Queue { return timerQueue(s) }

// read runs a function that reads what is committed, never waiting for a unit of work.
func (s *Store) read(ctx context.Context, run func(*connection) error) error {
	if s.readers != nil {
		return s.readers.read(ctx, run)
	}
	return s.writer.look(ctx, run)
}
