package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Commits to an instance are serial, because events of one version wait for each other, and because the event before them is looked at
// once nobody can add to it any more. These tests let two connections meet at the worst moment.

// appends are the two ways to append a change: by one statement, and in a batch.
var appends = map[string]func(store.Change) []store.Change{
	"alone":      func(c store.Change) []store.Change { return []store.Change{c} },
	"in a batch": func(c store.Change) []store.Change { return []store.Change{everything("beside " + c.Instance.ID), c} },
}

// after is a change to an instance as it was read.
func after(i store.Instance) store.Change {
	c := change(i.Key, i.Version)
	c.LastCommit = i.LastCommit
	return c
}

// blocked waits until a statement on the schema waits for another transaction, or until done is closed.
func blocked(t *testing.T, pool *pgxpool.Pool, schema string, done <-chan struct{}) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		var waiting int
		if err := pool.QueryRow(t.Context(), `
			SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND strpos(query, $1) > 0 AND pid <> pg_backend_pid()`, schema).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting > 0 {
			return
		}
		select {
		case <-done:
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waits")
		}
	}
}

// wantNoTrace says that no event is of an instance that is not there, and none of the commit 0.
func wantNoTrace(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	var strays int
	if err := pool.QueryRow(t.Context(), `
		SELECT count(*) FROM `+schema+`.events e
		WHERE commit_id = 0 OR global_sequence = 0
		   OR NOT EXISTS (SELECT FROM `+schema+`.instances i WHERE i.instance = e.instance AND i.workflow = e.workflow)`).Scan(&strays); err != nil {
		t.Fatal(err)
	}
	if strays > 0 {
		t.Errorf("%d events are of no instance, or of no commit", strays)
	}
}

// TestAppendWhileTheInstanceIsDeleted lets a change wait for the deletion of the instance, which has completed since it was read. Once
// the deletion has committed, the version of the change is free. A race is what the test is about, so it goes on until the change has lost
// it in that way and not by the bound on its wait.
func TestAppendWhileTheInstanceIsDeleted(t *testing.T) {
	t.Parallel()
	for name, with := range appends {
		for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
			t.Run(name+", "+isolation, func(t *testing.T) {
				t.Parallel()
				pool, schema := newPool(t), newSchema()
				newStore(t, pool, schema)
				st := reopened(t, newPool(t, isolating(isolation)), schema)
				for n := range 50 {
					key := order(fmt.Sprint(n))
					add(t, st, change(key, 0))
					before := read(t, st, key)
					last := after(before)
					last.Complete = true
					add(t, st, last)

					tx, err := pool.Begin(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer tx.Rollback(context.Background())
					for _, table := range []string{"events", "instances"} {
						if _, err := tx.Exec(t.Context(), "DELETE FROM "+schema+"."+table+" WHERE instance = $1", key.ID); err != nil {
							t.Fatal(err)
						}
					}
					done := make(chan struct{})
					go func() {
						defer close(done)
						err = st.Append(t.Context(), store.Batch{Commit: newID(), Changes: with(after(before))})
					}()
					blocked(t, pool, schema, done)
					if err := tx.Commit(t.Context()); err != nil {
						t.Fatal(err)
					}
					<-done
					if !errors.Is(err, store.ErrConflict) {
						t.Errorf("got error %v", err)
					}
					wantNoTrace(t, pool, schema)
					if t.Failed() || !errors.Is(err, store.ErrLocked) {
						return
					}
				}
				t.Error("it never waited to the end")
			})
		}
	}
}

// isolating sets the isolation level that a transaction has when it asks for none.
func isolating(level string) func(*pgxpool.Config) {
	return func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["default_transaction_isolation"] = level }
}

// TestIsolationLevels says that a database or role with another default isolation level makes no difference.
func TestIsolationLevels(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, isolating(level))
			st := newStore(t, pool, newSchema())
			for range 2 { // the second time, the store knows
				key := order(fmt.Sprint(newID()))
				add(t, st, change(key, 0))
				old := read(t, st, key)
				add(t, st, after(old))
				err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{after(old)}})
				if !errors.Is(err, store.ErrConflict) {
					t.Errorf("got error %v", err)
				}
				commit(t, st, after(read(t, st, key)))
				wantVersion(t, st, key, 3)
			}
			wantIdle(t, pool)
		})
	}
}

// TestAppendWhileAnotherAppends lets a change wait for another one of its version.
func TestAppendWhileAnotherAppends(t *testing.T) {
	t.Parallel()
	for name, with := range appends {
		for _, commits := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the other commits: %v", name, commits), func(t *testing.T) {
				t.Parallel()
				pool, schema := newPool(t), newSchema()
				st := newStore(t, pool, schema)
				for n := range 50 {
					key := order(fmt.Sprint(n))
					add(t, st, change(key, 0))
					before := read(t, st, key)
					tx := appendHeld(t, pool, schema, key.ID, 1, newID())
					defer tx.Rollback(context.Background())
					done := make(chan struct{})
					var err error
					go func() {
						defer close(done)
						err = st.Append(t.Context(), store.Batch{Commit: newID(), Changes: with(after(before))})
					}()
					blocked(t, pool, schema, done)
					end := tx.Rollback
					if commits {
						end = tx.Commit
					}
					if err := end(t.Context()); err != nil {
						t.Fatal(err)
					}
					<-done
					if errors.Is(err, store.ErrLocked) {
						continue // it gave up before
					}
					if errors.Is(err, store.ErrConflict) != commits || err != nil && !commits {
						t.Errorf("got error %v", err)
					}
					wantVersion(t, st, key, 2)
					wantNoTrace(t, pool, schema)
					return
				}
				t.Error("it never waited to the end")
			})
		}
	}
}

// TestBeginWaitsForAnAppend says that a unit of work begins at the version that a commit under way leads to, and that nobody adds to
// the instance from then on.
func TestBeginWaitsForAnAppend(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		t.Run(fmt.Sprintf("it commits: %v", commits), func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			st := newStore(t, pool, schema)
			add(t, st, change(order("1"), 0))
			tx := appendHeld(t, pool, schema, "1", 1, newID())
			defer tx.Rollback(context.Background())
			done := make(chan struct{})
			var work store.UnitOfWork
			var err error
			go func() {
				defer close(done)
				work, err = st.Begin(t.Context(), requests(order("1")))
			}()
			blocked(t, pool, schema, done)
			end, version := tx.Rollback, int64(1)
			if commits {
				end, version = tx.Commit, 2
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-done
			if err != nil {
				t.Fatal(err) // the machine was busy for a second
			}
			got := work.Instances()[0]
			if got.Version != version || int64(len(got.Events)) != version {
				t.Errorf("it begins at %+v, want version %d", got, version)
			}
			if err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{after(got)}}); !errors.Is(err, store.ErrConflict) {
				t.Errorf("an append beside it: error %v", err)
			}
			if err := work.Commit(t.Context(), newID(), []store.Change{after(got)}); err != nil {
				t.Error(err)
			}
			wantVersion(t, st, order("1"), version+1)
			wantNoTrace(t, pool, schema)
		})
	}
}

// TestWithinKeepsOthersOut says the same of a unit of work in a transaction of the caller's, until that transaction ends.
func TestWithinKeepsOthersOut(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		t.Run(fmt.Sprintf("the caller commits: %v", commits), func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			st := newStore(t, pool, schema)
			add(t, st, change(order("1"), 0), change(order("looked at"), 0), change(order("member"), 0))
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background())
			within := st.Tx(tx)
			// One that is looked at only, one that is committed with a member that stays as it is, and a second one on the first's instance.
			looked, err := within.Begin(t.Context(), requests(order("looked at")))
			if err == nil {
				err = looked.Commit(t.Context(), newID(), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			for version := range int64(2) {
				work, err := within.Begin(t.Context(), requests(order("1"), order("member"), order("missing")))
				if err != nil {
					t.Fatal(err)
				}
				got := work.Instances()[0]
				if got.Version != version+1 || int64(len(got.Events)) != version+1 {
					t.Errorf("got %+v", got)
				}
				if err := work.Commit(t.Context(), newID(), []store.Change{after(got)}); err != nil {
					t.Fatal(err)
				}
			}
			for _, version := range []int64{1, 2, 3} {
				c := change(order("1"), version)
				if err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: []store.Change{c}}); !errors.Is(err, store.ErrConflict) {
					t.Errorf("an append at version %d: error %v", version, err)
				}
			}
			add(t, st, change(order("looked at"), 1))
			end, reached := tx.Rollback, int64(1)
			if commits {
				end, reached = tx.Commit, 3
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantNoTrace(t, pool, schema)
			wantVersion(t, st, order("1"), reached)
			add(t, st, change(order("1"), reached), change(order("member"), 1), change(order("missing"), 0))
			var numbers []int64
			for _, e := range feedOf(t, st, int(reached)+6) {
				numbers = append(numbers, e.GlobalSequence)
			}
			if !slices.IsSorted(numbers) || numbers[0] < 1 {
				t.Errorf("the feed has the numbers %v", numbers)
			}
		})
	}
}

// TestIDBeforeNumber says that a transaction has its id before it takes a number from the sequence of events. The feed rests on it.
func TestIDBeforeNumber(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	add(t, st, change(order("1"), 0), change(order("2"), 0))
	if _, err := pool.Exec(t.Context(), fmt.Sprintf(`
		CREATE FUNCTION %[1]s.number() RETURNS bigint LANGUAGE plpgsql AS $$
		BEGIN
			IF pg_current_xact_id_if_assigned() IS NULL THEN
				RAISE EXCEPTION 'the transaction has no id';
			END IF;
			RETURN nextval('%[1]s.events_global_sequence');
		END $$;
		ALTER TABLE %[1]s.events ALTER global_sequence SET DEFAULT %[1]s.number()`, schema)); err != nil {
		t.Fatal(err)
	}
	add(t, st, change(order("1"), 1))
	add(t, st, change(order("1"), 2), change(order("2"), 1))
	add(t, st, change(order("new"), 0))
	commit(t, st, change(order("1"), 3), change(order("2"), 2), change(order("other"), 0))
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		work, err := st.Tx(tx).Begin(t.Context(), requests(order("1")))
		if err != nil {
			return err
		}
		return work.Commit(t.Context(), newID(), []store.Change{change(order("1"), 4)})
	})
	if err != nil {
		t.Error(err)
	}
	wantVersion(t, st, order("1"), 5)
}

// TestCompletionNeedsTheRow says that an instance whose row somebody has deleted by hand does not complete.
func TestCompletionNeedsTheRow(t *testing.T) {
	t.Parallel()
	for name, with := range appends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			st := newStore(t, pool, schema)
			add(t, st, change(order("1"), 0))
			if _, err := pool.Exec(t.Context(), "DELETE FROM "+schema+".instances"); err != nil {
				t.Fatal(err)
			}
			last := change(order("1"), 1)
			last.Complete = true
			if err := st.Append(t.Context(), store.Batch{Commit: newID(), Changes: with(last)}); !errors.Is(err, store.ErrConflict) {
				t.Errorf("got error %v", err)
			}
		})
	}
}
