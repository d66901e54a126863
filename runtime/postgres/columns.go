package postgres

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// asTexts returns payloads as a column of text. All of it is one string, so that it is copied, but not allocated one by one.
func asTexts(payloads [][]byte) []string {
	size := 0
	for _, payload := range payloads {
		size += len(payload)
	}
	var all strings.Builder
	all.Grow(size)
	for _, payload := range payloads {
		all.Write(payload)
	}
	rest := all.String()
	texts := make([]string, len(payloads))
	for i, payload := range payloads {
		texts[i], rest = rest[:len(payload)], rest[len(payload):]
	}
	return texts
}

// suit puts the columns among the arguments of statements into types that pgx encodes without an allocation for each element,
// which would be a third of all that a batch allocates: their elements are pointers into the column, while those of a slice
// are each put into an interface.
func (c *connections) suit(batch *pgx.Batch) {
	if !c.lean {
		return
	}
	for _, query := range batch.QueuedQueries {
		for i, arg := range query.Arguments {
			switch column := arg.(type) {
			case []string:
				query.Arguments[i] = textColumn(column)
			case []int64:
				query.Arguments[i] = int64Column(column)
			case []time.Time:
				query.Arguments[i] = timeColumn(column)
			}
		}
	}
}

// Columns implement pgtype.ArrayGetter. A nil one is null.
type (
	textColumn  []string
	int64Column []int64
	timeColumn  []time.Time
)

func (c textColumn) Dimensions() []pgtype.ArrayDimension  { return dimensions(c == nil, len(c)) }
func (c int64Column) Dimensions() []pgtype.ArrayDimension { return dimensions(c == nil, len(c)) }
func (c timeColumn) Dimensions() []pgtype.ArrayDimension  { return dimensions(c == nil, len(c)) }

func dimensions(null bool, length int) []pgtype.ArrayDimension {
	if null {
		return nil
	}
	return []pgtype.ArrayDimension{{Length: int32(length), LowerBound: 1}}
}

func (c textColumn) Index(i int) any  { return (*textElement)(&c[i]) }
func (c int64Column) Index(i int) any { return (*int64Element)(&c[i]) }
func (c timeColumn) Index(i int) any  { return (*timeElement)(&c[i]) }

func (c textColumn) IndexType() any  { return (*textElement)(nil) }
func (c int64Column) IndexType() any { return (*int64Element)(nil) }
func (c timeColumn) IndexType() any  { return (*timeElement)(nil) }

// Elements give themselves to pgx.
type (
	textElement  string
	int64Element int64
	timeElement  time.Time
)

func (e *textElement) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(*e), Valid: true}, nil
}

func (e *int64Element) Int64Value() (pgtype.Int8, error) {
	return pgtype.Int8{Int64: int64(*e), Valid: true}, nil
}

func (e *timeElement) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(*e), Valid: true}, nil
}
