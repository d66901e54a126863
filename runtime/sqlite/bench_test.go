package sqlite

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
)

// BenchmarkCommit measures decisions of one event and one effect, committed in sets of one and of many instances.
func BenchmarkCommit(b *testing.B) {
	for _, set := range []int{1, 64} {
		b.Run(fmt.Sprintf("memory/set=%d", set), func(b *testing.B) {
			s, err := OpenMemory(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			benchmarkCommit(b, s, set)
		})
		b.Run(fmt.Sprintf("file/set=%d", set), func(b *testing.B) {
			s, err := Open(b.Context(), filepath.Join(b.TempDir(), "store.db"))
			if err != nil {
				b.Fatal(err)
			}
			benchmarkCommit(b, s, set)
		})
	}
}

func benchmarkCommit(b *testing.B, s *Store, set int) {
	defer s.Close()
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var keys []runtime.InstanceKey
			var changes []runtime.Change
			for range set {
				k := key(fmt.Sprint(next.Add(1)))
				keys = append(keys, k)
				changes = append(changes, runtime.Change{
					Instance: k, Now: now, Events: event(`{"sku":"A-1","quantity":3}`),
					Effects: []runtime.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}},
				})
			}
			u, err := s.Begin(b.Context(), keys)
			if err == nil {
				err = u.Commit(b.Context(), changes)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(next.Load())/b.Elapsed().Seconds(), "decisions/s")
}
