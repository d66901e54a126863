package postgres

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// payloadColumn is a column of text.
type payloadColumn [][]byte

// texts returns the column for pgx. All of it is one string, so that it is copied, but not allocated one by one.
func (c payloadColumn) texts() []string {
	size := 0
	for _, payload := range c {
		size += len(payload)
	}
	var all strings.Builder
	all.Grow(size)
	for _, payload := range c {
		all.Write(payload)
	}
	rest := all.String()
	texts := make([]string, len(c))
	for i, payload := range c {
		texts[i], rest = rest[:len(payload)], rest[len(payload):]
	}
	return texts
}

// suit makes columns of the slices among the arguments of statements, for a connection with buffers; others get plain slices. pgx would look for
// each element how to encode it. It returns about what the statements take as messages, in bytes.
func suit(batch *pgx.Batch, buffers *buffers) (size int) {
	for _, query := range batch.QueuedQueries {
		size += suitArguments(query.Arguments, buffers)
	}
	return size
}

func suitArguments(arguments []any, buffers *buffers) (size int) {
	size = statementSize
	for _, arg := range arguments {
		size += columnSize(arg)
	}
	room := size
	for i, arg := range arguments {
		payloads, is := arg.(payloadColumn)
		switch {
		case buffers != nil && columnSize(arg) > 0:
			arguments[i] = column{arg, buffers, room}
			room = 0
		case is:
			arguments[i] = payloads.texts()
		}
	}
	return size
}

// column is a slice that encodes itself as an array, in the binary format.
type column struct {
	values  any // a slice that columnSize knows
	buffers *buffers
	room    int // for the arguments of its statement, when it is the first column there
}

// headSize is what an array takes beside its elements, and each element beside its bytes.
const headSize, elementHeadSize = 20, 4

// columnSize is what a slice takes as an array; 0 for what is no column, and for nil, which is NULL.
func columnSize(arg any) int {
	switch values := arg.(type) {
	case []string:
		return textSize(values)
	case payloadColumn:
		return textSize(values)
	case []int64:
		return size(values, 8)
	case []int32:
		return size(values, 4)
	case []time.Time:
		return size(values, 8)
	case []bool:
		return size(values, 1)
	}
	return 0
}

func size[T any](values []T, each int) int {
	if values == nil {
		return 0
	}
	return headSize + len(values)*(elementHeadSize+each)
}

func textSize[T string | []byte](texts []T) int {
	n := size(texts, 0)
	for _, text := range texts {
		n += len(text)
	}
	return n
}

// encode appends the array.
func (c column) encode(b []byte) []byte {
	b = extend(&c.buffers.arguments, b, c.room)
	switch values := c.values.(type) {
	case []string:
		return appendTexts(b, values)
	case payloadColumn:
		return appendTexts(b, values)
	case []int64:
		b = appendHead(b, pgtype.Int8OID, len(values))
		for _, v := range values {
			b = appendInt64(b, v)
		}
	case []int32:
		b = appendHead(b, pgtype.Int4OID, len(values))
		for _, v := range values {
			b = appendInt32(appendInt32(b, 4), v)
		}
	case []time.Time:
		b = appendHead(b, pgtype.TimestamptzOID, len(values))
		for _, v := range values {
			b = appendInt64(b, v.Unix()*1e6+int64(v.Nanosecond()/1e3)-epoch)
		}
	case []bool:
		b = appendHead(b, pgtype.BoolOID, len(values))
		for _, v := range values {
			bit := byte(0)
			if v {
				bit = 1
			}
			b = append(appendInt32(b, 1), bit)
		}
	}
	return b
}

// epoch is the time that PostgreSQL's times count from, in microseconds of Unix time.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// appendHead appends what leads the elements of an array of one dimension without NULL, whose first index is 1.
func appendHead(b []byte, element int32, length int) []byte {
	for _, v := range [...]int32{1, 0, element, int32(length), 1} {
		b = appendInt32(b, v)
	}
	return b
}

func appendTexts[T string | []byte](b []byte, texts []T) []byte {
	b = appendHead(b, pgtype.TextOID, len(texts))
	for _, text := range texts {
		b = append(appendInt32(b, int32(len(text))), text...)
	}
	return b
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendInt64(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(appendInt32(b, 8), uint64(v))
}

// buffersOf returns the buffers of a connection, which it prepares for columns the first time; nil when it does not take columns.
func buffersOf(conn *pgx.Conn) *buffers {
	const key = "ironflow.buffers"
	data := conn.PgConn().CustomData()
	b, known := data[key].(*buffers)
	if !known {
		if learnColumns(conn.TypeMap()) {
			b = &buffers{}
		}
		data[key] = b
	}
	return b
}

// learnColumns lets pgx encode columns beside all else. It returns false when the program has set another format for one of these arrays.
func learnColumns(types *pgtype.Map) bool {
	for _, array := range [...]uint32{
		pgtype.TextArrayOID, pgtype.Int8ArrayOID, pgtype.Int4ArrayOID, pgtype.TimestamptzArrayOID, pgtype.BoolArrayOID,
	} {
		if types.FormatCodeForOID(array) != pgtype.BinaryFormatCode {
			return false
		}
	}
	types.TryWrapEncodePlanFuncs = slices.Insert(types.TryWrapEncodePlanFuncs, 0, pgtype.TryWrapEncodePlanFunc(planColumn))
	return true
}

// planColumn has pgx look for a way to encode the slice, so that a column is refused for a parameter of another type.
func planColumn(value any) (plan pgtype.WrappedEncodePlanNextSetter, slice any, ok bool) {
	c, ok := value.(column)
	if payloads, is := c.values.(payloadColumn); is {
		return columnPlan{}, payloads.texts(), ok
	}
	return columnPlan{}, c.values, ok
}

type columnPlan struct{}

func (columnPlan) SetNext(pgtype.EncodePlan) {}

func (columnPlan) Encode(value any, b []byte) ([]byte, error) { return value.(column).encode(b), nil }
