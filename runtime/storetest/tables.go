package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tables are all that a store keeps.
var tables = []string{
	"instances", "events", "snapshots", "effects", "timers", "unique_keys", "input_outcomes", "observations",
	"discarded_letters", "audit_log", "ended_deliveries", "subject_keys", "paused_workflows", "programs", "manifests", "chores", "search", "projections", "limits", "cell",
}

// dump is the whole content of the store, a sorted list of rows for each table, to compare before and after.
type dump map[string][]string

func (k *kit) dump() dump {
	k.Helper()
	d := dump{}
	for _, table := range tables {
		d[table] = k.rows(table, "*")
	}
	return d
}

// unchanged says that every table holds what it held.
func (k *kit) unchanged(before dump) {
	k.Helper()
	after := k.dump()
	for _, table := range tables {
		if !slices.Equal(before[table], after[table]) {
			k.Errorf("table %s changed:\nbefore %s\n after %s", table,
				short(fmt.Sprintf("%q", before[table])), short(fmt.Sprintf("%q", after[table])))
		}
	}
}

// wantRows says how many rows each table holds; tables that are not named hold none.
func (k *kit) wantRows(want map[string]int) {
	k.Helper()
	got := map[string]int{}
	for table, rows := range k.dump() {
		if len(rows) > 0 {
			got[table] = len(rows)
		}
	}
	if !maps.Equal(got, want) {
		k.Errorf("rows: got %v, want %v", got, want)
	}
}

// rows reads columns of a table as text, sorted: columns are separated by a bar, NULL reads as null, and what is a time in one
// database reads as its microseconds, which it is in the other.
func (k *kit) rows(table, columns string) []string {
	k.Helper()
	rows, err := k.tryRows(table, columns)
	if err != nil {
		k.Fatalf("%s of %s: %v", columns, table, err)
	}
	return rows
}

// tryRows may be called by any goroutine.
func (k *kit) tryRows(table, columns string) (result []string, err error) {
	if k.DB == nil {
		for _, row := range k.Rows(table) {
			text, err := pick(row, columns)
			if err != nil {
				return nil, err
			}
			result = append(result, text)
		}
		slices.Sort(result)
		return result, nil
	}
	rows, err := k.DB.QueryContext(k.ctx, "SELECT "+columns+" FROM "+k.Prefix+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		text := make([]string, len(names))
		for i, v := range values {
			text[i] = cell(v)
		}
		result = append(result, strings.Join(text, "|"))
	}
	slices.Sort(result)
	return result, rows.Err()
}

// pick is a row of Fixture.Rows as text.
func pick(row map[string]any, columns string) (string, error) {
	names := strings.Split(columns, ", ")
	if columns == "*" {
		names = slices.Sorted(maps.Keys(row))
	}
	var text []string
	for _, name := range names {
		v, there := row[name]
		if !there {
			return "", fmt.Errorf("there is no column %q", name)
		}
		text = append(text, cell(v))
	}
	return strings.Join(text, "|"), nil
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case time.Time:
		return micros(v)
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

// micros is how a time reads in the result of rows.
func micros(t time.Time) string { return fmt.Sprint(t.UnixMicro()) }

// wantTable says which rows a selection of columns of a table holds, in any order.
func (k *kit) wantTable(table, columns string, want ...string) {
	k.Helper()
	got := k.rows(table, columns)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		k.Errorf("%s of %s:\n got %s\nwant %s", columns, table, short(fmt.Sprintf("%q", got)), short(fmt.Sprintf("%q", want)))
	}
}
