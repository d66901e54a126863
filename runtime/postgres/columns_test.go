package postgres

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// TestLeanColumnsAreSentLikeSlices compares what the server gets.
func TestLeanColumnsAreSentLikeSlices(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 3, 4, 5, 6, 7, 89_123_456, time.FixedZone("", 3600))
	types := pgtype.NewMap()
	for name, column := range map[string]struct {
		oid    uint32
		values any
	}{
		"text":          {pgtype.TextArrayOID, []string{"", "a", "b\n\"c\",{}"}},
		"no text":       {pgtype.TextArrayOID, []string{}},
		"null text":     {pgtype.TextArrayOID, []string(nil)},
		"numbers":       {pgtype.Int8ArrayOID, []int64{0, -1, 1 << 40}},
		"no numbers":    {pgtype.Int8ArrayOID, []int64{}},
		"null numbers":  {pgtype.Int8ArrayOID, []int64(nil)},
		"times":         {pgtype.TimestamptzArrayOID, []time.Time{at, time.Unix(-1, 999)}},
		"no times":      {pgtype.TimestamptzArrayOID, []time.Time{}},
		"null times":    {pgtype.TimestamptzArrayOID, []time.Time(nil)},
		"another slice": {pgtype.Int4ArrayOID, []int32{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var batch pgx.Batch
			batch.Queue("", column.values)
			(&connections{lean: true}).suit(&batch)
			for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
				want, err := types.Encode(column.oid, format, column.values, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := types.Encode(column.oid, format, batch.QueuedQueries[0].Arguments[0], nil)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					t.Errorf("format %d: got %q, want %q", format, got, want)
				}
			}
		})
	}
}

func TestAsTexts(t *testing.T) {
	t.Parallel()
	for _, texts := range [][]string{{}, {""}, {"a", "", "bc"}} {
		var payloads [][]byte
		for _, text := range texts {
			payloads = append(payloads, []byte(text))
		}
		if got := asTexts(payloads); !slices.Equal(got, texts) {
			t.Errorf("got %q, want %q", got, texts)
		}
	}
}
