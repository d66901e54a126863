package runtime_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// A subscription whose position the database never reached, as far as it knows, ends with an error that says so.
func TestSubscriptionOfADatabaseThatWasSetBack(t *testing.T) {
	onStores(t, func(b *bed) {
		engine, client := adder(b, b.realConfig())
		add(b, client, "a")
		calls := 0
		for _, err := range engine.Subscribe(b.Context(), 1000) {
			calls++
			var back *runtime.FeedSetBack
			if !errors.As(err, &back) || back.Position != 1000 || back.Issued != 1 {
				b.Errorf("got error %v", err)
			}
			wantError(b, err, "999 beyond", "read on from position 1 at the latest")
		}
		if calls != 1 {
			b.Errorf("%d errors, want one", calls)
		}
	})
}

// A projection whose position is beyond what was numbered stops. Rebuilding it mends that.
func TestProjectionOfADatabaseThatWasSetBack(t *testing.T) {
	onStores(t, func(b *bed) {
		b.exec("CREATE TABLE {p}journal (sequence bigint, account text, version bigint)")
		config := b.realConfig()
		config.Projections = []runtime.AnyProjection{journal{}.on(b)}
		engine, client := adder(b, config)
		b.exec(fmt.Sprintf("INSERT INTO {p}projections (name, status, position, updated_at) VALUES ('journal', 'running', 1000, %s)", b.someTime()))
		add(b, client, "a")
		b.run(engine)
		b.eventuallyTable("status", "projections", "", "stopped")
		info, err := engine.Projection(b.Context(), "journal")
		if err != nil || info.Position != 1000 || info.Behind != 0 {
			b.Errorf("got %+v, error %v", info, err)
		}
		wantError(b, errors.New(info.LastError), "999 beyond", "set back", "RebuildProjection")
		var halted *runtime.ProjectionHalted
		if err := engine.AwaitProjection(b.Context(), "journal"); !errors.As(err, &halted) {
			b.Errorf("got error %v", err)
		}
		if err := engine.RebuildProjection(b.Context(), "journal"); err != nil {
			b.Fatal(err)
		}
		if err := engine.AwaitProjection(b.Context(), "journal"); err != nil {
			b.Error(err)
		}
		b.wantTable("position", "projections", "", "1")
	})
}

// someTime is a value for a column of times.
func (b *bed) someTime() string {
	if b.prefix == "ironflow_" {
		return "0"
	}
	return "now()"
}

// What numbers have no event are not waited for, and are not in a position.
func TestPositionsAreThoseOfEvents(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	b.exec("CREATE TABLE {p}journal (sequence bigint, account text, version bigint)")
	config := b.realConfig()
	config.Projections = []runtime.AnyProjection{journal{filters: []runtime.EventFilter{{Workflow: "other"}}}.on(b)}
	engine, client := adder(b, config)
	add(b, client, "a")
	b.exec("SELECT nextval('{p}events_global_sequence') FROM generate_series(1, 50)")
	b.run(engine)
	if err := engine.AwaitProjection(b.Context(), "journal"); err != nil {
		t.Fatal(err)
	}
	b.wantTable("position", "projections", "", "1")
	info, err := engine.Projection(b.Context(), "journal")
	if err != nil || info.Behind != 0 || info.Delay != 0 {
		t.Errorf("got %+v, error %v", info, err)
	}
}

// ProjectionInfo.Delay is what alerts go by. It must grow while a transaction elsewhere keeps the feed from being read.
func TestDelayGrowsDuringAStall(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	b.exec("CREATE TABLE {p}journal (sequence bigint, account text, version bigint)")
	c := newClock()
	config := b.realConfig()
	config.Clock = c
	config.Projections = []runtime.AnyProjection{journal{}.on(b)}
	engine, client := adder(b, config)
	add(b, client, "a")
	tx, err := b.db.BeginTx(b.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.QueryRow("SELECT pg_current_xact_id()::text").Scan(new(string)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		add(b, client, "a")
	}
	c.advance(10 * time.Minute)
	alert := func() bool { // docs/operate/telemetry.md: Delay of more than five minutes
		health, err := engine.Health(b.Context())
		if err != nil || len(health.Projections) != 1 {
			t.Fatalf("got %+v, error %v", health.Projections, err)
		}
		return health.Projections[0].Delay > 5*time.Minute && health.Projections[0].Behind > 0
	}
	if !alert() {
		t.Error("no alert during a stall of ten minutes")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	b.run(engine)
	b.eventually("the alert ends", func() bool { return !alert() })
}
