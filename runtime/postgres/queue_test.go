package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestDeadlockStorm lets workers settle, extend and consume the same deliveries in every order at once, most of them under
// leases that are out of date. None may see a deadlock, and each delivery must end exactly once.
func TestDeadlockStorm(t *testing.T) {
	t.Parallel()
	for _, name := range []store.QueueName{store.EffectQueue, store.TimerQueue} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			st := newStore(t, newPool(t), newSchema())
			queue, kind := st.Effects(), "Send"
			if name == store.TimerQueue {
				queue, kind = st.Timers(), "Remind"
			}
			const deliveries = 60
			changes := make([]store.Change, deliveries)
			for i := range changes {
				changes[i] = everything(fmt.Sprintf("%03d", i))
			}
			commit(t, st, changes...)

			var ended sync.Map // instance → how often
			var total int
			var count sync.Mutex
			end := func(lease store.Lease) {
				count.Lock()
				defer count.Unlock()
				if _, twice := ended.LoadOrStore(lease.Instance, true); twice {
					t.Errorf("the delivery of %s ended twice", lease.Instance)
				}
				total++
			}
			var group sync.WaitGroup
			for worker := range 8 {
				group.Go(func() {
					random := rand.New(rand.NewPCG(1, uint64(worker)))
					var leases []store.Lease // stale ones stay in it
					for round := range 40 {
						// Leases end at once, so the next claim takes them over.
						claimed, err := queue.Claim(t.Context(), store.Claim{
							Kinds: []store.Kind{{Workflow: "order", Name: kind}}, Now: now, Until: now, Limit: 20,
						})
						if err != nil {
							t.Error(err)
							return
						}
						for _, delivery := range claimed {
							leases = append(leases, delivery.Lease)
						}
						random.Shuffle(len(leases), func(i, j int) { leases[i], leases[j] = leases[j], leases[i] })
						some := leases[:min(len(leases), 30)]
						if _, err := queue.Extend(t.Context(), some, now); err != nil {
							t.Error(err)
						}
						settlements := make([]store.Settlement, len(some))
						for i, lease := range some {
							settlements[i] = store.Settlement{Lease: lease, Verdict: store.RetryLater, At: now, Error: "again"}
							if round > 20 && i%3 == 0 {
								settlements[i].Verdict = store.Done
							}
						}
						lost, err := queue.Settle(t.Context(), settlements)
						if err != nil {
							t.Error(err)
						}
						wasLost := map[store.Lease]bool{}
						for _, lease := range lost {
							wasLost[lease] = true
						}
						seen := map[store.Lease]bool{}
						for _, settlement := range settlements {
							if settlement.Verdict == store.Done && !wasLost[settlement.Lease] && !seen[settlement.Lease] {
								end(settlement.Lease)
							}
							seen[settlement.Lease] = true
						}
					}
				})
			}
			group.Wait()
			left, err := queue.Claim(t.Context(), store.Claim{
				Kinds: []store.Kind{{Workflow: "order", Name: kind}}, Now: now, Until: now.Add(time.Hour), Limit: 1000,
			})
			if err != nil || total+len(left) != deliveries {
				t.Errorf("%d ended and %d left, want %d together; error %v", total, len(left), deliveries, err)
			}
		})
	}
}

// TestOverlappingUnitsOfWork lets units of work over many instances, given in random order, collide in every way: on
// instances that exist and on new ones, on unique keys and on completion. Conflicts are expected, deadlocks are not.
func TestOverlappingUnitsOfWork(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	st := newStore(t, pool, newSchema())
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(worker)))
			for round := range 40 {
				var keys []store.InstanceKey
				for _, i := range random.Perm(12)[:6] {
					keys = append(keys, order(fmt.Sprintf("%d-%d", round/4, i)))
				}
				work, err := st.Begin(t.Context(), requests(keys...))
				if errors.Is(err, store.ErrConflict) {
					continue // waited for too long
				}
				if err != nil {
					t.Error(err)
					return
				}
				var changes []store.Change
				for _, instance := range work.Instances() {
					if instance.Completed {
						continue
					}
					c := everything(instance.Key.ID)
					c.Version = instance.Version
					c.UniqueKey = fmt.Sprintf("%d", random.IntN(100))
					if random.IntN(4) == 0 {
						c.Complete, c.Timers = true, nil
					}
					changes = append(changes, c)
				}
				if err := work.Commit(t.Context(), newID(), changes); err != nil && strings.Contains(err.Error(), "deadlock") {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	wantIdle(t, pool)
}

func TestNoKindStarves(t *testing.T) {
	t.Parallel()
	st := newStore(t, newPool(t), newSchema())
	c := change(order("1"), 0)
	for range 200 {
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Many", Payload: []byte(`{}`)})
	}
	c.Effects = append(c.Effects, store.NewEffect{Kind: "Few", Payload: []byte(`{}`)})
	commit(t, st, c)
	for round := range 100 {
		claimed, err := st.Effects().Claim(t.Context(), store.Claim{
			Kinds: []store.Kind{{Workflow: "order", Name: "Many"}, {Workflow: "order", Name: "Few"}},
			Now:   now, Until: now.Add(time.Hour), Limit: 2,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, delivery := range claimed {
			if delivery.Kind.Name == "Few" {
				t.Logf("served in round %d", round+1)
				return
			}
		}
	}
	t.Error("a kind with a backlog starves the other")
}

func TestKindGivenTwice(t *testing.T) {
	t.Parallel()
	st := newStore(t, newPool(t), newSchema())
	commit(t, st, everything("1"))
	kind := store.Kind{Workflow: "order", Name: "Send"}
	claimed, err := st.Effects().Claim(t.Context(), store.Claim{
		Kinds: []store.Kind{kind, kind}, Now: now, Until: now.Add(time.Hour), Limit: 10,
	})
	if err != nil || len(claimed) != 1 {
		t.Errorf("got %d deliveries, error %v", len(claimed), err)
	}
}

// TestIdlePollOfALimitWritesNothing says that a worker which asks for a limited kind again and again costs the server no
// transaction id while there is nothing to do.
func TestIdlePollOfALimitWritesNothing(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	schema := newSchema()
	st := newStore(t, pool, schema)
	claim := store.LimitedClaim{
		Kind: store.Kind{Workflow: "order", Name: "Send"}, Now: now, Until: now.Add(time.Minute), Limit: 9, Rate: 1, Burst: 1, PerKey: 1,
	}
	if _, err := st.ClaimLimited(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+schema+".limits").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 0 {
		t.Errorf("an idle poll wrote %d rows", rows)
	}
}
