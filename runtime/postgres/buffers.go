package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// buffers are what the batches of a connection are encoded into, one after the other. pgx has a new one grow for each statement and each
// batch, which would be a third of all that a commit allocates.
type buffers struct {
	arguments []byte // of a statement, until they are in messages
	messages  []byte // of a batch, until they are sent
}

// maxKept is the size of the largest buffer that a connection keeps, in bytes.
const maxKept = 256 << 10

// statementSize is about what a statement takes beside its columns, in bytes.
const statementSize = 256

// extend returns b with room for n more bytes, in the kept buffer when it would have to grow. b may begin in that one.
func extend(kept *[]byte, b []byte, n int) []byte {
	n += len(b)
	if n <= cap(b) {
		return b
	}
	if n > maxKept {
		return append(make([]byte, 0, n), b...)
	}
	if n > cap(*kept) {
		*kept = make([]byte, 0, min(n+n/2, maxKept))
	}
	return append((*kept)[:0], b...)
}

// SendBatch sends a batch, whose arguments it changes for the connection.
func (l *lent) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if size := suit(batch, l.buffers); l.buffers != nil {
		l.Conn.Conn().PgConn().Frontend().Send(room{l.buffers, size})
	}
	return l.Conn.SendBatch(ctx, batch)
}

// room is a message of no bytes, which sees to the room for those that follow.
type room struct {
	in   *buffers
	size int
}

func (r room) Encode(b []byte) ([]byte, error) { return extend(&r.in.messages, b, r.size), nil }

// Decode and Frontend make a message of it for pgx.
func (room) Decode([]byte) error { return nil }
func (room) Frontend()           {}
