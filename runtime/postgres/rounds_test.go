package postgres_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A lone caller pays each round trip with its own time. So a decision on a state that is remembered takes one, and so does a rejection.
func TestRoundTripsOfALoneCaller(t *testing.T) {
	t.Parallel()
	var rounds roundTrips
	st := silent{newStore(t, newPool(t, rounds.count), newSchema())}
	engine, err := runtime.NewEngine(st, runtime.Config{}, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	client := ledger.NewClient(engine)
	decide := func() error {
		_, err := client.Add(t.Context(), ledger.Add{Account: "1", Amount: 1})
		return err
	}
	for range 3 { // the second is the first that continues the instance; its statement is prepared
		if err := decide(); err != nil {
			t.Fatal(err)
		}
	}
	before := rounds.sofar()
	const decisions = 5
	for range decisions {
		if err := decide(); err != nil {
			t.Fatal(err)
		}
	}
	if n := rounds.sofar() - before; n != decisions {
		t.Errorf("%d decisions took %d round trips, want one each", decisions, n)
	}
}

// silent is a store that does not notify other processes, which is beside the decisions.
type silent struct{ store.Store }

// roundTrips counts how often a connection waits for the server after it has sent something.
type roundTrips struct {
	mu sync.Mutex
	n  int
}

func (r *roundTrips) sofar() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

func (r *roundTrips) count(config *pgxpool.Config) {
	config.MaxConns = 1
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &countedConn{Conn: conn, rounds: r}, err
	}
}

type countedConn struct {
	net.Conn
	rounds *roundTrips
	sent   bool // since the last read
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.rounds.mu.Lock()
	c.sent = true
	c.rounds.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.rounds.mu.Lock()
	defer c.rounds.mu.Unlock()
	if c.sent && n > 0 {
		c.sent = false
		c.rounds.n++
	}
	return n, err
}
