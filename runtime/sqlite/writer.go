package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// writer has the one connection that writes.
//
// Callers of this process queue at the gate, which is fair and which they can leave, rather than at the lock of the file,
// which is neither. Behind it they take that lock too: it is what keeps other processes out.
type writer struct {
	gate   chan struct{} // full while a transaction is open; senders to a channel are served in order
	closed chan struct{}

	mu sync.Mutex  // guards the connection, for as long as one step of a transaction takes
	on *connection // nil once closed
}

var (
	errClosed = errors.New("the store is closed")
	errEnded  = errors.New("the unit of work has ended")
)

func openWriter(ctx context.Context, dsn string) (*writer, error) {
	w := &writer{gate: make(chan struct{}, 1), closed: make(chan struct{})}
	// The settings of a new connection may meet a lock as well.
	return w, w.patiently(ctx, func() (err error) {
		w.on, err = connect(ctx, dsn)
		return err
	})
}

// close waits for the open transaction and lets no other in.
func (w *writer) close() error {
	close(w.closed)
	w.gate <- struct{}{}
	return w.step(func(on *connection) error {
		w.on = nil
		return on.close()
	})
}

// useWAL is a setting of the file. It cannot be made while other processes use the file in another way.
func (w *writer) useWAL(ctx context.Context) error {
	var mode string
	err := w.patiently(ctx, func() error {
		return w.on.query(func(columns []driver.Value) error {
			mode = text(columns[0])
			return nil
		}, "PRAGMA journal_mode = WAL")
	})
	if err != nil {
		return fmt.Errorf("change to write-ahead mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("write-ahead mode is needed, but the file or its file system only allows %q", mode)
	}
	return nil
}

// How long to wait for the lock of the file. Polls come often, because the lock of a busy file is free for a moment only,
// between the commit of one process and its next beginning.
const (
	busyPause = 500 * time.Microsecond
	busyLimit = 30 * time.Second
)

// patiently runs a step again while another process has the lock of the file.
func (w *writer) patiently(ctx context.Context, step func() error) error {
	for start := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := step()
		if !isBusy(err) {
			return err
		}
		if waited := time.Since(start); waited > busyLimit {
			return fmt.Errorf("another process has kept the file locked for %v: %w", waited.Round(time.Second), err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(busyPause/2 + rand.N(busyPause)):
		}
	}
}

// transaction is a write transaction. Until it ends no other begins, in this process or another.
type transaction struct {
	*writer
	ended atomic.Bool
}

// begin waits for the transaction that is open.
func (w *writer) begin(ctx context.Context) (*transaction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-w.closed:
		return nil, errClosed
	default:
	}
	select {
	case w.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.closed:
		return nil, errClosed
	}
	// IMMEDIATE takes the write lock now. A transaction that takes it at its first write fails if anyone wrote in between.
	err := w.patiently(ctx, func() error { return w.step(begin) })
	if err != nil {
		<-w.gate
		return nil, unavailable(err)
	}
	return &transaction{writer: w}, nil
}

// step runs a part of the transaction that nothing may come between.
func (w *writer) step(run func(on *connection) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on == nil {
		return errClosed
	}
	return run(w.on)
}

// begin, commit and rollback cannot be interrupted, so that there is never a doubt whether they were done.

func begin(on *connection) error {
	_, err := on.exec("BEGIN IMMEDIATE")
	return err
}

func commit(on *connection) error {
	_, err := on.exec("COMMIT")
	return err
}

func rollback(on *connection) error {
	_, err := on.exec("ROLLBACK")
	if code(err) == sqlite3.SQLITE_ERROR {
		return nil // no transaction: after some failures, as of the disk, SQLite has rolled back already
	}
	return err
}

// finish runs the last step of the transaction, which writes, and commits unless it fails.
func (t *transaction) finish(write func(*connection) error) error {
	if t.ended.Swap(true) {
		return errEnded
	}
	defer func() { <-t.gate }()
	return t.step(func(on *connection) error {
		err := write(on)
		if err == nil {
			err = commit(on)
		}
		if err != nil {
			err = errors.Join(err, rollback(on))
		}
		return unavailable(err)
	})
}

// write runs a transaction of one step.
func (w *writer) write(ctx context.Context, run func(*connection) error) error {
	tx, err := w.begin(ctx)
	if err != nil {
		return err
	}
	return tx.finish(run)
}

// rollback ends the transaction if that is still to be done.
func (t *transaction) rollback() error {
	if t.ended.Swap(true) {
		return nil
	}
	defer func() { <-t.gate }()
	return t.step(rollback)
}
