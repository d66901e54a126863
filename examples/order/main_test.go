package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
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
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		killAndRestart(t, database, file)
		checkOrders(t, database, file)
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
	store, closeStore, err := storage.Open(t.Context(), database, file)
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
