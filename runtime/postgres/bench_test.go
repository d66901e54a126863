package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// durableStore is a store on a server of its own that keeps what it acknowledges, as a real one does.
func durableStore(b *testing.B) (*postgres.Store, *pgxpool.Pool) {
	b.Helper()
	server := pgserver.Own(b, pgserver.Options{Durable: true})
	pool, err := pgxpool.New(b.Context(), server.URL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return newStore(b, pool, "ironflow"), pool
}

const benchInstances = 10_000

func benchInstance(i int) store.InstanceKey { return order(fmt.Sprintf("customer-%06d", i)) }

// benchChange is what a usual decision stores: an event and an effect, and every fifth a timer.
func benchChange(i int, version int64) store.Change {
	c := change(benchInstance(i), version)
	c.Now = time.Now() // as time goes on, so do the places in the indexes
	c.Events[0].Payload = []byte(`{"items":[{"sku":"A-1","quantity":2,"price_cents":1999}],"total_cents":3998}`)
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{"amount_cents":3998}`)}}
	if i%5 == 0 {
		c.Timers = []store.NewTimer{{
			Key: "payment_timeout", Input: "PaymentTimeout", Payload: []byte(`{"type":"PaymentTimeout"}`), FireAt: c.Now.Add(time.Hour),
		}}
	}
	return c
}

func fill(b *testing.B, st *postgres.Store) {
	b.Helper()
	for from := 0; from < benchInstances; from += 500 {
		var changes []store.Change
		for i := from; i < from+500; i++ {
			changes = append(changes, benchChange(i, 0))
		}
		add(b, st, changes...)
	}
}

// BenchmarkAppend measures the write path: batches of some sizes by some callers, each with instances of its own. An
// operation is one decision.
func BenchmarkAppend(b *testing.B) {
	st, _ := durableStore(b)
	fill(b, st)
	versions := slices.Repeat([]int64{1}, benchInstances)
	for _, size := range []int{1, 16, 128} {
		for _, callers := range []int{1, 2} {
			b.Run(fmt.Sprintf("size=%d/callers=%d", size, callers), func(b *testing.B) {
				b.ReportAllocs()
				var done atomic.Int64
				var mu sync.Mutex
				var latencies []time.Duration
				var group sync.WaitGroup
				for caller := range callers {
					group.Go(func() {
						var mine []time.Duration
						for next := caller; done.Add(int64(size)) < int64(b.N+size); {
							changes := make([]store.Change, size)
							for i := range changes {
								changes[i] = benchChange(next, versions[next])
								versions[next]++
								// 13 visits the instances in no order, and keeps to the caller's own.
								next = (next + 13*callers) % benchInstances
							}
							start := time.Now()
							if err := st.Append(b.Context(), store.Batch{Commit: newID(), Changes: changes}); err != nil {
								b.Error(err)
								return
							}
							mine = append(mine, time.Since(start))
						}
						mu.Lock()
						defer mu.Unlock()
						latencies = append(latencies, mine...)
					})
				}
				group.Wait()
				report(b, latencies)
			})
		}
	}
}

// report adds the rate, and the median time of a call.
func report(b *testing.B, latencies []time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	if len(latencies) > 0 {
		slices.Sort(latencies)
		b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds())/1000, "p50-ms")
	}
}

// BenchmarkUnitOfWork measures the other way: lock, load and commit one instance.
func BenchmarkUnitOfWork(b *testing.B) {
	st, _ := durableStore(b)
	fill(b, st)
	var latencies []time.Duration
	next := 0
	for b.Loop() {
		start := time.Now()
		key := benchInstance(next)
		work, err := st.Begin(b.Context(), []store.ReadRequest{{Instance: key}})
		if err != nil {
			b.Fatal(err)
		}
		c := benchChange(next, work.Instances()[0].Version)
		if err := work.Commit(b.Context(), newID(), []store.Change{c}); err != nil {
			b.Fatal(err)
		}
		latencies = append(latencies, time.Since(start))
		next = (next + 13) % benchInstances
	}
	report(b, latencies)
}

// BenchmarkRead measures 128 instances at once: with their whole history of two events, and with nothing new.
func BenchmarkRead(b *testing.B) {
	st, _ := durableStore(b)
	fill(b, st)
	for name, after := range map[string]int64{"cold": 0, "warm": 1} {
		b.Run(name, func(b *testing.B) {
			var requests []store.ReadRequest
			for i := range 128 {
				requests = append(requests, store.ReadRequest{Instance: benchInstance(i * 7), After: after, Schema: "a"})
			}
			for b.Loop() {
				if _, err := st.Read(b.Context(), requests); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHistory reads one instance with long histories: all of it, and the tail of 10 after a snapshot.
func BenchmarkHistory(b *testing.B) {
	st, _ := durableStore(b)
	for _, length := range []int64{10, 1_000, 10_000} {
		key := order(fmt.Sprint(length))
		c := change(key, 0)
		c.Events = slices.Repeat(c.Events, int(length))
		add(b, st, c)
		snapshot := store.Snapshot{Instance: key, Version: max(length-10, 1), Commit: read(b, st, key).LastCommit, Schema: "a", State: []byte(`{}`)}
		if err := st.SaveSnapshots(b.Context(), []store.Snapshot{snapshot}); err != nil {
			b.Fatal(err)
		}
		for _, schema := range []string{"", "a"} {
			b.Run(fmt.Sprintf("events=%d/snapshot=%v", length, schema != ""), func(b *testing.B) {
				for b.Loop() {
					instances, err := st.Read(b.Context(), []store.ReadRequest{{Instance: key, Schema: schema}})
					if err != nil || instances[0].Version != length {
						b.Fatal(instances, err)
					}
				}
			})
		}
	}
}

// BenchmarkClaimSettle measures the outbox: claim and settle in batches. An operation is one effect.
func BenchmarkClaimSettle(b *testing.B) {
	st, _ := durableStore(b)
	kinds := []store.Kind{{Workflow: "order", Name: "Send"}, {Workflow: "order", Name: "Other"}}
	version := int64(0)
	for _, size := range []int{1, 16, 128} {
		for _, callers := range []int{1, 2} {
			b.Run(fmt.Sprintf("size=%d/callers=%d", size, callers), func(b *testing.B) {
				for made := 0; made < b.N+2*size*callers; made += 1000 {
					c := benchChange(1, version)
					c.Effects = slices.Repeat([]store.NewEffect{{Kind: "Send", Payload: []byte(`{"amount_cents":3998}`)}}, 1000)
					add(b, st, c)
					version++
				}
				b.ResetTimer()
				var done atomic.Int64
				var group sync.WaitGroup
				for range callers {
					group.Go(func() {
						for done.Load() < int64(b.N) {
							n, err := claimAndSettle(b.Context(), st, kinds, size)
							if err != nil {
								b.Error(err)
								return
							}
							done.Add(int64(n))
						}
					})
				}
				group.Wait()
				b.ReportMetric(float64(done.Load())/b.Elapsed().Seconds(), "effects/s")
			})
		}
	}
}

func claimAndSettle(ctx context.Context, st *postgres.Store, kinds []store.Kind, limit int) (int, error) {
	claimed, err := st.Effects().Claim(ctx, store.Claim{
		Kinds: kinds, Now: time.Now(), Until: time.Now().Add(time.Hour), Limit: limit,
	})
	if err != nil {
		return 0, err
	}
	settlements := make([]store.Settlement, len(claimed))
	for i, delivery := range claimed {
		settlements[i] = store.Settlement{Lease: delivery.Lease, Verdict: store.Done}
	}
	lost, err := st.Effects().Settle(ctx, settlements)
	if err == nil && len(lost) > 0 {
		err = fmt.Errorf("lost %d leases", len(lost))
	}
	return len(claimed), err
}
