package sqlite

import (
	"context"
	"errors"
)

// maxReaders is how many connections serve reads of a file, and how many DB has.
const maxReaders = 4

// readers are connections to a file that see what is committed, beside the one that writes.
type readers struct {
	dsn    string
	free   chan *connection // nil stands for one that is yet to be opened
	closed <-chan struct{}
}

func newReaders(dsn string, closed <-chan struct{}) *readers {
	r := &readers{dsn: dsn, free: make(chan *connection, maxReaders), closed: closed}
	for range maxReaders {
		r.free <- nil
	}
	return r
}

func (r *readers) read(ctx context.Context, run func(*connection) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *connection
	select {
	case c = <-r.free:
	case <-r.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.free <- c }()
	if c == nil {
		if c, err = connect(ctx, r.dsn); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(run(c))
}

// close waits for the reads that go on. closed is closed before.
func (r *readers) close() error {
	var errs []error
	for range maxReaders {
		if c := <-r.free; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}
