package postgres_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/silentpeer"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// A primary that is cut off answers nothing, and its connections stay open. When a standby takes over, calls that wait for the old primary
// go on by themselves, long before they would give up.
func TestCallsLeaveAServerThatWasReplaced(t *testing.T) {
	primary := pgserver.Own(t, pgserver.Options{})
	standby, err := primary.Standby(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Stop() })
	proxy, first := silentpeer.Postgres(t, primary.URL())
	_, second := silentpeer.Postgres(t, standby.URL())
	hosts := func(s string) string {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	both := "postgres://ironflow@" + hosts(first) + "," + hosts(second) + "/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=1"
	if err := postgres.Migrate(t.Context(), poolOf(t, primary.URL())); err != nil {
		t.Fatal(err)
	}
	st, err := postgres.New(t.Context(), poolOf(t, both))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := runtime.NewEngine(st, runtime.Config{}, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	client := ledger.NewClient(engine)
	add := func() error {
		_, err := client.Add(runtime.WithUnavailableTimeout(t.Context(), time.Minute), ledger.Add{Account: "1", Amount: 1})
		return err
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the standby has the event", func() bool {
		var n int
		err := poolOf(t, standby.URL()).QueryRow(t.Context(), "SELECT count(*) FROM ironflow.events").Scan(&n)
		return err == nil && n == 1
	})
	defer postgres.SetSuspicion(500 * time.Millisecond)()
	proxy.SilenceAll()
	answered := make(chan error, 1)
	go func() { answered <- add() }()
	time.Sleep(100 * time.Millisecond)
	if err := errors.Join(primary.Crash(t.Context()), standby.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
		t.Logf("answered %v after the promotion", time.Since(promoted))
	case <-time.After(10 * time.Second):
		t.Fatal("the input still waits for a server that was replaced")
	}
	view, err := client.State(t.Context(), "1")
	if err != nil || view.Version != 2 {
		t.Errorf("version %d, error %v, want 2", view.Version, err)
	}
}
