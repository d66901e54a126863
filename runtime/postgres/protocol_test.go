package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestEveryProtocolMode forgets the session before each transaction, as if a pooler in transaction mode had put another
// connection in its place. The modes are those that do without statements prepared on the server.
func TestEveryProtocolMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) {
				config.ConnConfig.DefaultQueryExecMode = mode
				config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
					_, err := conn.Exec(ctx, "DISCARD ALL")
					return err == nil, err
				}
			})
			store := newStore(t, pool, newSchema())
			useEverything(t, store)
			wantIdle(t, pool)
		})
	}
}

// TestNoTraceInTheSession says that what a transaction sets ends with it.
func TestNoTraceInTheSession(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(config *pgxpool.Config) { config.MaxConns = 1 })
	settings := func() (all string) {
		t.Helper()
		err := pool.QueryRow(t.Context(), `SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings`).Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	// The language of the function that refuses brings settings of its own.
	if _, err := pool.Exec(t.Context(), "LOAD 'plpgsql'"); err != nil {
		t.Fatal(err)
	}
	before := settings()
	useEverything(t, newStore(t, pool, newSchema()))
	if settings() != before {
		t.Error("the settings of the session are not what they were")
	}
}

// useEverything runs each statement of a store at least once.
func useEverything(t *testing.T, st *postgres.Store) {
	t.Helper()
	const payload = `{"quote":"it's \\ \"$1\"", "nul":"\u0000", "wide":"ä😀"}`
	c := everything("it's \\ $1")
	c.Events[0].Payload = []byte(payload)
	c.Effects[0].Payload = []byte(payload)
	c.Timers[0].Payload = []byte(payload)
	commit(t, st, c)
	wantVersion(t, st, c.Instance, 1)

	for name, queue := range map[string]store.Queue{"Send": st.Effects(), "Remind": st.Timers()} {
		claim := func() store.Delivery {
			t.Helper()
			deliveries, err := queue.Claim(t.Context(), store.Claim{
				Kinds: []store.Kind{{Workflow: "order", Name: name}}, Now: now, Until: now.Add(time.Hour), Limit: 10,
			})
			if err != nil || len(deliveries) != 1 {
				t.Fatalf("Claim: %d deliveries, error %v", len(deliveries), err)
			}
			return deliveries[0]
		}
		delivery := claim()
		if string(delivery.Payload) != payload || !delivery.Due.Equal(now) || delivery.Kind.Name != name {
			t.Errorf("claimed %+v", delivery)
		}
		lost, err := queue.Extend(t.Context(), []store.Lease{delivery.Lease}, now.Add(time.Hour))
		if err != nil || len(lost) != 0 {
			t.Fatalf("Extend: lost %v, error %v", lost, err)
		}
		retry := store.Settlement{Lease: delivery.Lease, Verdict: store.RetryLater, At: now, Error: "it's\x00\xff"}
		if lost, err := queue.Settle(t.Context(), []store.Settlement{retry}); err != nil || len(lost) != 0 {
			t.Fatalf("Settle: lost %v, error %v", lost, err)
		}
		delivery = claim()
		if delivery.Attempt != 2 || delivery.LastError != "it's\uFFFD\uFFFD" {
			t.Errorf("claimed %+v", delivery)
		}
		instance := delivery.Lease.Instance
		work := begin(t, st, instance)
		next := change(instance, work.Instances()[0].Version)
		next.Consume = []store.Lease{delivery.Lease}
		next.Complete = next.Version == 2
		if err := work.Commit(t.Context(), newID(), []store.Change{next}); err != nil {
			t.Fatal(err)
		}
	}
	instance := read(t, st, c.Instance)
	if !instance.Completed || instance.Version != 3 || string(instance.Events[0].Payload) != payload {
		t.Errorf("read %+v", instance)
	}
	useAppend(t, st)
	useSnapshots(t, st, payload)
	useFeed(t, st, payload)
	if err := st.Notify(t.Context(), store.NewEvents); err != nil {
		t.Error(err)
	}
}

// useFeed reads the feed, and projects it.
func useFeed(t *testing.T, st *postgres.Store, payload string) {
	t.Helper()
	events := feedOf(t, st, 4)
	if string(events[0].Payload) != payload || events[0].Instance != order("it's \\ $1") {
		t.Errorf("the feed begins with %+v", events[0])
	}
	filter := store.EventFilter{Workflow: "order", Types: []string{"it's another"}}
	if page, err := st.EventsSince(t.Context(), 0, 10, filter); err != nil || len(page.Events) > 0 || page.Next < events[3].Position() {
		t.Errorf("got %+v, error %v", page, err)
	}
	want := store.ProjectionState{
		Name: "it's \\ $1", Status: store.ProjectionStopped, Position: 7, EventAt: now, Skipped: 1, Rebuild: true, Attempts: 2,
		LastError: "it's $1", StoppedAt: 8, Owner: "me", Token: 3, LeaseUntil: now, UpdatedAt: now,
	}
	set := func(s *store.ProjectionState) error {
		*s = want
		return nil
	}
	if err := st.UpdateProjection(t.Context(), want.Name, set); err != nil {
		t.Fatal(err)
	}
	apply := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT $1::text", payload)
		return err
	}
	if err := st.Project(t.Context(), want.Name, apply, set); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Projections(t.Context(), want.Name, "none"); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, error %v", got, err)
	}
	if _, err := st.FeedBlockers(t.Context()); err != nil {
		t.Error(err)
	}
}

// useAppend goes through each way Append and Committed may end.
func useAppend(t *testing.T, st *postgres.Store) {
	t.Helper()
	c := everything("appended $1")
	other := everything("other")
	batch := store.Batch{
		Commit: newID(), Changes: []store.Change{other, c},
		Unchanged: []store.InstanceVersion{{Instance: order("none"), Version: 0}},
	}
	if err := st.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[store.CommitID]bool{batch.Commit: true, newID(): false} {
		if got, err := st.Committed(t.Context(), c.Instance, 1, id); err != nil || got != want {
			t.Errorf("Committed: %v, error %v, want %v", got, err, want)
		}
	}
	wantVersion(t, st, c.Instance, 1)

	if err := st.Append(t.Context(), batch); !errors.Is(err, store.ErrConflict) {
		t.Errorf("again: error %v", err)
	}
	for version, want := range map[int64]error{1: nil, 2: store.ErrConflict} {
		same := []store.InstanceVersion{{Instance: c.Instance, Version: version}}
		if err := st.Append(t.Context(), store.Batch{Unchanged: same}); !errors.Is(err, want) {
			t.Errorf("unchanged: error %v, want %v", err, want)
		}
		next := store.Batch{Commit: newID(), Changes: []store.Change{change(order("new"), 0)}, Unchanged: same}
		if err := st.Append(t.Context(), next); !errors.Is(err, want) {
			t.Errorf("unchanged beside a change: error %v, want %v", err, want)
		}
	}
	// A unique key that is taken.
	taken := change(order("thief"), 0)
	taken.UniqueKey = c.UniqueKey
	err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{taken}})
	if want := (store.UniqueKeyConflict{Instance: order("thief"), Key: c.UniqueKey, Holder: c.Instance.ID}); !isKey(err, want) {
		t.Errorf("taken key: error %v", err)
	}
	// The second of two leases is none.
	claimed, err := st.Effects().Claim(t.Context(), store.Claim{
		Kinds: []store.Kind{{Workflow: "order", Name: "Send"}}, Now: now, Until: now.Add(time.Hour), Limit: 10,
	})
	if err != nil || len(claimed) != 2 {
		t.Fatalf("Claim: %d deliveries, error %v", len(claimed), err)
	}
	stale := claimed[1].Lease
	stale.Token++
	next := change(c.Instance, 1)
	next.Consume = []store.Lease{claimed[0].Lease, stale}
	var lost *store.LeaseLost
	err = st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{next}})
	if !errors.As(err, &lost) || lost.Lease != stale {
		t.Errorf("lost lease: error %v", err)
	}
	next.Consume[1] = claimed[1].Lease
	add(t, st, next)
}

func isKey(err error, want store.UniqueKeyConflict) bool {
	var conflict *store.UniqueKeyConflict
	return errors.As(err, &conflict) && *conflict == want
}

func useSnapshots(t *testing.T, st *postgres.Store, state string) {
	t.Helper()
	instance := order("with snapshot")
	c := change(instance, 0)
	for range 4 {
		c.Events = append(c.Events, c.Events[0])
	}
	add(t, st, c)
	save := func(version int64, schema string) {
		t.Helper()
		err := st.SaveSnapshots(t.Context(), []store.Snapshot{
			{Instance: order("nobody"), Version: 1, Schema: schema, State: []byte(state)},
			{Instance: instance, Version: version, Commit: read(t, st, instance).LastCommit, Schema: schema, State: []byte(state)},
		})
		if err != nil {
			t.Error(err)
		}
	}
	check := func(request store.ReadRequest, snapshot int64, events int) {
		t.Helper()
		request.Instance = instance
		instances, err := st.Read(t.Context(), []store.ReadRequest{request, {Instance: order("nobody"), Schema: "a"}})
		if err != nil || len(instances) != 2 || instances[1].Snapshot != nil {
			t.Fatalf("Read: %+v, error %v", instances, err)
		}
		got := instances[0]
		if len(got.Events) != events || (got.Snapshot != nil) != (snapshot > 0) || got.Version != 5 {
			t.Errorf("%+v: got %+v", request, got)
		}
		if s := got.Snapshot; s != nil &&
			(s.Version != snapshot || string(s.State) != state || s.Schema != request.Schema || s.Instance != instance) {
			t.Errorf("%+v: got snapshot %+v", request, s)
		}
	}
	save(3, "a")
	save(2, "a")
	check(store.ReadRequest{Schema: "a"}, 3, 2)
	check(store.ReadRequest{Schema: "b"}, 0, 5)
	check(store.ReadRequest{}, 0, 5)
	check(store.ReadRequest{Schema: "a", After: 2}, 3, 2)
	check(store.ReadRequest{Schema: "a", After: 3}, 0, 2)
	check(store.ReadRequest{Schema: "a", After: 5}, 0, 0)
	save(3, "b")
	check(store.ReadRequest{Schema: "b"}, 3, 2)
	check(store.ReadRequest{Schema: "a"}, 0, 5)
	save(5, "a")
	check(store.ReadRequest{Schema: "a"}, 5, 0)
}

func TestAnotherDefaultIsolation(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, func(config *pgxpool.Config) {
				config.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
			})
			st := newStore(t, pool, newSchema())
			commit(t, st, change(order("1"), 0))
			// The second to lock must see what the first commits while it waits.
			first, second := begin(t, st, order("1")), make(chan error, 1)
			go func() {
				work, err := st.Begin(t.Context(), requests(order("1")))
				if err == nil {
					err = work.Commit(t.Context(), newID(), []store.Change{change(order("1"), work.Instances()[0].Version)})
				}
				second <- err
			}()
			time.Sleep(50 * time.Millisecond)
			if err := first.Commit(t.Context(), newID(), []store.Change{change(order("1"), 1)}); err != nil {
				t.Error(err)
			}
			if err := <-second; err != nil {
				t.Error(err)
			}
			wantVersion(t, st, order("1"), 3)
		})
	}
}
