// Package docs_test runs the SQL of the documentation.
package docs_test

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

func TestSQLite(t *testing.T) {
	store, err := sqlite.Open(t.Context(), t.TempDir()+"/docs.db")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStatements(t, store, store.DB(), statements(t, "sqlite"))
}

func TestPostgres(t *testing.T) {
	ctx := t.Context()
	pool, err := pgxpool.New(ctx, pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const schema = "docs_test"
	if _, err := pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(ctx, pool, postgres.WithSchema(schema)); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.New(ctx, pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	list := statements(t, "sql")
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "ironflow.", schema+".")
	}
	testStatements(t, store, db, list)
}

// statements returns those of reference/sql.md in blocks of a language: one that lists dead letters, two that revive an
// effect and a timer, and one that lists what nobody takes.
func statements(t *testing.T, language string) []string {
	t.Helper()
	doc, err := os.ReadFile("reference/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(doc), -1) {
		for statement := range strings.SplitSeq(block[1], ";\n") {
			if strings.TrimSpace(statement) != "" {
				list = append(list, statement)
			}
		}
	}
	if len(list) != 4 {
		t.Fatalf("found %d statements, want 4", len(list))
	}
	return list
}

func testStatements(t *testing.T, store runtime.Store, db *sql.DB, list []string) {
	ctx := t.Context()
	requestAndKill(t, store)
	if got := count(ctx, t, db, list[0]); got != 2 {
		t.Errorf("there are %d dead letters, want 2", got)
	}
	for _, statement := range list[1:3] {
		result, err := db.ExecContext(ctx, statement)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := result.RowsAffected(); n != 1 || err != nil {
			t.Errorf("%d rows were revived, %v:\n%s", n, err, statement)
		}
	}
	if got := count(ctx, t, db, list[0]); got != 0 {
		t.Errorf("there are still %d dead letters", got)
	}
	for _, d := range claim(t, store, time.Now().Add(time.Minute), time.Now().Add(-time.Hour)) {
		if d.Attempt != 1 {
			t.Errorf("%v is at attempt %d, want 1", d.Kind, d.Attempt)
		}
	}
	// Their leases ended an hour ago, so both are overdue.
	if got := count(ctx, t, db, list[3]); got != 2 {
		t.Errorf("nobody takes %d kinds, want 2", got)
	}
}

// requestAndKill stores the effect and the timer that the statements name, and makes dead letters of them.
func requestAndKill(t *testing.T, st runtime.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	key := runtime.InstanceKey{Workflow: "order", ID: "o-1"}
	err := st.Append(ctx, store.Batch{Commit: 1, Changes: []store.Change{{
		Instance: key, Now: now, Due: now,
		Events:  []store.NewEvent{{Type: "Created", SchemaVersion: 1, Payload: []byte(`{}`)}},
		Effects: []store.NewEffect{{Kind: "ChargeCard", Payload: []byte(`{}`)}},
		Timers:  []store.NewTimer{{Key: "reminder", Input: "Remind", Payload: []byte(`{}`), FireAt: now}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range claim(t, st, now, now.Add(time.Minute)) {
		queue := st.Effects()
		if d.Lease.Queue == store.TimerQueue {
			queue = st.Timers()
		}
		lost, err := queue.Settle(ctx, []store.Settlement{{Lease: d.Lease, Verdict: store.Dead, At: now, Error: "no"}})
		if err != nil || len(lost) > 0 {
			t.Fatal(lost, err)
		}
	}
}

// claim takes the effect and the timer.
func claim(t *testing.T, st runtime.Store, now, until time.Time) []store.Delivery {
	t.Helper()
	effects, err := st.Effects().Claim(t.Context(), store.Claim{
		Kinds: []store.Kind{{Workflow: "order", Name: "ChargeCard"}}, Now: now, Until: until, Limit: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	timers, err := st.Timers().Claim(t.Context(), store.Claim{
		Kinds: []store.Kind{{Workflow: "order", Name: "Remind"}}, Now: now, Until: until, Limit: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(effects) != 1 || len(timers) != 1 {
		t.Fatalf("claimed %d effects and %d timers, want one of each", len(effects), len(timers))
	}
	return append(effects, timers...)
}

func count(ctx context.Context, t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatalf("%v:\n%s", err, query)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
