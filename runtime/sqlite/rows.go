package sqlite

import (
	"database/sql/driver"
	"strings"
)

// rows is a statement on several rows, which it takes as VALUES. SQLite opens a table and each of its indexes once for a statement, and looks up
// the next number of a table once. For one row, that costs more than the row.
//
// An insert says OR FAIL. Without that, SQLite keeps a copy of each page that the statement changes, to take back the statement alone. Whoever
// runs it takes back the whole transaction.
type rows struct {
	columns    int
	statements [len(rowsAtOnce)]string // on as many rows as rowsAtOnce says
}

// rowsAtOnce are the numbers of rows for which there are statements. Each is prepared once, so there are few.
var rowsAtOnce = [...]int{32, 8, 1}

// newRows takes the statement on one row, whose place is VALUES (?, …).
func newRows(one string) *rows {
	before, rest, _ := strings.Cut(one, "VALUES (")
	row, after, _ := strings.Cut(rest, ")")
	r := &rows{columns: strings.Count(row, "?")}
	for i, n := range rowsAtOnce {
		r.statements[i] = before + "VALUES " + strings.TrimSuffix(strings.Repeat("("+row+"), ", n), ", ") + after
	}
	return r
}

// one is the statement on one row.
func (r *rows) one() string { return r.statements[len(r.statements)-1] }

// exec runs the statement on rows, and returns how many have changed.
func (r *rows) exec(on session, values []driver.Value) (changed int64, err error) {
	err = r.each(values, func(statement string, values []driver.Value) error {
		n, err := on.exec(statement, values...)
		changed += n
		return err
	})
	return changed, err
}

// count runs a query on rows, each of whose results is a number, and returns their sum.
func (r *rows) count(on session, values []driver.Value) (sum int64, err error) {
	err = r.each(values, func(statement string, values []driver.Value) error {
		return on.query(func(columns []driver.Value) error {
			sum += number(columns[0])
			return nil
		}, statement, values...)
	})
	return sum, err
}

// each calls run with the values of as many rows at once as there is a statement for.
func (r *rows) each(values []driver.Value, run func(statement string, values []driver.Value) error) error {
	for i, n := range rowsAtOnce {
		for n *= r.columns; len(values) >= n; values = values[n:] {
			if err := run(r.statements[i], values[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}
