package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A commit whose answer was lost and that is not found may reach the store later. So whoever is told of a rejection, an error, or the end of
// the context must not believe that nothing is stored, unless the store excludes it.
func TestLostCommitArrivesLate(t *testing.T) {
	reject := func() ledger.AddDecision { return ledger.RejectAdd(ledger.Negative{Amount: 1}) }
	unknown := func(b *bed, _ ledger.AddOutcome, err error) {
		b.Helper()
		if !errors.Is(err, runtime.ErrOutcomeUnknown) {
			b.Errorf("error %v, want that the outcome is unknown", err)
		}
	}
	for name, test := range map[string]struct {
		options []runtime.ExecuteOption
		again   func() ledger.AddDecision // the decision after the lost one
		gone    bool                      // after it, all commits conflict, until the caller goes
		other   bool                      // another input is stored before it
		want    func(b *bed, out ledger.AddOutcome, err error)
		late    bool // the lost commit can still be stored
	}{
		"rejected": {again: reject, want: unknown, late: true},
		"fails": {
			again: func() ledger.AddDecision { panic("on the second call") },
			want: func(b *bed, out ledger.AddOutcome, err error) {
				unknown(b, out, err)
				wantError(b, err, "on the second call")
			},
			late: true,
		},
		"the caller goes": {
			again: func() ledger.AddDecision { return ledger.AcceptAdd(ledger.Added{Amount: 1}) },
			gone:  true,
			want: func(b *bed, out ledger.AddOutcome, err error) {
				unknown(b, out, err)
				if !errors.Is(err, context.Canceled) {
					b.Errorf("error %v, want the context's", err)
				}
			},
			late: true,
		},
		"rejected under an input id": {
			options: []runtime.ExecuteOption{runtime.WithInputID("one")}, again: reject, want: wantNegative,
		},
		"rejected by what came meanwhile": {again: reject, other: true, want: wantNegative},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				var calls, commits atomic.Int64
				decider := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
					if calls.Add(1) == 1 {
						return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
					}
					return test.again()
				}}
				var late func(context.Context) error
				st := &faulty{Store: b.store}
				st.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
					switch n := commits.Add(1); {
					case n > 1 && test.gone:
						if n == 6 {
							cancel()
						}
						return store.ErrConflict
					case n > 1:
						return commit(ctx)
					}
					late = commit
					if test.other {
						must(b.addTo("a"))
					}
					return fmt.Errorf("the cable was cut: %w", store.ErrOutcomeUnknown)
				})
				client := ledger.NewClient(b.engineOn(st, b.realConfig(), ledgers(decider, ledger.Handler{})))
				out, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 1}, test.options...)
				test.want(b, out, err)
				if n := calls.Load(); n != 2 && !test.gone {
					b.Errorf("%d decisions, want 2", n)
				}
				if err := late(b.Context()); (err == nil) != test.late {
					b.Errorf("the lost commit ends late with %v", err)
				}
			})
		})
	}
}

func wantNegative(b *bed, out ledger.AddOutcome, err error) {
	b.Helper()
	if _, is := out.Rejection.(ledger.Negative); err != nil || !is {
		b.Errorf("outcome %+v, error %v, want the rejection", out, err)
	}
}
