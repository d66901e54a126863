package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// BenchmarkAppend measures decisions of one event and one effect on instances that exist, stored in batches, with an fsync
// for each batch.
func BenchmarkAppend(b *testing.B) { benchmarkSets(b, (*Store).Append) }

// BenchmarkUnitOfWork measures the same through Begin and Commit.
func BenchmarkUnitOfWork(b *testing.B) {
	benchmarkSets(b, func(s *Store, ctx context.Context, batch store.Batch) error {
		var requests []store.ReadRequest
		for _, c := range batch.Changes {
			requests = append(requests, store.ReadRequest{Instance: c.Instance, After: c.Version})
		}
		u, err := s.Begin(ctx, requests)
		if err != nil {
			return err
		}
		return u.Commit(ctx, batch.Commit, batch.Changes)
	})
}

// BenchmarkRead measures reading instances of ten events, none of which the caller knows.
func BenchmarkRead(b *testing.B) {
	s := benchmarkStore(b)
	var batch store.Batch
	for i := range benchmarkInstances {
		c := benchmarkChange(key(fmt.Sprint(i)), 0)
		for range 9 {
			c.Events = append(c.Events, c.Events[0])
		}
		batch.Changes = append(batch.Changes, c)
	}
	if err := s.Append(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	for _, set := range []int{1, 64} {
		b.Run(fmt.Sprintf("set=%d", set), func(b *testing.B) {
			requests := make([]store.ReadRequest, set)
			for b.Loop() {
				for i := range requests {
					requests[i].Instance = key(fmt.Sprint(rand.N(benchmarkInstances)))
				}
				if _, err := s.Read(b.Context(), requests); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(set*b.N)/b.Elapsed().Seconds(), "instances/s")
		})
	}
}

const benchmarkInstances = 10_000

func benchmarkStore(b *testing.B) *Store {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func benchmarkChange(instance store.InstanceKey, version int64) store.Change {
	return store.Change{
		Instance: instance, Version: version, Now: time.Now(), Events: event(`{"sku":"A-1","quantity":3}`),
		Effects: []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}},
	}
}

func benchmarkSets(b *testing.B, st func(*Store, context.Context, store.Batch) error) {
	for _, callers := range []int{1, 64} {
		for _, set := range []int{1, 64, 128} {
			b.Run(fmt.Sprintf("callers=%d/set=%d", callers, set), func(b *testing.B) {
				s := benchmarkStore(b)
				var group sync.WaitGroup
				var started atomic.Int64
				b.ResetTimer()
				for caller := range callers {
					group.Go(func() {
						// Instances of its own, in an order that is not that of the tables.
						order := rand.Perm(benchmarkInstances / callers)
						versions := make([]int64, len(order))
						for next := 0; started.Add(1) <= int64(b.N); {
							batch := store.Batch{Commit: 1}
							for range set {
								i := order[next%len(order)]
								batch.Changes = append(batch.Changes, benchmarkChange(key(fmt.Sprint(i*callers+caller)), versions[i]))
								versions[i]++
								next++
							}
							if err := st(s, b.Context(), batch); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
				b.ReportMetric(float64(set*b.N)/b.Elapsed().Seconds(), "decisions/s")
			})
		}
	}
}
