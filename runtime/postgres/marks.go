package postgres

import "github.com/jackc/pgx/v5"

// marks say which rows of a statement's arrays its result names.
type marks []bool

// queueMarking adds a statement that returns the numbers of some of the n rows of its arrays, and marks these when the
// results are read. For no rows it adds nothing.
func queueMarking(batch *pgx.Batch, n int, sql string, args ...any) marks {
	if n == 0 {
		return nil
	}
	m := make(marks, n)
	batch.Queue(sql, args...).Query(m.collect)
	return m
}

func (m marks) collect(rows pgx.Rows) error {
	var number int64 // counts from 1
	_, err := pgx.ForEachRow(rows, []any{&number}, func() error {
		m[number-1] = true
		return nil
	})
	return err
}
