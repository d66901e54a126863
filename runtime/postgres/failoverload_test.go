package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// entry is the amount that is decided on a total. A decision on a state that was lost has another one.
func entry(total int64) int64 { return (total*31+7)%101 + 1 }

var entries = ledger.Decider{OnAdd: func(_ time.Time, s ledger.State, _ ledger.Add) ledger.AddDecision {
	return ledger.AcceptAdd(ledger.Added{Amount: entry(s.Total)})
}}

// failoverLoad is an engine under load, whose server is taken over by a standby that was cut off shortly before.
type failoverLoad struct {
	*testing.T
	pool   *pgxpool.Pool
	engine *runtime.Engine
	schema string

	mu       sync.Mutex
	answered map[string]time.Time // input ids, and when they were accepted
	feed     []store.StoredEvent
	back     *store.FeedSetBack // how the subscription ended; nil while it goes on
}

func TestFailoverUnderLoad(t *testing.T) {
	for name, standbys := range map[string]string{"asynchronous": "", "synchronous": "*"} {
		t.Run(name, func(t *testing.T) {
			primary := pgserver.Own(t, pgserver.Options{Settings: map[string]string{
				"synchronous_commit": "on", "synchronous_standby_names": standbys,
			}})
			standby, err := primary.Standby(t.Context(), pgserver.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { standby.Stop() })
			l := newFailoverLoad(t, pgserver.AnyURL("read-write", primary, standby))
			stop := l.start(160)
			time.Sleep(time.Second)
			standby.CutOff()
			time.Sleep(500 * time.Millisecond)
			if err := errors.Join(primary.Crash(t.Context()), standby.Promote(t.Context())); err != nil {
				t.Fatal(err)
			}
			promoted := time.Now()
			l.mu.Lock()
			before := len(l.answered)
			l.mu.Unlock()
			eventually(t, "inputs are accepted again", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return len(l.answered) > before+500
			})
			stop()

			events := l.checkStates()
			l.checkReaders(events, standbys != "")
			since := promoted
			if standbys != "" {
				since = time.Time{} // nothing that was answered is lost
			}
			l.checkAnswers(events, since)
			t.Logf("%d events, %d inputs accepted, %d events read by the subscription, which ended with: %v",
				len(events), len(l.answered), len(l.feed), l.back)
		})
	}
}

func newFailoverLoad(t *testing.T, url string) *failoverLoad {
	config, err := pgxpool.ParseConfig(url + "&connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 12
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	l := &failoverLoad{T: t, pool: pool, schema: newSchema(), answered: make(map[string]time.Time)}
	st := newStore(t, pool, l.schema)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE "+l.schema+".applied (sequence bigint)"); err != nil {
		t.Fatal(err)
	}
	l.engine = l.newEngine(st, runtime.Projection[pgx.Tx]{
		Name: "applied",
		Apply: func(ctx context.Context, tx pgx.Tx, e store.StoredEvent) error {
			_, err := tx.Exec(ctx, "INSERT INTO "+l.schema+".applied VALUES ($1)", e.GlobalSequence)
			return err
		},
	})
	return l
}

func (l *failoverLoad) newEngine(store *postgres.Store, projections ...runtime.AnyProjection) *runtime.Engine {
	l.Helper()
	engine, err := runtime.NewEngine(store, runtime.Config{
		Logger: slog.New(slog.DiscardHandler), SnapshotEvery: 5, PollInterval: 20 * time.Millisecond, Lease: 3 * time.Second,
		Projections: projections,
	}, ledger.NewWorkflow(entries, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		l.Fatal(err)
	}
	return engine
}

// start starts clients, which send each input until it is answered, a subscription and the projection.
func (l *failoverLoad) start(clients int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ending atomic.Bool
	var calling, running sync.WaitGroup
	for c := range clients {
		calling.Go(func() {
			client := ledger.NewClient(l.engine)
			for n := 0; !ending.Load(); n++ {
				id, account := fmt.Sprintf("%d-%d", c, n), fmt.Sprint(c%40)
				for ctx.Err() == nil {
					callCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
					out, err := client.Add(callCtx, ledger.Add{Account: account, Amount: 1}, runtime.WithInputID(id))
					cancel()
					if err == nil && out.Accepted() {
						l.mu.Lock()
						l.answered[id] = time.Now()
						l.mu.Unlock()
						break
					}
					if err == nil {
						l.Errorf("input %s: got %+v", id, out)
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	running.Go(func() {
		for event, err := range l.engine.Subscribe(ctx, 0) {
			l.mu.Lock()
			if err == nil {
				l.feed = append(l.feed, event)
			} else {
				errors.As(err, &l.back)
			}
			l.mu.Unlock()
		}
	})
	running.Go(func() {
		if err := l.engine.Run(ctx); err != nil {
			l.Errorf("Run: %v", err)
		}
	})
	once := sync.OnceFunc(func() {
		ending.Store(true)
		calling.Wait()
		waiting, stopWaiting := context.WithTimeout(ctx, 20*time.Second)
		defer stopWaiting()
		if err := l.engine.AwaitProjection(waiting, "applied"); err != nil {
			l.Error(err)
		}
		newest, err := l.engine.FeedStatus(waiting)
		if err != nil {
			l.Error(err)
		}
		eventually(l.T, "the subscription has read all, or has ended", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			n := len(l.feed)
			return l.back != nil || n > 0 && l.feed[n-1].Position() == newest.Newest // a lost event may have a higher number
		})
		cancel()
		running.Wait()
	})
	l.Cleanup(func() { ending.Store(true); cancel(); calling.Wait(); running.Wait() })
	return once
}

// checkStates compares each event with the fold of those before it, and the snapshots and the states with the fold of all.
func (l *failoverLoad) checkStates() (events []store.StoredEvent) {
	l.Helper()
	totals, versions := map[string]int64{}, map[string]int64{}
	folds := map[string]int64{} // by account and version
	rows, err := l.pool.Query(l.Context(), fmt.Sprintf(`SELECT instance, version, global_sequence, commit_id, (payload->>'amount')::bigint
		FROM %s.events ORDER BY instance, version`, l.schema))
	if err != nil {
		l.Fatal(err)
	}
	var amount int64
	var e store.StoredEvent
	_, err = pgx.ForEachRow(rows, []any{&e.Instance.ID, &e.Version, &e.GlobalSequence, &e.Commit, &amount}, func() error {
		id := e.Instance.ID
		if e.Version != versions[id]+1 {
			l.Errorf("event %d of %s follows on %d", e.Version, id, versions[id])
		}
		if want := entry(totals[id]); amount != want {
			l.Errorf("event %d of %s is %d, but %d follows on its state: it was decided on another one", e.Version, id, amount, want)
		}
		totals[id] += amount
		versions[id] = e.Version
		folds[fmt.Sprint(id, " ", e.Version)] = totals[id]
		events = append(events, e)
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	snapshots, err := l.pool.Query(l.Context(), fmt.Sprintf(`SELECT s.instance, s.version, (s.state->>'total')::bigint
		FROM %[1]s.snapshots s JOIN %[1]s.events e USING (instance, workflow, version, commit_id)`, l.schema))
	if err != nil {
		l.Fatal(err)
	}
	var id string
	var version, total int64
	_, err = pgx.ForEachRow(snapshots, []any{&id, &version, &total}, func() error {
		if want := folds[fmt.Sprint(id, " ", version)]; total != want {
			l.Errorf("the snapshot of %s at version %d has %d, want %d", id, version, total, want)
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	fresh := ledger.NewClient(l.newEngine(reopened(l.T, l.pool, l.schema)))
	for id, want := range totals {
		view, err := fresh.State(l.Context(), id)
		if err != nil || view.State.Total != want || view.Version != versions[id] {
			l.Errorf("the state of %s is %+v at version %d, error %v, want %d at %d", id, view.State, view.Version, err, want, versions[id])
		}
	}
	slices.SortFunc(events, func(a, b store.StoredEvent) int { return int(a.GlobalSequence - b.GlobalSequence) })
	return events
}

// checkReaders compares what the projection, a new reader and the subscription have got with the events.
func (l *failoverLoad) checkReaders(events []store.StoredEvent, all bool) {
	l.Helper()
	var want []int64
	for _, e := range events {
		want = append(want, e.GlobalSequence)
	}
	rows, err := l.pool.Query(l.Context(), "SELECT sequence FROM "+l.schema+".applied ORDER BY sequence")
	if err != nil {
		l.Fatal(err)
	}
	applied, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || !slices.Equal(applied, want) {
		l.Errorf("the projection has applied %d events of %d, or others, error %v", len(applied), len(want), err)
	}
	var read []int64
	for page := (store.FeedPage{Settled: 1}); page.Next < page.Settled; {
		if page, err = l.engine.EventsSince(l.Context(), page.Next, 1000); err != nil {
			l.Fatal(err)
		}
		for _, e := range page.Events {
			read = append(read, e.GlobalSequence)
		}
	}
	if !slices.Equal(read, want) {
		l.Errorf("the feed has %d events of %d, or others", len(read), len(want))
	}
	if l.back != nil && !all {
		return // it was told that events were lost
	}
	same := func(a, b store.StoredEvent) bool {
		return a.GlobalSequence == b.GlobalSequence && a.Commit == b.Commit
	}
	if l.back != nil || !slices.EqualFunc(l.feed, events, same) {
		l.Errorf("the subscription has %d events of %d, or others; it ended with %v", len(l.feed), len(events), l.back)
	}
}

// checkAnswers looks for the inputs that were accepted since a time, and for inputs that were applied twice.
func (l *failoverLoad) checkAnswers(events []store.StoredEvent, since time.Time) {
	l.Helper()
	rows, err := l.pool.Query(l.Context(), "SELECT input_id FROM "+l.schema+".input_outcomes")
	if err != nil {
		l.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(stored) != len(events) {
		l.Errorf("%d events of %d inputs, error %v", len(events), len(stored), err)
	}
	known := make(map[string]bool, len(stored))
	for _, id := range stored {
		known[id] = true
	}
	lost := 0
	for id, at := range l.answered {
		if !known[id] && at.After(since) {
			lost++
		}
	}
	if lost > 0 {
		l.Errorf("%d of %d accepted inputs are lost", lost, len(l.answered))
	}
}
