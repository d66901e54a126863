package ironflowtest_test

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

type orderKit = ironflowtest.Kit[order.State, order.Input, order.Event, order.Effect, order.Rejection]

func kitOf(decider order.InputDecider, evolver order.EventEvolver) *orderKit {
	return ironflowtest.NewKit[order.State, order.Input, order.Event, order.Effect, order.Rejection](
		order.NewWorkflow(decider, evolver, order.Handler{}))
}

var (
	kit     = kitOf(order.Decider{}, order.Evolver{})
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	basket  = []order.Item{{Sku: "tea", Quantity: 7, PriceCents: 100}}
	created = order.Created{Items: basket, Email: "ada@example.com", TotalCents: 700}
	create  = order.Create{OrderID: "o-1", CartID: "c-1", Email: "ada@example.com", Card: "4242", Items: basket}
)

func TestStory(t *testing.T) {
	kit.Given(t).At(now).
		When(create).
		Then(created).
		Effects(order.ChargeCard{Card: "4242", AmountCents: 700}).
		Timers(ironflowtest.StateTimer("payment_timeout").In(3 * time.Second)).
		Timers(ironflowtest.StateTimer("payment_timeout").At(now.Add(3 * time.Second))).
		Cancels().CancelsEffects().
		When(order.Create{CartID: "c-1"}).NotAccepted().
		When(order.Pay{AmountCents: 699}).Rejected(order.Underpaid{MissingCents: 1}).
		After(time.Second).
		When(order.Pay{OrderID: "o-1", AmountCents: 700}).
		Then(order.Paid{AmountCents: 700, PaidAt: now.Add(time.Second)}).
		State(func(s order.State) {
			if s.Status != order.StatusPaid || !s.PaidAt.Equal(now.Add(time.Second)) {
				t.Errorf("got %+v", s)
			}
		}).
		When(order.PaymentTimeout{}).AlreadyCompleted()
}

// Each expectation fails when something else has happened, says which field differs, and writes the call that passes.
func TestExpectationsThatFail(t *testing.T) {
	t.Parallel()
	pay := order.Pay{AmountCents: 700}
	for name, tc := range map[string]struct {
		test func(r *recorder)
		want []string
	}{
		"event": {
			func(r *recorder) {
				kit.Given(r, created).At(now).When(pay).Then(order.Paid{AmountCents: 701, PaidAt: now})
			},
			[]string{
				`order.Pay{OrderID: "under-test", AmountCents: 700}:`, "event 1, Paid: AmountCents is 700, want 701",
				"what would pass:\n\tThen(order.Paid{AmountCents: 700, PaidAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})",
			},
		},
		"other event": {
			func(r *recorder) { kit.Given(r, created).When(pay).Then(order.Cancelled{}) },
			[]string{"event 1 is order.Paid{AmountCents: 700, ", "want order.Cancelled{}"},
		},
		"missing event": {
			func(r *recorder) {
				kit.Given(r, created).When(order.PaymentTimeout{}).Then(order.Cancelled{Reason: "not paid in time"}, created)
			},
			[]string{`event 2 is missing, want order.Created{Items: []order.Item{{Sku: "tea", Quantity: 7, PriceCents: 100}}, Email`},
		},
		"no event": {
			func(r *recorder) { kit.Given(r, created).When(order.PaymentTimeout{}).Then() },
			[]string{`event 1 is order.Cancelled{Reason: "not paid in time"}, want no more`},
		},
		"effect": {
			func(r *recorder) { kit.Given(r).When(create).Effects(order.ChargeCard{Card: "4242"}) },
			[]string{"effect 1, ChargeCard: AmountCents is 700, want 0", `	Effects(order.ChargeCard{Card: "4242", AmountCents: 700})`},
		},
		"no effect": {
			func(r *recorder) { kit.Given(r).When(create).NoEffects() },
			[]string{"effect 1 is order.ChargeCard{"},
		},
		"timer": {
			func(r *recorder) {
				kit.Given(r).When(create).Timers(ironflowtest.StateTimer("payment_timeout").In(time.Hour))
			},
			[]string{"timer payment_timeout fires after 3s, want 1h0m0s", `ironflowtest.StateTimer("payment_timeout").In(3 * time.Second)`},
		},
		"no timer":       {func(r *recorder) { kit.Given(r).When(create).NoTimers() }, []string{"timer payment_timeout is started, want no such timer"}},
		"other timer":    {func(r *recorder) { kit.Given(r).When(create).Timers(ironflowtest.StateTimer("x")) }, []string{"timer x is not started"}},
		"cancel":         {func(r *recorder) { kit.Given(r, created).When(pay).Cancels() }, []string{`cancels the timers ["payment_timeout"], want []`}},
		"cancel effects": {func(r *recorder) { kit.Given(r, created).When(pay).CancelsEffects("ChargeCard") }, []string{`want ["ChargeCard"]`}},
		"rejected, unexpected": {
			func(r *recorder) { kit.Given(r, created).When(order.Pay{}).Then(order.Paid{}) },
			[]string{"rejected with order.Underpaid{MissingCents: 700}, want accepted", "\tRejected(order.Underpaid{MissingCents: 700})"},
		},
		"rejected, nothing said": {
			func(r *recorder) { kit.Given(r, created).When(order.Pay{}) },
			[]string{"rejected with order.Underpaid{MissingCents: 700}; if that is right, write"},
		},
		"rejected, gone on": {
			func(r *recorder) { kit.Given(r, created).When(order.Pay{}).When(pay) },
			[]string{"rejected with order.Underpaid{MissingCents: 700}; if that is right, write"},
		},
		"other rejection": {
			func(r *recorder) { kit.Given(r, created).When(order.Pay{}).Rejected(order.Underpaid{MissingCents: 1}) },
			[]string{"MissingCents is 700, want 1"},
		},
		"accepted": {
			func(r *recorder) { kit.Given(r, created).When(pay).Rejected(order.EmptyOrder{}) },
			[]string{"accepted, want rejected with order.EmptyOrder{}", "\tThen(order.Paid{"},
		},
		"not accepted": {
			func(r *recorder) { kit.Given(r).When(pay).Rejected(order.EmptyOrder{}) },
			[]string{"\tNotAccepted()"},
		},
		"decided, not refused": {
			func(r *recorder) { kit.Given(r, created).When(order.Pay{}).NotAccepted() },
			[]string{"want not accepted"},
		},
		"not ended": {func(r *recorder) { kit.Given(r, created).When(pay).AlreadyCompleted() }, []string{"accepted, want an instance that had ended"}},
		"ended": {
			func(r *recorder) { kit.Given(r, created, order.Cancelled{}).When(pay).Then(order.Paid{}) },
			[]string{"the instance had ended before, want accepted", "AlreadyCompleted()"},
		},
		"state": {
			func(r *recorder) {
				kit.Given(r, created).StateIs(order.State{Status: order.StatusAwaitingPayment, Email: "ada@example.com", TotalCents: 700,
					Items: []order.Item{{Sku: "tea", Quantity: 7, PriceCents: 101}}})
			},
			[]string{"Items[0].PriceCents is 100, want 101", `StateIs(order.State{Status: "awaiting_payment", Items: `},
		},
		"impossible history": {
			func(r *recorder) { kit.Given(r, order.Paid{}) },
			[]string{"Given: this history cannot be", "event Paid leads nowhere from state new"},
		},
		"after the end":   {func(r *recorder) { kit.Given(r, created, order.Cancelled{}, created) }, []string{"event Created leads nowhere from state cancelled"}},
		"foreign id":      {func(r *recorder) { kit.Given(r).When(create).When(order.Pay{OrderID: "o-2"}) }, []string{`names the instance "o-2"`}},
		"no unique key":   {func(r *recorder) { kit.Given(r).When(order.Create{OrderID: "o-1"}) }, []string{"unique key"}},
		"no input":        {func(r *recorder) { kit.Given(r).Then() }, []string{"Then without an input: call When first"}},
		"time runs back":  {func(r *recorder) { kit.Given(r).At(now).When(create).After(-1 * time.Hour) }, []string{"time does not run backwards"}},
		"nothing decided": {func(r *recorder) { kitOf(silent{}, order.Evolver{}).Given(r).When(create) }, []string{"the decision is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFailure(t, failures(tc.test), tc.want...)
		})
	}
}

// A history of a store is replayed with its times and its versions.
func TestGivenStored(t *testing.T) {
	stored := func(version int, name, payload string) store.StoredEvent {
		return store.StoredEvent{Type: name, SchemaVersion: version, Payload: []byte(payload), RecordedAt: now}
	}
	history := stored(1, "Created", `{"items":[],"email":"ada@example.com","total_cents":700}`)
	kit.GivenStored(t, history).When(order.Pay{AmountCents: 700}).Then(order.Paid{AmountCents: 700, PaidAt: now})

	wantFailure(t, failures(func(r *recorder) { kit.GivenStored(r, history).At(now.Add(-1)) }), "time does not run backwards")
	wantFailure(t, failures(func(r *recorder) { kit.GivenStored(r, stored(2, "Created", `{}`)) }), "a newer program wrote it")
	wantFailure(t, failures(func(r *recorder) { kit.GivenStored(r, stored(1, "Created", `{"items":3}`)) }), "items")
	wantFailure(t, failures(func(r *recorder) { kit.GivenStored(r, stored(1, "Shipped", `{}`)) }), "Shipped")
}

// BenchmarkScenario is one test with everything that is checked beside it.
func BenchmarkScenario(b *testing.B) {
	for b.Loop() {
		kit.Given(b, created).At(now).When(order.Pay{AmountCents: 700}).Then(order.Paid{AmountCents: 700, PaidAt: now})
	}
}
