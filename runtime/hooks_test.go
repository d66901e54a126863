package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
)

// A hook, or a decider, that ends its goroutine in the middle of a batch costs the input that it was asked about and no other: not
// those that are stored with it, nor those that are refused, whose records come after the commit.
func TestGoexitInTheMiddleOfABatch(t *testing.T) {
	exit := func(what string) {
		if strings.Contains(what, "bad") {
			goruntime.Goexit()
		}
	}
	for where, hooks := range map[string]struct {
		config func(*runtime.Config)
		decide func(ledger.Add)
	}{
		"observe": {config: func(c *runtime.Config) {
			c.Observe = func(instance runtime.InstanceKey, _ string) bool { exit(instance.ID); return true }
		}},
		"redact": {config: func(c *runtime.Config) {
			c.Observe = func(runtime.InstanceKey, string) bool { return true }
			c.Redact = func(_ runtime.PayloadName, payload []byte) []byte { exit(string(payload)); return payload }
		}},
		"decide": {decide: func(in ledger.Add) { exit(in.Account) }},
	} {
		t.Run(where, func(t *testing.T) {
			onStores(t, func(b *bed) {
				d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
					if hooks.decide != nil {
						hooks.decide(in)
					}
					if in.Amount < 0 {
						return ledger.RejectAdd(ledger.Negative{Amount: in.Amount})
					}
					return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
				}}
				var changes []func(*runtime.Config)
				if hooks.config != nil {
					changes = append(changes, hooks.config)
				}
				g := newGatedBatch(b, d, through, changes...)
				inputs := adds("a", "b", "bad", "c", "refused", "bad and refused", "d", "d")
				for i := range inputs {
					if strings.HasSuffix(inputs[i].Account, "refused") {
						inputs[i].Amount = -1
					}
				}
				for i, r := range g.add(inputs...) {
					switch id := inputs[i].Account; {
					case strings.HasPrefix(id, "bad"):
						wantError(b, r.err, "ledger/"+id, "ended its goroutine")
					case id == "refused":
						if r.err != nil || !r.out.Rejected() {
							b.Errorf("refused: got %v, error %v", r.out, r.err)
						}
					default:
						wantAccepted(b, r)
					}
				}
				b.wantOneEventEach("a", "b", "c", "gate")
				b.wantTable("instance, version", "instances", "", "a 1", "b 1", "c 1", "d 2", "gate 1")
				out, err := g.client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
				must(b, out, err)
				b.wantSerial()
			})
		})
	}
}

// An archive that ends its goroutine, or panics, has refused; the background that asked it goes on.
func TestArchiveThatEndsItsGoroutine(t *testing.T) {
	for how, end := range map[string]func(){"goexit": goruntime.Goexit, "panic": func() { panic("no disk") }} {
		t.Run(how, func(t *testing.T) {
			onStores(t, func(b *bed) {
				c := newClock()
				config := b.config(c)
				var calls atomic.Int32
				config.Retention = runtime.Retention{Completed: 2 * time.Hour,
					Archive: func(context.Context, []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
						if calls.Add(1) <= 2 {
							end()
						}
						return nil, nil
					}}
				engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
				closeLedgers(b, c, engine, "0")
				c.advance(3 * time.Hour)
				report, err := engine.ApplyRetention(b.Context())
				if err == nil || report != (runtime.RetentionReport{Kept: 1}) {
					b.Errorf("got %+v, %v", report, err)
				}
				if panicked := new(runtime.PanicError); how == "panic" && !errors.As(err, &panicked) {
					b.Errorf("got error %v", err)
				}
				b.run(engine)
				b.advanceUntil(c, time.Minute, "the background asks again", func() bool {
					return len(b.table("*", "instances", "")) == 0
				})
				if calls.Load() != 3 {
					b.Errorf("the archive was asked %d times", calls.Load())
				}
			})
		})
	}
}

// harmful is a context of a caller that does harm when the engine asks whether it has ended, once it is armed.
type harmful struct {
	context.Context
	armed atomic.Bool
	harm  func()
}

func (h *harmful) Err() error {
	if h.armed.Swap(false) {
		h.harm()
	}
	return h.Context.Err()
}

// An input that is decided alone has a context whose method panics, or ends the goroutine. The input fails, nothing of it is stored, and the
// inputs behind it are served.
func TestHarmfulContext(t *testing.T) {
	for how, harm := range map[string]func(){"goexit": goruntime.Goexit, "panic": func() { panic("a broken context") }} {
		t.Run(how, func(t *testing.T) {
			onStores(t, func(b *bed) {
				ctx := &harmful{Context: b.Context(), harm: harm}
				engine := b.engineOn(apart{Store: b.store}, b.config(newClock()), ledgers(ledger.Decider{
					OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
						ctx.armed.Store(in.Amount == 13)
						return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
					},
				}, ledger.Handler{}))
				client := ledger.NewClient(engine)
				harmed := make(chan error, 1)
				go func() {
					_, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 13})
					harmed <- err
				}()
				err := wait(b, "the answer to the input", harmed)
				if panicked := new(runtime.PanicError); how == "panic" && !errors.As(err, &panicked) {
					b.Errorf("got error %v", err)
				}
				if how == "goexit" {
					wantError(b, err, "ended its goroutine")
				}
				b.wantTable("*", "events", "")
				out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
				must(b, out, err)
				b.wantTable("instance, version", "events", "", "a 1")
			})
		})
	}
}
