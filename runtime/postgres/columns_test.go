package postgres

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// TestColumnsAreSentLikeSlices compares what the server gets.
func TestColumnsAreSentLikeSlices(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 3, 4, 5, 6, 7, 89_123_456, time.FixedZone("", 3600))
	for name, test := range map[string]struct {
		oid    uint32
		values any
	}{
		"text":         {pgtype.TextArrayOID, []string{"", "a", "b\n\"c\",{}"}},
		"no text":      {pgtype.TextArrayOID, []string{}},
		"null text":    {pgtype.TextArrayOID, []string(nil)},
		"payloads":     {pgtype.TextArrayOID, payloadColumn{[]byte("{}"), nil, []byte("ä")}},
		"no payloads":  {pgtype.TextArrayOID, payloadColumn{}},
		"numbers":      {pgtype.Int8ArrayOID, []int64{0, -1, 1 << 40}},
		"no numbers":   {pgtype.Int8ArrayOID, []int64{}},
		"null numbers": {pgtype.Int8ArrayOID, []int64(nil)},
		"integers":     {pgtype.Int4ArrayOID, []int32{1, -2}},
		"times":        {pgtype.TimestamptzArrayOID, []time.Time{at, time.Unix(-1, 999), {}}},
		"no times":     {pgtype.TimestamptzArrayOID, []time.Time{}},
		"null times":   {pgtype.TimestamptzArrayOID, []time.Time(nil)},
		"truths":       {pgtype.BoolArrayOID, []bool{true, false}},
		"null truths":  {pgtype.BoolArrayOID, []bool(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types := pgtype.NewMap()
			if !learnColumns(types) {
				t.Fatal("pgx does not send these arrays in the binary format")
			}
			encode := func(buffers *buffers) []byte {
				var batch pgx.Batch
				batch.Queue("", test.values, 1, test.values)
				suit(&batch, buffers)
				var got []byte
				for i, oid := range []uint32{test.oid, pgtype.Int8OID, test.oid} {
					b, err := types.Encode(oid, pgtype.BinaryFormatCode, batch.QueuedQueries[0].Arguments[i], got)
					if err != nil {
						t.Fatal(err)
					}
					if b == nil {
						b = append(got, "NULL"...)
					}
					got = b
				}
				return got
			}
			if got, want := encode(&buffers{}), encode(nil); !bytes.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestAColumnOfAnotherTypeIsRefused says that what the server would take for something else is not sent.
func TestAColumnOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	types := pgtype.NewMap()
	learnColumns(types)
	for _, oid := range []uint32{pgtype.Int8ArrayOID, pgtype.TextOID, pgtype.TimestamptzArrayOID} {
		if b, err := types.Encode(oid, pgtype.BinaryFormatCode, column{values: []string{"a"}, buffers: &buffers{}}, nil); err == nil {
			t.Errorf("type %d: got %q", oid, b)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, texts := range [][]string{{}, {""}, {"a", "", "bc"}} {
		var payloads payloadColumn
		for _, text := range texts {
			payloads = append(payloads, []byte(text))
		}
		if got := payloads.texts(); !slices.Equal(got, texts) {
			t.Errorf("got %q, want %q", got, texts)
		}
	}
}
