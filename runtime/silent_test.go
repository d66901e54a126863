package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/silentpeer"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// silentBed is a bed on PostgreSQL with a second way to its tables, through a proxy.
type silentBed struct {
	*bed
	proxy *silentpeer.Proxy
	far   Store  // through the proxy
	fill  func() // opens all connections of far's pool
}

func openSilent(t *testing.T) *silentBed {
	t.Parallel()
	near := openPostgres(t)
	proxy, url := silentpeer.Postgres(t, pgserver.URL(t))
	schema := near.prefix[:len(near.prefix)-1]
	pool := newPool(t, url, schema)
	far, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close) // before the pool, which says goodbye to silent connections
	return &silentBed{near, proxy, far, func() {
		var conns sync.WaitGroup
		all := make(chan struct{})
		for range pool.Config().MaxConns {
			conns.Go(func() {
				conn, err := pool.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Release()
				<-all
			})
		}
		near.eventually("the pool is full", func() bool { return pool.Stat().AcquiredConns() == pool.Config().MaxConns })
		close(all)
		conns.Wait()
	}}
}

// silence makes all connections of the pool silent.
func (b *silentBed) silence() {
	b.fill()
	b.proxy.Silence()
}

const silentTimeout = 2 * time.Second

func (b *silentBed) silentConfig() runtime.Config {
	config := b.projectionConfig()
	config.StoreTimeout = silentTimeout
	return config
}

// Inputs that are served apart do not hold their places for ever while the connections that they have are silent.
func TestSilentPeerAndInputs(t *testing.T) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprint("apart ", alone), func(t *testing.T) {
			b := openSilent(t)
			on := b.far
			if alone {
				on = apart{Store: b.far}
			}
			client := ticket.NewClient(b.engineOn(on, b.silentConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
			send := func(ctx context.Context, id string) error {
				var options []runtime.ExecuteOption
				if !alone { // else a batch would ask for the id first, and meet the silence before anybody is served apart
					options = append(options, runtime.WithInputID(id))
				}
				_, err := client.Import(ctx, ticket.Import{ID: id, Subject: id}, options...)
				return err
			}
			if err := send(b.Context(), "first"); err != nil {
				b.Fatal(err)
			}
			b.silence()
			var callers sync.WaitGroup
			silent := 0
			var mu sync.Mutex
			for n := range 16 {
				callers.Go(func() {
					ctx, patience := b.Context(), 20*time.Second
					if n%2 == 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
						defer cancel()
						patience = 5 * time.Second // on a busy machine
					}
					began := time.Now()
					err := send(ctx, fmt.Sprint(n))
					if took := time.Since(began); took > patience {
						b.Errorf("caller %d returns after %v: %v", n, took, err)
					}
					var timeout *runtime.StoreTimeout
					switch {
					case errors.As(err, &timeout):
						mu.Lock()
						silent++
						mu.Unlock()
					case err != nil && !errors.Is(err, context.DeadlineExceeded):
						b.Errorf("caller %d: %v", n, err)
					}
				})
			}
			callers.Wait()
			if alone && silent == 0 {
				b.Error("nobody was told of the silent store")
			}
			b.eventually("all goes on by new connections", func() bool { return send(b.Context(), "last") == nil })
			for n := range 16 { // whatever became of them, they can be sent again
				if err := send(b.Context(), fmt.Sprint(n)); err != nil {
					b.Error(err)
				}
			}
			if got := len(b.table(events, "events", "WHERE type = 'Opened'")); got != 18 {
				b.Errorf("%d instances were opened, want 18", got)
			}
		})
	}
}

// A commit whose answer does not come is found out about by another connection.
func TestSilentPeerAfterTheCommit(t *testing.T) {
	b := openSilent(t)
	client := ledger.NewClient(b.engineOn(b.far, b.silentConfig(), ledgers(ledger.Decider{}, ledger.Handler{})))
	out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
	must(b.bed, out, err)
	b.proxy.SilenceAnswers()
	err = b.untilSent(func(ctx context.Context) error {
		_, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 1}, runtime.WithInputID("second"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.wantTable("version, type", "events", "", "1 Added", "2 Added")
}

// untilSent repeats a call until it succeeds.
func (b *silentBed) untilSent(call func(ctx context.Context) error) (err error) {
	for range 20 {
		if err = call(b.Context()); err == nil {
			return nil
		}
	}
	return err
}

// What is asked without a deadline returns, too.
func TestSilentPeerAndQuestions(t *testing.T) {
	b := openSilent(t)
	engine := b.engineOn(b.far, b.silentConfig(), ledgers(ledger.Decider{}, ledger.Handler{}))
	client := ledger.NewClient(engine)
	out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
	must(b.bed, out, err)
	key := runtime.InstanceKey{Workflow: "ledger", ID: "a"}
	timeouts := 0
	for name, ask := range map[string]func(ctx context.Context) error{
		"State":   func(ctx context.Context) error { _, err := client.State(ctx, "a"); return err },
		"History": func(ctx context.Context) error { _, err := client.History(ctx, "a"); return err },
		"Health":  func(ctx context.Context) error { _, err := engine.Health(ctx); return err },
		"Inspect": func(ctx context.Context) error { _, err := engine.Inspect(ctx, key); return err },
		"Why":     func(ctx context.Context) error { _, err := engine.Why(ctx, key, 1); return err },
		"Instances": func(ctx context.Context) error {
			_, err := engine.Instances(ctx, runtime.InstanceQuery{})
			return err
		},
		"EventsSince": func(ctx context.Context) error { _, err := engine.EventsSince(ctx, 0, 1); return err },
		"Projections": func(ctx context.Context) error { _, err := engine.Projections(ctx); return err },
	} {
		b.silence()
		began := time.Now()
		err := ask(b.Context())
		var timeout *runtime.StoreTimeout
		switch {
		case errors.As(err, &timeout):
			timeouts++
		case err != nil: // nil when the store has asked again by another connection in time
			b.Errorf("%s: got error %v", name, err)
		}
		if took := time.Since(began); took > 15*time.Second {
			b.Errorf("%s took %v", name, took)
		}
		if err := b.untilSent(ask); err != nil {
			b.Errorf("%s by new connections: %v", name, err)
		}
	}
	if timeouts == 0 {
		b.Error("no question met the silent connections")
	}
}

// Readers of the feed, projections among them, go on by other connections, and say what happened.
func TestSilentPeerAndReaders(t *testing.T) {
	b := openSilent(t)
	b.makeJournal()
	config := b.silentConfig()
	near := config
	config.Projections = append(config.Projections, journal{timeout: silentTimeout}.in(b.far, b.prefix))
	engine := b.engineOn(b.far, config, ledgers(ledger.Decider{}, ledger.Handler{}))
	writer := b.engine(near, ledgers(ledger.Decider{}, ledger.Handler{}))
	client := ledger.NewClient(writer)
	b.run(engine)
	seen, failed := make(chan string, 16), make(chan error, 64)
	ctx, cancel := context.WithCancel(b.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		for event, err := range engine.Subscribe(ctx, 0) {
			switch {
			case ctx.Err() != nil:
			case err != nil:
				failed <- err
			default:
				seen <- event.Instance.ID
			}
		}
	})
	defer reading.Wait()
	defer cancel()
	for n := range 3 {
		id := fmt.Sprint(n)
		add(b.bed, client, id)
		if got := wait(b.bed, "the event is read", seen); got != id {
			b.Errorf("got the event of %s", got)
		}
		b.eventually("the projection has it", func() bool { return len(b.table("*", "journal", "WHERE account = '"+id+"'")) == 1 })
		b.silence()
	}
	b.wantLog("did not answer within")
	b.wantJournal("0/1", "1/1", "2/1")
}
