package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// oneByOne is a store whose limited claims and looks back do what a test says.
type oneByOne struct {
	Store
	limited  func(call func() (store.LimitedClaimed, error)) (store.LimitedClaimed, error)
	lookBack func(call func() (map[store.Kind]time.Time, error)) (map[store.Kind]time.Time, error)
}

func (s *oneByOne) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (store.LimitedClaimed, error) {
	call := func() (store.LimitedClaimed, error) { return s.Store.ClaimLimited(ctx, claim) }
	if s.limited == nil {
		return call()
	}
	return s.limited(call)
}

func (s *oneByOne) Effects() store.Queue { return oneByOneQueue{s.Store.Effects(), s} }

type oneByOneQueue struct {
	store.Queue
	store *oneByOne
}

func (q oneByOneQueue) LookBack(ctx context.Context, before map[store.Kind]time.Time) (map[store.Kind]time.Time, error) {
	call := func() (map[store.Kind]time.Time, error) { return q.Queue.LookBack(ctx, before) }
	if q.store.lookBack == nil {
		return call()
	}
	return q.store.lookBack(call)
}

// TestKindsDoNotWaitForEachOther has a kind whose claims take long, or fail. Others are delivered meanwhile, and what the late claim
// has got is delivered too.
func TestKindsDoNotWaitForEachOther(t *testing.T) {
	for name, failing := range map[string]bool{"slow": false, "failing": true} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				goOn := make(chan struct{})
				var claims atomic.Int32
				store := &oneByOne{Store: b.store, limited: func(call func() (store.LimitedClaimed, error)) (store.LimitedClaimed, error) {
					claims.Add(1)
					select {
					case <-goOn:
						return call()
					default:
					}
					if failing {
						return store.LimitedClaimed{}, errBroken
					}
					claimed, err := call()
					<-goOn
					return claimed, err
				}}
				var found, notified atomic.Int32
				config := b.realConfig()
				config.EffectHandlers = 4
				wf := tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "n"}, ticket.FindAgent{Subject: "s"})}, ticket.Handler{
					OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						found.Add(1)
						return ticket.Assigned{Agent: "a"}, nil
					},
					OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
						notified.Add(1)
						return nil
					},
				})
				engine := b.engineOn(store, config, withLimit(wf, func(o *workflow.EffectOptions) {
					o.Limit = &workflow.EffectLimit{Global: 100}
				}))
				b.run(engine)
				const n = 20
				began := time.Now()
				for i := range n {
					b.open(engine, fmt.Sprint(i))
				}
				b.eventually("the other kind is delivered", func() bool { return found.Load() == n })
				if took := time.Since(began); took > 10*time.Second {
					b.Errorf("the other kind took %v", took)
				}
				if notified.Load() != 0 {
					b.Error("the kind was delivered without a claim")
				}
				if failing {
					b.wantLog("claiming work failed", "ticket/Notify", errBroken.Error())
				} else if claims.Load() != 1 {
					b.Errorf("%d claims of the kind at the same time", claims.Load())
				}
				close(goOn)
				b.eventuallyTable("*", "effects", "")
				if notified.Load() != n {
					b.Errorf("%d were delivered, want %d", notified.Load(), n)
				}
			})
		})
	}
}

// TestOneHandlerKeepsTheOrder says that effects of an instance are carried out in the order in which they were decided, those of one
// decision and those of several.
func TestOneHandlerKeepsTheOrder(t *testing.T) {
	for name, limit := range map[string]*workflow.EffectLimit{
		"no limit": nil, "within the process": {Concurrency: 1}, "over all": {Global: 1},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				const decisions, each = 8, 5
				var mu sync.Mutex
				var got, want []string
				wf := tickets(ticket.Decider{
					OnOpen: opened(),
					OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
						var effects []ticket.NoteEffect
						for i := range each {
							effects = append(effects, ticket.Notify{Text: fmt.Sprint(in.Text, " ", i)})
						}
						return ticket.AcceptNote(ticket.Noted{Text: in.Text}).Effect(effects...)
					},
				}, ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, _ runtime.EffectCall) error {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, e.Text)
					return nil
				}})
				config := b.config(newClock()) // all are due at the same time
				if limit == nil {
					config.EffectHandlers = 1
				}
				engine := b.engine(config, withLimit(wf, func(o *workflow.EffectOptions) { o.Limit = limit }))
				client := ticket.NewClient(engine)
				b.open(engine, "a")
				for i := range decisions {
					out, err := client.Note(b.Context(), ticket.Note{ID: "a", Text: fmt.Sprint(i)})
					must(b, out, err)
					for n := range each {
						want = append(want, fmt.Sprint(i, " ", n))
					}
				}
				b.run(engine)
				b.eventuallyTable("*", "effects", "")
				if !slices.Equal(got, want) {
					b.Errorf("got %q", got)
				}
			})
		})
	}
}

// lateWork makes an effect due without a word to the engine, at a time that its claims have passed.
func (b *bed) lateWork(lease runtime.Lease, due time.Time) {
	b.Helper()
	lost, err := b.store.Effects().Settle(b.Context(), []store.Settlement{{Lease: lease, Verdict: store.Release, At: due}})
	if err != nil || len(lost) > 0 {
		b.Fatalf("settle: lost %v, error %v", lost, err)
	}
}

// TestLateWorkIsFound has effects that become due behind the claims of a running engine: as another process leaves them whose
// transaction took long, or whose clock is behind. They are found within the time that docs/operate/running.md promises.
func TestLateWorkIsFound(t *testing.T) {
	limits := map[string]*workflow.EffectLimit{"no limit": nil, "global": {Global: 5}, "per key": {Key: "text", PerKey: 5}, "rate": {Rate: 100, Burst: 100}}
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				handled := make(chan string, 100)
				workflow := func(handled chan string) *runtime.Workflow {
					return withLimit(notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
						handled <- call.Instance.ID
						return nil
					}), func(o *workflow.EffectOptions) { o.Limit = limit })
				}
				other := b.engine(b.realConfig(), workflow(nil))
				for i := range 3 {
					b.open(other, fmt.Sprint("late ", i))
				}
				now := time.Now()
				held, err := b.store.Effects().Claim(b.Context(), store.Claim{
					Kinds: []store.Kind{{Workflow: "ticket", Name: "Notify"}}, Now: now.Add(time.Minute), Until: now.Add(time.Hour), Limit: 10,
				})
				if err != nil || len(held) != 3 {
					b.Fatalf("claimed %+v, error %v", held, err)
				}
				engine := b.engine(b.realConfig(), workflow(handled))
				b.run(engine)
				for i, age := range []time.Duration{time.Second, 5 * time.Second, time.Hour} {
					b.open(engine, fmt.Sprint("before ", i)) // so that the claims have passed the time
					if id := wait(b, "work is done", handled); id != fmt.Sprint("before ", i) {
						b.Fatalf("%s was handled", id)
					}
					began := time.Now()
					b.lateWork(held[i].Lease, began.Add(-age))
					if id := wait(b, "late work is found", handled); id != held[i].Lease.Instance.ID {
						b.Fatalf("%s was handled", id)
					}
					if took := time.Since(began); took > 5*time.Second { // a second, on a machine that has little time
						b.Errorf("due since %v: found after %v", age, took)
					}
				}
			})
		})
	}
}

// TestResumedWorkIsFoundAtOnce resumes a workflow whose work became due while the engine looked elsewhere.
func TestResumedWorkIsFoundAtOnce(t *testing.T) {
	onStores(t, func(b *bed) {
		var looks atomic.Int32
		store := &oneByOne{Store: b.store, lookBack: func(call func() (map[store.Kind]time.Time, error)) (map[store.Kind]time.Time, error) {
			looks.Add(1)
			return call()
		}}
		handled := make(chan string, 10)
		engine := b.engineOn(store, b.realConfig(), notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			handled <- call.Instance.ID
			return nil
		}))
		b.run(engine)
		if err := engine.PauseWorkflow(b.Context(), runtime.Pause{Workflow: "ticket", By: "test", Reason: "test"}); err != nil {
			b.Fatal(err)
		}
		b.open(engine, "a")
		before := looks.Load()
		b.eventually("the claims have passed it", func() bool { return looks.Load() > before+1 })
		if err := engine.ResumeWorkflow(b.Context(), "ticket"); err != nil {
			b.Fatal(err)
		}
		wait(b, "the work is done", handled)
	})
}
