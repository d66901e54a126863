package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// totals keeps a row for each ledger.
type totals[Tx any] struct {
	prefix string
	exec   func(ctx context.Context, tx Tx, statement string) error
}

func (t totals[Tx]) add(ctx context.Context, tx Tx, stored runtime.StoredEvent, amount int64, closed bool) error {
	return t.exec(ctx, tx, fmt.Sprintf(`
		INSERT INTO %stotals AS totals VALUES ('%s', %d, %d, '%v')
		ON CONFLICT (account) DO UPDATE SET total = totals.total + excluded.total, version = excluded.version, closed = excluded.closed`,
		t.prefix, stored.Instance.ID, amount, stored.Version, closed))
}

func (t totals[Tx]) Added(ctx context.Context, tx Tx, event ledger.Added, stored runtime.StoredEvent) error {
	return t.add(ctx, tx, stored, event.Amount, false)
}

func (t totals[Tx]) AuditPassed(ctx context.Context, tx Tx, _ ledger.AuditPassed, stored runtime.StoredEvent) error {
	return t.add(ctx, tx, stored, 0, false)
}

func (t totals[Tx]) Ticked(ctx context.Context, tx Tx, _ ledger.Ticked, stored runtime.StoredEvent) error {
	return t.add(ctx, tx, stored, 0, false)
}

func (t totals[Tx]) Corrected(ctx context.Context, tx Tx, _ ledger.Corrected, stored runtime.StoredEvent) error {
	return t.add(ctx, tx, stored, 0, false)
}

func (t totals[Tx]) LedgerClosed(ctx context.Context, tx Tx, _ ledger.LedgerClosed, stored runtime.StoredEvent) error {
	return t.add(ctx, tx, stored, 0, true)
}

func (t totals[Tx]) Reset(ctx context.Context, tx Tx) error {
	return t.exec(ctx, tx, `DELETE FROM `+t.prefix+`totals`)
}

// totaling is the generated projection of ledgers on the bed's store.
func (b *bed) totaling(name string) runtime.AnyProjection {
	b.Helper()
	b.exec("CREATE TABLE IF NOT EXISTS {p}totals (account varchar(40) PRIMARY KEY, total bigint, version bigint, closed varchar(5))")
	if _, ok := b.store.(*postgres.Store); ok {
		return ledger.NewProjection(name, totals[pgx.Tx]{b.prefix, func(ctx context.Context, tx pgx.Tx, statement string) error {
			_, err := tx.Exec(ctx, statement)
			return err
		}})
	}
	return ledger.NewProjection(name, totals[*sql.Tx]{b.prefix, func(ctx context.Context, tx *sql.Tx, statement string) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	}})
}

func TestTypedProjection(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.projectionConfig()
		config.Projections = []runtime.AnyProjection{b.totaling("journal")}
		engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}), tickets(ticket.Decider{}, ticket.Handler{}))
		client := ledger.NewClient(engine)
		opened, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "1", Subject: "not a ledger"})
		must(b, opened, err)
		for i := range 3 {
			for _, account := range []string{"a", "b"} {
				outcome, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: int64(i + 1)})
				must(b, outcome, err)
			}
		}
		closed, err := client.Close(b.Context(), ledger.Close{Account: "b"})
		must(b, closed, err)
		b.run(engine)
		b.await(engine)
		want := []string{"a 6 3 false", "b 6 4 true"}
		b.wantTable("account, total, version, closed", "totals", "", want...)
		if err := engine.RebuildProjection(b.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		b.await(engine)
		b.wantTable("account, total, version, closed", "totals", "", want...)
	})
}

// An event that only a newer program knows waits for one. Nothing stops, and no attempt is counted.
func TestProjectionOfANewerProgram(t *testing.T) {
	onStores(t, func(b *bed) {
		old := b.projectionConfig()
		old.Projections = []runtime.AnyProjection{b.totaling("journal")}
		engine, client := adder(b, old)
		add(b, client, "a")
		newer := store.Change{
			Instance: runtime.InstanceKey{Workflow: "ledger", ID: "a"}, Version: 1, Now: epoch, Due: epoch,
			Events: []store.NewEvent{{Type: "Renamed", SchemaVersion: 1, Payload: []byte(`{}`)}},
		}
		if err := b.store.Append(b.Context(), store.Batch{Commit: 1, Changes: []store.Change{newer}}); err != nil {
			t.Fatal(err)
		}
		b.run(engine)
		info := b.awaitInfo(engine, "it is left to others", func(i runtime.ProjectionInfo) bool { return i.LastError != "" && i.Owner == "" })
		wantError(t, errors.New(info.LastError), "event Renamed", "has no event of this name", "ledger/a")
		if info.Status != store.ProjectionRunning || info.Attempts != 0 || info.Position != 1 {
			t.Errorf("got %+v", info)
		}
		b.wantLog("a projection is left to newer programs")
		b.wantTable("account, total, version, closed", "totals", "", "a 1 1 false")

		upgraded, _ := b.projecting(b.projectionConfig(), journal{})
		b.run(upgraded)
		b.await(upgraded)
		b.wantJournal("a/2")
	})
}

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	stored := runtime.StoredEvent{
		Instance: runtime.InstanceKey{Workflow: "ledger", ID: "a"}, Version: 3, Type: "Added", SchemaVersion: 1,
		Payload: []byte(`{"amount":7}`),
	}
	if event, err := ledger.DecodeEvent(stored); err != nil || event != (ledger.Added{Amount: 7}) {
		t.Errorf("got %+v, error %v", event, err)
	}
	var unknown *runtime.UnknownEvent
	renamed, newer, other, broken := stored, stored, stored, stored
	renamed.Type, newer.SchemaVersion, other.Instance.Workflow, broken.Payload = "Renamed", 2, "ticket", []byte(`{"amount":"x"}`)
	_, err := ledger.DecodeEvent(renamed)
	if !errors.As(err, &unknown) || unknown.Type != "Renamed" || unknown.Version != 3 {
		t.Errorf("got error %v", err)
	}
	wantError(t, err, "ledger/a: event Renamed of version 3", "event Renamed", "has no event of this name")
	if _, err = ledger.DecodeEvent(newer); !errors.As(err, &unknown) {
		t.Errorf("got error %v", err)
	}
	wantError(t, err, "has schema version 2, but this program knows only up to 1")
	for _, e := range []runtime.StoredEvent{other, broken} {
		if _, err := ledger.DecodeEvent(e); err == nil || errors.As(err, &unknown) {
			t.Errorf("%+v: got error %v", e, err)
		}
	}
}

func TestNilProjector(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	var projector *totals[*sql.Tx]
	for _, p := range []runtime.AnyProjection{
		ledger.NewProjection[*sql.Tx]("p", projector), ledger.NewProjection[*sql.Tx]("p", nil),
	} {
		_, err := runtime.NewEngine(b.store, runtime.Config{Projections: []runtime.AnyProjection{p}})
		wantError(t, err, `projection "p"`, "projector is nil")
	}
}
