package cells_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/bench/cells/node"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// scheduling is a store with what package node needs.
type scheduling interface {
	Store
	store.Schedules
	store.InputLog
}

// fallible is a store whose server can be down.
type fallible struct {
	scheduling
	down    atomic.Bool
	refused atomic.Int64 // commits and reads, while it was down
}

var errDown = &runtime.Unavailable{Reason: "no connection to the database", Err: errors.New("the test has cut it")}

func (f *fallible) fault() error {
	if !f.down.Load() {
		return nil
	}
	f.refused.Add(1)
	return errDown
}

func (f *fallible) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.scheduling.Read(ctx, requests)
}

func (f *fallible) Append(ctx context.Context, batch store.Batch) error {
	if err := f.fault(); err != nil {
		return err
	}
	return f.scheduling.Append(ctx, batch)
}

func (f *fallible) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.scheduling.Begin(ctx, requests)
}

func (f *fallible) Effects() store.Queue { return fallibleQueue{f.scheduling.Effects(), f} }
func (f *fallible) Timers() store.Queue  { return fallibleQueue{f.scheduling.Timers(), f} }

type fallibleQueue struct {
	store.Queue
	of *fallible
}

func (q fallibleQueue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	if q.of.down.Load() {
		return nil, errDown
	}
	return q.Queue.Claim(ctx, claim)
}

func (q fallibleQueue) Settle(ctx context.Context, settlements []store.Settlement) ([]store.Lease, error) {
	if q.of.down.Load() {
		return nil, errDown
	}
	return q.Queue.Settle(ctx, settlements)
}

// What one cell sends another that is down arrives when it is up again: inputs, starts and ends of children, and firings of schedules. Each is
// decided once, although all cells have the schedule.
func TestCellThatIsDown(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		down := &fallible{scheduling: openStore().(scheduling)}
		s := stores{"a": openStore(), "b": down, "c": openStore()}
		config := s.config(generation(1, "a", "b", "c"))
		retry := runtime.RetryPolicy{MaxAttempts: 10_000, Base: 5 * time.Millisecond, Max: 50 * time.Millisecond}
		config.Engine.EffectRetry, config.Engine.TimerRetry = retry, retry
		r, err := cells.New(t.Context(), config, node.NewWorkflow(node.Decider{}, node.Evolver{}, node.Handler{}))
		if err != nil {
			t.Fatal(err)
		}
		run(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		client := node.NewClient(r)
		accept := func(accepted bool, err error) {
			t.Helper()
			if err != nil || !accepted {
				t.Fatal(accepted, err)
			}
		}
		const nodes = 9
		id := func(i int) string { return fmt.Sprint("n", i%nodes) }
		key := func(id string) store.InstanceKey { return store.InstanceKey{Workflow: node.WorkflowName, ID: id} }
		var inB []string
		for i := range nodes {
			out, err := client.Open(ctx, node.Open{NodeID: id(i), Key: id(i), Tag: id(i), Milliseconds: time.Hour.Milliseconds()})
			accept(out.Accepted(), err)
			if slices.Contains(s.of(t, key(id(i))), "b") {
				inB = append(inB, id(i))
			}
		}
		if len(inB) == 0 || len(inB) == nodes {
			t.Fatalf("all nodes or none are in b: %q", inB)
		}
		push := func(from int, tag, kind string) {
			t.Helper()
			out, err := client.Push(ctx, node.Push{NodeID: id(from), Tag: tag, Kind: kind, Other: id(from + 1)})
			accept(out.Accepted(), err)
		}
		pushed := 0
		pushAll := func(round string) { // by the nodes that can decide
			t.Helper()
			for i := range nodes {
				if !down.down.Load() || !slices.Contains(inB, id(i)) {
					push(i, fmt.Sprint(round, i, "v"), node.VisitWork)
					push(i, fmt.Sprint(round, i, "c"), node.ChildWork)
					pushed += 2
				}
			}
		}
		pushAll("before") // some of it ends while b is down
		down.down.Store(true)
		pushAll("while")
		struck := func(names ...string) (firings []string) {
			t.Helper()
			for _, name := range names {
				list, err := s[name].ListInstances(ctx, store.InstanceList{Limit: 1000})
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range list {
					if strings.HasPrefix(i.Key.ID, "clock-") {
						firings = append(firings, i.Key.ID)
					}
				}
			}
			slices.Sort(firings)
			return firings
		}
		wait := func(what string, until func() bool) {
			t.Helper()
			for !until() {
				select {
				case <-ctx.Done():
					t.Fatal("no end of waiting for " + what)
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
		wait("deliveries that b refuses", func() bool { return down.refused.Load() >= 20 })
		down.down.Store(false)
		pushAll("after")

		count := make(map[string]int) // of events by type and tag
		wait("the work", func() bool {
			clear(count)
			done := 0
			for i := range nodes {
				history, err := client.History(ctx, id(i))
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range history {
					switch e := e.Event.(type) {
					case node.Accepted:
						count["accepted "+e.Tag]++
						done++
					case node.Visited:
						count["visited "+e.Tag]++
					case node.ChildDone:
						count["child "+e.Tag+e.Error]++
						done++
					}
				}
			}
			return done >= pushed
		})
		for what, n := range count {
			if n != 1 {
				t.Errorf("%s: %d times", what, n)
			}
		}
		if len(count) != pushed/2*3 {
			t.Errorf("there are %d kinds of events for %d pieces of work: %v", len(count), pushed, count)
		}
		var firings []string
		wait("firings in b and without a gap", func() bool {
			firings = struck("a", "b", "c")
			return len(struck("b")) > 0 && consecutive(t, firings)
		})
		for _, id := range firings {
			history, err := client.History(ctx, id)
			if at := s.of(t, key(id)); err != nil || len(history) != 2 || len(at) != 1 {
				t.Errorf("%s is in %q and has %d events, want 2: %v", id, at, len(history), err)
			}
		}
	})
}

// consecutive reports whether sorted firings are a second apart.
func consecutive(t *testing.T, firings []string) bool {
	var last time.Time
	for _, id := range firings {
		at, err := time.Parse("clock-20060102T150405Z", id)
		if err != nil {
			t.Fatal(err)
		}
		if !last.IsZero() && at.Sub(last) != time.Second {
			return false
		}
		last = at
	}
	return true
}
