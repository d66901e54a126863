package transfer_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

// crateTables are the columns of the crate's tables that the query reads, with the types and defaults that they have there.
const crateTables = `
CREATE SCHEMA crate;
CREATE TABLE crate.workflow_instances (workflow_type text, workflow_id text, event_count bigint, completed_at timestamptz, unique_key text);
CREATE TABLE crate.events (workflow_type text, workflow_id text, sequence bigint, payload jsonb, created_at timestamptz);
CREATE TABLE crate.outbox (id uuid DEFAULT gen_random_uuid(), workflow_type text, workflow_id text, payload jsonb, attempts int, last_error text,
	created_at timestamptz, processed_at timestamptz);
CREATE TABLE crate.timers (id uuid DEFAULT gen_random_uuid(), workflow_type text, workflow_id text, fire_at timestamptz, input jsonb, key text,
	processed_at timestamptz);
INSERT INTO crate.workflow_instances VALUES
	('ticket', 'open', 3, NULL, 'ink'), ('ticket', 'solved', 2, '2026-01-02 03:10Z', 'paper'), ('ticket', 'empty', 0, NULL, NULL);
INSERT INTO crate.events VALUES
	('ticket', 'open', 1, '{"Opened": {"subject": "ink"}}', '2026-01-02 03:04:05.000006Z'),
	('ticket', 'open', 2, '{"Noted": {"text": "first"}}', '2026-01-02 03:04:07Z'),
	('ticket', 'open', 3, '{"Noted": {"text": "second"}}', '2026-01-02 03:04:06Z'),
	('ticket', 'solved', 1, '{"Opened": {"subject": "paper"}}', '2026-01-02 03:04:05Z'),
	('ticket', 'solved', 2, '"Solved"', '2026-01-02 03:10Z');
INSERT INTO crate.outbox (workflow_type, workflow_id, payload, attempts, last_error, created_at, processed_at) VALUES
	('ticket', 'open', '{"Notify": {"text": "done"}}', 1, NULL, '2026-01-02 03:04:05Z', '2026-01-02 03:04:06Z'),
	('ticket', 'open', '{"Notify": {"text": "one"}}', 2, 'busy', '2026-01-02 03:04:05Z', NULL),
	('ticket', 'open', '{"FindAgent": {"subject": "ink"}}', 0, NULL, '2026-01-02 03:04:06Z', NULL);
INSERT INTO crate.timers (workflow_type, workflow_id, fire_at, input, key, processed_at) VALUES
	('ticket', 'open', '2026-02-02 03:04:05Z', '{"Remind": {"id": "open", "text": "look"}}', 'reminder', NULL),
	('ticket', 'open', '2026-01-02 03:04:05Z', '{"Remind": {"id": "open", "text": "old"}}', 'reminder', '2026-01-02 03:04:05Z'),
	('ticket', 'solved', '2026-02-02 03:04:05Z', '{"Remind": {"id": "solved", "text": "never"}}', NULL, NULL);
`

// The query of docs/from-rust.md makes lines of the crate's tables that are imported, and read by the workflow.
func TestCrate(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/from-rust.md")
	if err != nil {
		t.Fatal(err)
	}
	query := string(regexp.MustCompile("(?ms)^```sql\n(.*?)^```$").FindSubmatch(page)[1])
	pool, err := pgxpool.New(t.Context(), pgserver.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool.Exec(context.WithoutCancel(t.Context()), "DROP SCHEMA crate CASCADE")
		pool.Close()
	})
	if _, err := pool.Exec(t.Context(), crateTables); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), strings.ReplaceAll(query, "ironflow.", "crate."))
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) { return string(row.RawValues()[0]), nil })
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	done, err := transfer.Import(t.Context(), st, strings.NewReader(strings.Join(found, "\n")), transfer.ImportOptions{})
	if want := (transfer.Imported{Instances: 2, Events: 5}); err != nil || done != want {
		t.Fatalf("got %+v, error %v, want %+v, from\n%s", done, err, want, strings.Join(found, "\n"))
	}
	_, client, _ := engine(t, st)
	view, err := client.State(t.Context(), "open")
	if err != nil || view.State.Subject != "ink" || !slices.Equal(view.State.Notes, []string{"first", "second"}) {
		t.Errorf("got %+v, error %v", view, err)
	}
	if view, err = client.State(t.Context(), "solved"); err != nil || view.State.Status != ticket.StatusSolved || !view.Completed {
		t.Errorf("got %+v, error %v", view, err)
	}
	stored, err := st.ReadStored(t.Context(), []store.InstanceKey{{Workflow: "ticket", ID: "open"}})
	if err != nil {
		t.Fatal(err)
	}
	r := stored[0]
	if !slices.Equal(r.UniqueKeys, []string{"ink"}) || len(r.Effects) != 2 || len(r.Timers) != 1 {
		t.Fatalf("got %+v", r)
	}
	if e := r.Effects[0]; e.Kind.Name != "Notify" || e.Attempts != 2 || e.LastError != "busy" || string(e.Payload) != `{"text": "one"}` {
		t.Errorf("got %+v", e)
	}
	if timer := r.Timers[0]; timer.Lease.Key != "reminder" || timer.Kind.Name != "Remind" || timer.Due.Month() != 2 {
		t.Errorf("got %+v", timer)
	}
}
