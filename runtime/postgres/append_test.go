package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestLockedElsewhere says that a batch does not wait for an instance that somebody holds, leaves nothing, and holds
// nothing of the other instances.
func TestLockedElsewhere(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	add(t, st, change(order("free"), 0), change(order("held"), 0))
	holder := begin(t, st, order("held"))
	defer holder.Rollback(context.Background())
	batch := store.Batch{Commit: newID(), Changes: []store.Change{
		change(order("free"), 1), everything("new"), change(order("held"), 1),
	}}
	start := time.Now()
	if err := st.Append(t.Context(), batch); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v", err)
	}
	if took := time.Since(start); took > 5*time.Second { // the machine may be busy
		t.Errorf("it took %v", took)
	}
	wantVersion(t, st, order("free"), 1)
	wantVersion(t, st, order("new"), 0)
	add(t, st, change(order("free"), 1))

	// An instance that is only looked at is not waited for.
	same := []store.InstanceVersion{{Instance: order("held"), Version: 1}}
	if err := st.Append(t.Context(), store.Batch{Unchanged: same}); err != nil {
		t.Error(err)
	}
	if err := holder.Commit(t.Context(), newID(), []store.Change{change(order("held"), 1)}); err != nil {
		t.Error(err)
	}
	// The same for one that somebody is creating.
	creator := appendHeld(t, pool, schema, "created", 0, newID())
	defer creator.Rollback(context.Background())
	batch.Changes = []store.Change{change(order("free"), 2), change(order("created"), 0)}
	if err := st.Append(t.Context(), batch); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v", err)
	}
	wantVersion(t, st, order("free"), 2)
	creator.Rollback(t.Context())
	wantIdle(t, pool)
}

// TestOneChangeIsAllOrNothing goes through what a change on its own is refused for, after others of its rows were written.
func TestOneChangeIsAllOrNothing(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	first := change(order("1"), 0)
	first.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
	first.Timers = []store.NewTimer{{Key: "a", Input: "Remind", Payload: []byte(`{}`), FireAt: now}}
	add(t, st, first)
	refused := func(what string, c store.Change) error {
		t.Helper()
		err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{c}})
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		wantVersion(t, st, order("1"), 1)
		return err
	}
	for _, queue := range []store.QueueName{store.EffectQueue, store.TimerQueue} {
		c := change(order("1"), 1)
		c.Consume = []store.Lease{{Queue: queue, Instance: order("1"), Version: 1, Token: 7}}
		if queue == store.TimerQueue {
			c.Consume[0].Key = "a"
		}
		var lost *store.LeaseLost
		if err := refused("lost lease", c); !errors.As(err, &lost) || lost.Lease != c.Consume[0] {
			t.Errorf("lost lease: error %v", err)
		}
		c.Consume[0].Token = 0
		c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{"broken`)}}
		if err := refused("broken payload", c); errors.Is(err, store.ErrOutcomeUnknown) {
			t.Errorf("broken payload: error %v", err)
		}
	}
	if err := refused("old version", change(order("1"), 2)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("old version: error %v", err)
	}
	if err := refused("exists", change(order("1"), 0)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("exists: error %v", err)
	}
	holder := begin(t, st, order("1"))
	if err := refused("locked", change(order("1"), 1)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("locked: error %v", err)
	}
	if err := holder.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	creator := appendHeld(t, pool, schema, "created", 0, newID())
	defer creator.Rollback(context.Background())
	err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{change(order("created"), 0)}})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("being created: error %v", err)
	}
	creator.Rollback(t.Context())
	wantIdle(t, pool)
}

// TestBeginWaitsNotForLong says the same of a unit of work, which waits for a while.
func TestBeginWaitsNotForLong(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	st := newStore(t, pool, newSchema())
	add(t, st, change(order("1"), 0))
	holder := begin(t, st, order("1"))
	start := time.Now()
	_, err := st.Begin(t.Context(), requests(order("2"), order("1")))
	if took := time.Since(start); !errors.Is(err, store.ErrConflict) || took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("got error %v after %v", err, took)
	}
	if err := holder.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	wantIdle(t, pool)
}

// TestCommittedWaits says that Committed does not answer while the commit it asks about is under way: on an instance that
// exists, and on one that is being created.
func TestCommittedWaits(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{0, 1} {
		for _, ends := range []bool{true, false} {
			t.Run(fmt.Sprintf("version %d, commits %v", version, ends), func(t *testing.T) {
				t.Parallel()
				pool, schema := newPool(t), newSchema()
				store := newStore(t, pool, schema)
				if version > 0 {
					add(t, store, change(order("1"), 0))
				}
				id := newID()
				tx := appendHeld(t, pool, schema, "1", version, id)
				defer tx.Rollback(context.Background())
				answer := make(chan bool)
				go func() {
					committed, err := store.Committed(t.Context(), order("1"), version+1, id)
					if err != nil {
						t.Error(err)
					}
					answer <- committed
				}()
				select {
				case got := <-answer:
					t.Errorf("it answers %v before the commit has ended", got)
				case <-time.After(150 * time.Millisecond): // longer than any lock_timeout of a batch
				}
				end := tx.Rollback
				if ends {
					end = tx.Commit
				}
				if err := end(t.Context()); err != nil {
					t.Error(err)
				}
				if got := <-answer; got != ends {
					t.Errorf("got %v, want %v", got, ends)
				}
				if !ends {
					wantVersion(t, store, order("1"), version)
				}
			})
		}
	}
}

// appendHeld stores an event behind a version of an instance in a transaction that it leaves open. Behind the version 0 it creates the
// instance.
func appendHeld(t *testing.T, pool *pgxpool.Pool, schema, id string, version int64, commit store.CommitID) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if version == 0 {
		if _, err := tx.Exec(t.Context(), "INSERT INTO "+schema+".instances VALUES ($1, 'order', $2)", id, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec(t.Context(), `
		INSERT INTO `+schema+`.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
		VALUES ($1, 'order', $2, 'Noted', 1, '{}', $3, $4)`, id, version+1, now, int64(commit)); err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestBatchesOfEverySize says that a batch is stored as it is after smaller and larger ones on the same connection, beyond what the
// connection keeps for them.
func TestBatchesOfEverySize(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(config *pgxpool.Config) { config.MaxConns = 1 })
	st := newStore(t, pool, newSchema())
	want := make(map[store.InstanceKey]string)
	for round, size := range []int{10, 2_000, 50, 300_000, 40_000, 400_000, 10} {
		var changes []store.Change
		for i := range 3 {
			c := everything(fmt.Sprintf("%d-%d", round, i))
			payload := fmt.Sprintf("%q", strings.Repeat(string(rune('a'+round*3+i)), size))
			c.Events[0].Payload = []byte(payload)
			want[c.Instance] = payload
			changes = append(changes, c)
		}
		add(t, st, changes...)
		if err := st.Notify(t.Context(), store.NewEvents); err != nil { // uses the connection in between
			t.Fatal(err)
		}
	}
	for instance, payload := range want {
		if got := read(t, st, instance); string(got.Events[0].Payload) != payload {
			t.Errorf("%s: another payload of %d bytes, want %d", instance, len(got.Events[0].Payload), len(payload))
		}
	}
}
