package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
)

// TestMain is the example itself when a test starts it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("ORDER_EXAMPLE") != "" {
		main()
		return
	}
	os.Exit(pgserver.Main(m))
}

func TestKilledAndRestarted(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "orders.db")
		killAndRestart(t, "", file)
		checkOrders(t, "", file)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		database := newDatabase(t)
		killAndRestart(t, database, "")
		checkOrders(t, database, "")
	})
}

// killAndRestart kills the example a few times in mid-flight, and then lets it come to its end.
func killAndRestart(t *testing.T, database, file string) {
	t.Helper()
	for range 3 {
		killed := example(t, database, file)
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50*time.Millisecond + rand.N(250*time.Millisecond))
		killed.Process.Kill()
		killed.Wait()
	}
	last := example(t, database, file)
	var output bytes.Buffer
	last.Stdout, last.Stderr = &output, &output
	if err := last.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output.Bytes())
	}
}

func example(t *testing.T, database, file string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-file", file)
	cmd.Env = append(os.Environ(), "ORDER_EXAMPLE=1", "DATABASE_URL="+database)
	return cmd
}

// checkOrders reads what the database holds: each order ended once, in a way that its card allows. An order that was in
// the hands of a killed process may have run into its timeout.
func checkOrders(t *testing.T, database, file string) {
	t.Helper()
	store, closeStore, err := openStore(t.Context(), database, file)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore()
	engine, err := runtime.NewEngine(store, runtime.Config{},
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	client := order.NewClient(engine)
	for _, c := range customers {
		history, err := client.History(t.Context(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		if len(history) != 2 {
			t.Errorf("%s has %d events, want 2: %+v", c.id, len(history), history)
			continue
		}
		_, created := history[0].Event.(order.Created)
		_, paid := history[1].Event.(order.Paid)
		cancelled, _ := history[1].Event.(order.Cancelled)
		timedOut := cancelled.Reason == "not paid in time"
		ok := created
		switch c.card {
		case cardDeclined:
			ok = ok && (cancelled.Reason == order.ErrDeclined.Error() || timedOut)
		case cardSilent:
			ok = ok && timedOut
		default:
			ok = ok && (paid || timedOut)
		}
		if !ok {
			t.Errorf("%s with the %s card ended as %+v", c.id, c.card, history)
		}
	}
}

// newDatabase makes an empty database, which goes with its server.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := pgserver.URL(t)
	database, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE order_example"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropDatabase(t, server) })
	database.Path = "/order_example"
	return database.String()
}

func dropDatabase(t *testing.T, server string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "DROP DATABASE order_example WITH (FORCE)"); err != nil {
		t.Error(err)
	}
}
