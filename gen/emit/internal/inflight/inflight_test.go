package inflight_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	audit1 "github.com/ironflow-gen/ironflow/gen/emit/internal/inflight/audit1"
	audit2 "github.com/ironflow-gen/ironflow/gen/emit/internal/inflight/audit2"
	"github.com/ironflow-gen/ironflow/gen/emit/internal/inflight/v1"
	"github.com/ironflow-gen/ironflow/gen/emit/internal/inflight/v2"
	"github.com/ironflow-gen/ironflow/gen/emit/internal/inflight/v3"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestMain(m *testing.M) {
	code := pgserver.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// onStores runs a test on every store.
func onStores(t *testing.T, test func(t *testing.T, st runtime.Store)) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.SyncNormal())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		test(t, st)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		_, st := openPostgres(t, pgserver.URL(t), pgschema.Borrow(t))
		test(t, st)
	})
}

func openPostgres(t *testing.T, url, schema string) (*pgxpool.Pool, runtime.Store) {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	pgschema.Use(config, schema)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	st, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	return pool, st
}

// program is a version of the user's program.
type program struct {
	*runtime.Engine
	open  func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) (string, error)
	take  func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) error
	state func(ctx context.Context, id string) (cents int64, log []string, err error)
}

// programs start the versions, by their numbers.
var programs = map[int]func(t *testing.T, st runtime.Store) program{
	1: func(t *testing.T, st runtime.Store) program {
		e := engine(t, st, v1.NewWorkflow(v1.Decider{}, v1.Evolver{}, v1.Handler{}), audit1.NewWorkflow(audit1.Decider{}, audit1.Evolver{}))
		c := v1.NewClient(e)
		return program{e, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) (string, error) {
			out, err := c.Open(ctx, v1.Open{AccountID: id, Cents: cents}, options...)
			return out.String(), err
		}, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) error {
			_, err := c.Take(ctx, v1.Take{AccountID: id, Cents: cents}, options...)
			return err
		}, func(ctx context.Context, id string) (int64, []string, error) {
			view, err := c.State(ctx, id)
			return view.State.Cents, view.State.Log, err
		}}
	},
	2: func(t *testing.T, st runtime.Store) program {
		e := engine(t, st, v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, v2.Handler{}), audit2.NewWorkflow(audit2.Decider{}, audit2.Evolver{}))
		c := v2.NewClient(e)
		return program{e, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) (string, error) {
			out, err := c.Open(ctx, v2.Open{AccountID: id, Cents: cents, Currency: "EUR"}, options...)
			return out.String(), err
		}, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) error {
			_, err := c.Take(ctx, v2.Take{AccountID: id, Cents: cents}, options...)
			return err
		}, func(ctx context.Context, id string) (int64, []string, error) {
			view, err := c.State(ctx, id)
			return view.State.Cents, view.State.Log, err
		}}
	},
	3: func(t *testing.T, st runtime.Store) program {
		e := engine(t, st, v3.NewWorkflow(v3.Decider{}, v3.Evolver{}, v3.Handler{}), audit2.NewWorkflow(audit2.Decider{}, audit2.Evolver{}))
		c := v3.NewClient(e)
		return program{e, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) (string, error) {
			out, err := c.Open(ctx, v3.Open{AccountID: id, Cents: cents, Currency: "EUR"}, options...)
			return out.String(), err
		}, func(ctx context.Context, id string, cents int64, options ...runtime.ExecuteOption) error {
			_, err := c.Take(ctx, v3.Take{AccountID: id, Cents: cents}, options...)
			return err
		}, func(ctx context.Context, id string) (int64, []string, error) {
			view, err := c.State(ctx, id)
			return view.State.Cents, view.State.Log, err
		}}
	},
}

// lease is how long what a killed program has claimed waits.
const lease = 2 * time.Second

func engine(t *testing.T, st runtime.Store, workflows ...*runtime.Workflow) *runtime.Engine {
	t.Helper()
	e, err := runtime.NewEngine(st, runtime.Config{PollInterval: 10 * time.Millisecond, StopTimeout: 5 * time.Second, Lease: lease}, workflows...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs a program until the returned function is called.
func (p program) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return stop
}

// awaitLog waits until an account has noted what it should, in any order, and compares its balance.
func (p program) awaitLog(t *testing.T, id string, cents int64, want ...string) {
	t.Helper()
	slices.Sort(want)
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, log, err := p.state(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(log)
		if slices.Equal(log, want) {
			if got != cents {
				t.Errorf("%s has %d cents, want %d", id, got, cents)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s noted\n%s\nwant\n%s", id, strings.Join(log, "\n"), strings.Join(want, "\n"))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// notes are what an account of a version notes when all that it has asked for is done.
func notes(version int, id string, cents int64) []string {
	list := []string{fmt.Sprintf("charged %d.%02d", cents/100, cents%100), fmt.Sprint("audited ", cents)}
	if version < 3 { // the third asks for no more
		list = append(list, "renewed note of "+id, "unmailed "+id+"@example.com")
	}
	return list
}

// TestInFlight lets one version of a program ask for everything that waits in the store, and a later one carry it out.
func TestInFlight(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		ctx := t.Context()
		for _, way := range [][2]int{{1, 2}, {2, 3}, {1, 3}} {
			from, to := way[0], way[1]
			old, new := programs[from](t, st), programs[to](t, st)
			id := fmt.Sprintf("from %d to %d", from, to)
			accepted, err := old.open(ctx, id, 1250, runtime.WithInputID("open"))
			if err != nil || !strings.HasPrefix(accepted, "accepted as version 1: ") {
				t.Fatal(accepted, err)
			}
			endChild(t, st, from, id)
			stop := new.run(t)
			new.awaitLog(t, id, 1250, append(notes(from, id, 1250), "audited 7")...)
			stop()

			// A repeated input has the outcome of the first time.
			repeated, err := new.open(ctx, id, 1250, runtime.WithInputID("open"))
			if err != nil || !strings.HasPrefix(repeated, "accepted as version 1: ") || !strings.Contains(repeated, "AmountCents:1250") {
				t.Errorf("repeated: %s, %v", repeated, err)
			}
			if _, err := old.open(ctx, "poor "+id, 50, runtime.WithInputID("open")); err != nil {
				t.Fatal(err)
			}
			poor, err := new.open(ctx, "poor "+id, 50, runtime.WithInputID("open"))
			want := map[int]string{2: "rejected: v2.Poor{MissingCents:50}", 3: "rejected: v3.Poor{MissingCents:50 Currency:EUR}"}[to]
			if err != nil || poor != want {
				t.Errorf("the rejection: %s, %v, want %s", poor, err, want)
			}
		}
		noDead(t, st)
	})
}

// TestInFlightForNewer lets an old program meet what a newer one has stored: it leaves that alone.
func TestInFlightForNewer(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		ctx := t.Context()
		old, young := programs[1](t, st), programs[2](t, st)
		if _, err := young.open(ctx, "a", 1250, runtime.WithInputID("open")); err != nil {
			t.Fatal(err)
		}
		endChild(t, st, 2, "a")
		stop := old.run(t)
		time.Sleep(200 * time.Millisecond) // many polls
		stop()
		noDead(t, st)
		if _, _, err := old.state(ctx, "a"); err == nil || !strings.Contains(err.Error(), "a newer program wrote it") {
			t.Errorf("the old program reads the new event: %v", err)
		}
		if _, err := old.open(ctx, "a", 1250, runtime.WithInputID("open")); err == nil {
			t.Error("the old program reads the outcome of the new one")
		}
		young.run(t)
		young.awaitLog(t, "a", 1250, append(notes(2, "a", 1250), "audited 7")...)
		if out, err := young.open(ctx, "a", 1251, runtime.WithInputID("open")); !errors.As(err, new(*runtime.InputIDReused)) {
			t.Errorf("another input with the same id: %s, %v", out, err)
		}
	})
}

// TestThreeVersions lets three versions of a program take turns on one store, forward and back, each with inputs while it runs and beside the
// one that follows. Instances go on under every version that knows what they have.
func TestThreeVersions(t *testing.T) {
	onStores(t, func(t *testing.T, st runtime.Store) {
		ctx := t.Context()
		version := make(map[string]int) // of the program that opened the account
		balance := make(map[string]int64)
		versions := map[int]program{1: programs[1](t, st), 2: programs[2](t, st), 3: programs[3](t, st)}
		stop := func() {}
		for turn, current := range []int{1, 2, 3, 2, 1, 3} {
			p := versions[current]
			stopNext := p.run(t)
			// Both run for a while, as in a rollout.
			for n := range 10 {
				id := fmt.Sprintf("account %d.%d", turn, n)
				cents := int64(1000 + 100*turn + n)
				if out, err := p.open(ctx, id, cents); err != nil || !strings.HasPrefix(out, "accepted") {
					t.Fatal(out, err)
				}
				version[id], balance[id] = current, cents
				for old := range version {
					err := p.take(ctx, old, 1)
					switch {
					case err == nil:
						balance[old]--
					case version[old] <= current:
						t.Errorf("version %d cannot continue an account of version %d: %v", current, version[old], err)
					case !strings.Contains(err.Error(), "a newer program wrote it"):
						t.Errorf("version %d on an account of version %d: %v", current, version[old], err)
					}
				}
			}
			stop()
			stop = stopNext
		}
		for id, cents := range balance {
			versions[3].awaitLog(t, id, cents, notes(version[id], id, openedWith(id))...)
		}
		stop()
		noDead(t, st)
	})
}

// openedWith is what TestThreeVersions opens an account with.
func openedWith(id string) int64 {
	var turn, n int64
	fmt.Sscanf(id, "account %d.%d", &turn, &n)
	return 1000 + 100*turn + n
}

// endChild puts the end of a child into the outbox, as the program of a version does when the child completes.
func endChild(t *testing.T, st runtime.Store, version int, parent string) {
	t.Helper()
	child := runtime.InstanceKey{Workflow: "audit", ID: "child of " + parent}
	found, err := st.Read(t.Context(), []store.ReadRequest{{Instance: runtime.InstanceKey{Workflow: "account", ID: parent}}})
	if err != nil {
		t.Fatal(err)
	}
	field := "sum"
	if version == 1 {
		field = "total"
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	err = st.Append(t.Context(), store.Batch{Commit: store.CommitID(now.UnixNano()), Changes: []store.Change{{
		Instance: child, Now: now, Due: now, Complete: true,
		Events: []store.NewEvent{{Type: "Done", SchemaVersion: 1, Payload: []byte(`{"total":7}`)}},
		Effects: []store.NewEffect{{Kind: "ended:account", Payload: fmt.Appendf(nil,
			`{"instance":{"Workflow":"account","ID":%q},"input":"Audited","created":%d,"status":"","state":{%q:7,"done":true}}`, parent, found[0].Created, field)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// noDead fails for dead letters that no workflow was told of.
func noDead(t *testing.T, st runtime.Store) {
	t.Helper()
	for _, queue := range []store.QueueName{store.EffectQueue, store.TimerQueue} {
		letters, err := st.(store.DeadLetters).ListDead(t.Context(), store.DeadLetterList{DeadLetterFilter: store.DeadLetterFilter{Queue: queue}, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			t.Errorf("a dead letter: %s of %s: %s", l.Kind, l.Lease.Instance, l.Error)
		}
	}
}
