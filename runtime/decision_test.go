package runtime_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// What the type system cannot refuse, the engine does, with an error that names instance and input, and stores nothing.
func TestWrongDecisions(t *testing.T) {
	note := func(d ticket.NoteDecision) ticket.Decider {
		return ticket.Decider{OnNote: func(time.Time, ticket.State, ticket.Note) ticket.NoteDecision { return d }}
	}
	var noEvent ticket.NoteEvent
	var noEffect ticket.NoteEffect
	var noTimer ticket.NoteTimer
	accept := ticket.AcceptNote(ticket.Noted{})
	tests := []struct {
		name    string
		decider ticket.Decider
		urgent  bool // the state, which allows no effect and no timer; otherwise open
		says    []string
	}{
		{name: "empty", decider: note(ticket.NoteDecision{}), says: []string{"the decision is empty"}},
		{name: "only an effect", decider: note(ticket.NoteDecision{}.Effect(ticket.Notify{})), says: []string{"the decision is empty"}},
		{name: "effect beside a rejection", decider: note(ticket.RejectNote(ticket.Busy{}).Effect(ticket.Notify{})),
			says: []string{"rejection with effects or timers"}},
		{name: "timer beside a rejection", decider: note(ticket.RejectNote(ticket.Busy{}).CancelTimer(ticket.TimerStale{})),
			says: []string{"rejection with effects or timers"}},
		{name: "nil event", decider: note(ticket.AcceptNote(noEvent)), says: []string{"nil event"}},
		{name: "nil among events", decider: note(ticket.AcceptNote(ticket.Noted{}, noEvent)), says: []string{"nil event"}},
		{name: "nil effect", decider: note(accept.Effect(noEffect)), says: []string{"nil event, effect or rejection"}},
		{name: "nil timer", decider: note(accept.StartTimer(noTimer)), says: []string{"nil timer"}},
		{name: "nil rejection", decider: note(ticket.RejectNote(nil)), says: []string{"nil event, effect or rejection"}},
		{name: "pointer to an event", decider: note(ticket.AcceptNote(&ticket.Noted{})),
			says: []string{"event *ticket.Noted is not declared", "not a pointer"}},
		{name: "nil pointer to an event", decider: note(ticket.AcceptNote((*ticket.Noted)(nil))),
			says: []string{"event *ticket.Noted is not declared"}},
		{name: "pointer to an effect", decider: note(accept.Effect(&ticket.Notify{})), says: []string{"effect *ticket.Notify is not declared"}},
		{name: "nil pointer to a timer", decider: note(accept.StartTimer((*ticket.TimerStale)(nil))), says: []string{"nil timer"}},
		{name: "pointer to a rejection", decider: note(ticket.RejectNote(&ticket.Busy{})),
			says: []string{"rejection *ticket.Busy is not declared", "not a pointer"}},
		{name: "effect in the wrong state", urgent: true, decider: note(accept.Effect(ticket.Notify{})),
			says: []string{"allows no effect here", "Notify"}},
		{name: "timer in the wrong state", urgent: true, decider: note(accept.StartTimer(ticket.TimerFollowup{})),
			says: []string{"allows no timer here", "followup"}},
		{name: "cancelled timer in the wrong state", urgent: true, decider: note(accept.CancelTimer(ticket.TimerStale{})),
			says: []string{"allows no timer here", "stale"}},
		{name: "timer without a time", decider: note(accept.StartTimer(ticket.TimerReminder{})),
			says: []string{"timer reminder has no time", "In or At"}},
		{name: "timer of another instance", decider: note(accept.StartTimer(ticket.TimerFollowup{Input: ticket.Remind{ID: "b"}})),
			says: []string{"timer followup", "Remind", `"b"`, `"timer of another instance"`}},
		{name: "timer key with NUL", decider: note(accept.StartTimer(ticket.TimerFollowup{}.Key("x\x00"))),
			says: []string{"timer followup", "NUL"}},
		{name: "invalid UTF-8 in an event", decider: note(ticket.AcceptNote(ticket.Noted{Text: "\xff"})), says: []string{"event Noted", "text", "UTF-8"}},
		{name: "invalid UTF-8 in an effect", decider: note(accept.Effect(ticket.Notify{Text: "\xff"})), says: []string{"effect Notify", "text", "UTF-8"}},
		{name: "invalid UTF-8 in a timer's input", decider: note(accept.StartTimer(ticket.TimerFollowup{Input: ticket.Remind{Text: "\xff"}})),
			says: []string{"timer followup", "Remind", "text", "UTF-8"}},
	}
	onStores(t, func(b *bed) {
		for _, test := range tests {
			decider := test.decider
			decider.OnImport = func(time.Time, ticket.State, ticket.Import) ticket.ImportDecision {
				if test.urgent {
					return ticket.AcceptImport(ticket.Escalated{})
				}
				return ticket.AcceptImport(ticket.Opened{})
			}
			client := ticket.NewClient(b.engine(b.config(newClock()), tickets(decider, ticket.Handler{})))
			imported, err := client.Import(b.Context(), ticket.Import{ID: test.name})
			must(b, imported, err)
			b.unchanged(func() {
				_, err := client.Note(b.Context(), ticket.Note{ID: test.name})
				wantError(b, err, append(test.says, "ticket/"+test.name, "input Note")...)
			})
		}
	})
}

func TestEventOfAnotherState(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnHold: func(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision {
				return ticket.AcceptHold(ticket.Held{}, ticket.Held{})
			},
		}, ticket.Handler{})))
		imported, err := client.Import(b.Context(), ticket.Import{ID: "a"})
		must(b, imported, err)
		b.unchanged(func() {
			_, err := client.Hold(b.Context(), ticket.Hold{ID: "a"})
			wantError(b, err, "ticket/a", "input Hold", "Held leads nowhere from state waiting")
		})
	})
}

func TestSeveralEvents(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnImport: func(_ time.Time, _ ticket.State, in ticket.Import) ticket.ImportDecision {
				if in.Subject == "disputed" {
					return ticket.AcceptImport(ticket.Opened{}, ticket.Escalated{})
				}
				return ticket.AcceptImport(ticket.Escalated{}, ticket.Tagged{Tag: "x"}, ticket.Opened{Subject: in.Subject})
			},
		}, ticket.Handler{})))
		ctx := b.Context()

		out, err := client.Import(ctx, ticket.Import{ID: "a", Subject: "printer"})
		must(b, out, err)
		if out.Version != 3 {
			b.Errorf("got version %d", out.Version)
		}
		view, err := client.State(ctx, "a")
		if err != nil || view.State.Status != ticket.StatusOpen || view.State.Subject != "printer" {
			b.Errorf("got %+v, error %v", view, err)
		}
		b.wantTable("version, type", "events", "ORDER BY version", "1 Escalated", "2 Tagged", "3 Opened")
		b.wantSerial()

		// Two transitions derive different targets for (open, Escalated), so there is none.
		b.unchanged(func() {
			_, err := client.Import(ctx, ticket.Import{ID: "b", Subject: "disputed"})
			wantError(b, err, "ticket/b", "Import", "Escalated leads nowhere from state open")
		})
	})
}

func TestNothingFollowsCompletion(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ledger.NewClient(b.engine(b.config(newClock()), ledgers(ledger.Decider{
			OnClose: func(time.Time, ledger.State, ledger.Close) ledger.CloseDecision {
				return ledger.AcceptClose(ledger.LedgerClosed{}, ledger.Added{Amount: 1})
			},
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}, ledger.LedgerClosed{}).
					Effect(ledger.Audit{Entry: 1}).StartTimer(ledger.TimerBeat{})
			},
		}, ledger.Handler{})))
		b.unchanged(func() {
			_, err := client.Close(b.Context(), ledger.Close{Account: "a"})
			wantError(b, err, "ledger/a", "Close", "emits Added after the workflow has completed")
		})
		// Completion deletes what the same decision starts, but not its effects.
		out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
		must(b, out, err)
		b.wantTable("key", "timers", "")
		b.wantTable("kind", "effects", "", "Audit")
	})
}

func TestPanics(t *testing.T) {
	onStores(t, func(b *bed) {
		cause := errors.New("the cause")
		var nothing *ticket.State
		engine := b.engine(b.config(newClock()),
			ticket.NewWorkflow(ticket.Decider{
				OnHold: func(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision { panic(cause) },
				OnSolve: func(time.Time, ticket.State, ticket.Solve) ticket.SolveDecision {
					return ticket.AcceptSolve(ticket.Solved{}).Effect(ticket.Notify{Text: nothing.Subject})
				},
			}, ticket.Evolver{OnNoted: func(ticket.State, ticket.Noted) ticket.State { panic("evolving") }}, ticket.Handler{}),
			ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{OnTerminal: func(ledger.State) bool { panic("ending") }}, ledger.Handler{}))
		client := ticket.NewClient(engine)
		ctx := b.Context()
		imported, err := client.Import(ctx, ticket.Import{ID: "a"})
		must(b, imported, err)

		wantPanic := func(err error, in string, value any) {
			b.Helper()
			var p *runtime.PanicError
			if !errors.As(err, &p) || p.In != in || (value != nil && p.Value != value) || len(p.Stack) == 0 {
				b.Errorf("got %#v, want a panic in %s", err, in)
			}
		}
		b.unchanged(func() {
			_, err := client.Hold(ctx, ticket.Hold{ID: "a"})
			wantPanic(err, "the decider's Hold", cause)
			wantError(b, err, "ticket/a", "input Hold", "the decider's Hold panicked: the cause")
			if !errors.Is(err, cause) {
				b.Errorf("%v does not wrap the panic's value", err)
			}
			_, err = client.Solve(ctx, ticket.Solve{ID: "a"})
			wantPanic(err, "the decider's Solve", nil)
			_, err = client.Note(ctx, ticket.Note{ID: "a"})
			wantPanic(err, "the evolver's Noted", "evolving")
			_, err = ledger.NewClient(engine).Add(ctx, ledger.Add{Account: "a"})
			wantPanic(err, "the evolver's Terminal", "ending")
		})
		// The instance is free, and the engine lives on.
		held, err := client.Internal().Remind(ctx, ticket.Remind{ID: "a"})
		must(b, held, err)
	})
}

// A stub's panic reaches the caller as what it is.
func TestUnfinishedDecider(t *testing.T) {
	onStores(t, func(b *bed) {
		stub := &runtime.Unfinished{Workflow: "ticket", Method: "Decider.Hold"}
		client := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{
			OnHold: func(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision { panic(stub) },
		}, ticket.Handler{})))
		imported, err := client.Import(b.Context(), ticket.Import{ID: "a"})
		must(b, imported, err)
		b.unchanged(func() {
			_, err := client.Hold(b.Context(), ticket.Hold{ID: "a"})
			if got, ok := errors.AsType[*runtime.Unfinished](err); !ok || got != stub {
				b.Errorf("got %v, which does not wrap the stub's error", err)
			}
			wantError(b, err, "ticket/a", "workflow ticket: Decider.Hold is not written yet; write it in place of the stub")
		})
	})
}

// Decisions share nothing: their methods return changed copies.
func TestDecisionsAreValues(t *testing.T) {
	t.Parallel()
	base := ticket.AcceptNote(ticket.Noted{Text: "x"}).Effect(ticket.Notify{Text: "0"}).StartTimer(ticket.TimerStale{}.Key("0"))
	one := base.Effect(ticket.Notify{Text: "1"}).StartTimer(ticket.TimerStale{}.Key("1"))
	two := base.Effect(ticket.Notify{Text: "2"}).CancelTimer(ticket.TimerStale{}.Key("2"))
	if want := []ticket.NoteEffect{ticket.Notify{Text: "0"}, ticket.Notify{Text: "1"}}; !reflect.DeepEqual(one.Effects(), want) {
		t.Errorf("got %v", one.Effects())
	}
	if want := []ticket.NoteEffect{ticket.Notify{Text: "0"}, ticket.Notify{Text: "2"}}; !reflect.DeepEqual(two.Effects(), want) {
		t.Errorf("got %v", two.Effects())
	}
	if len(base.Effects()) != 1 || len(base.StartedTimers()) != 1 || len(one.StartedTimers()) != 2 ||
		len(two.StartedTimers()) != 1 || len(two.CancelledTimers()) != 1 || len(one.CancelledTimers()) != 0 {
		t.Errorf("got %+v, %+v, %+v", base, one, two)
	}
	if _, rejected := base.Rejection(); rejected {
		t.Error("accepted and rejected")
	}
	if r, rejected := ticket.RejectNote(ticket.Busy{Load: 3}).Rejection(); !rejected || r != ticket.Rejection(ticket.Busy{Load: 3}) {
		t.Errorf("got %v", r)
	}
	if want := []ticket.NoteEvent{ticket.Noted{Text: "x"}}; !reflect.DeepEqual(base.Events(), want) {
		t.Errorf("got %v", base.Events())
	}
}

// Values survive the way through the store.
func TestValuesSurvive(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}), ledgers(ledger.Decider{}, ledger.Handler{}))
		text := "quote \" back \\ nul \x00 line \n emoji \U0001F600 sep \u2028 html <&>"
		client := ticket.NewClient(engine)
		for id := range map[string]bool{"a": true, "id/with 'quotes' \" and \n ünïcode": true} {
			imported, err := client.Import(b.Context(), ticket.Import{ID: id, Subject: text})
			must(b, imported, err)
			view, err := client.State(b.Context(), id)
			if err != nil || view.State.Subject != text {
				b.Errorf("%q: got %q, error %v", id, view.State.Subject, err)
			}
		}
		for _, amount := range []int64{math.MaxInt64, 1<<53 + 1} {
			out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "n", Amount: amount})
			must(b, out, err)
		}
		history, err := ledger.NewClient(engine).History(b.Context(), "n")
		if err != nil || len(history) != 2 || history[0].Event != ledger.Event(ledger.Added{Amount: math.MaxInt64}) ||
			history[1].Event != ledger.Event(ledger.Added{Amount: 1<<53 + 1}) {
			b.Errorf("got %+v, error %v", history, err)
		}
	})
}
