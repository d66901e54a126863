package runtime_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// shadowed is an engine with a candidate for the workflow ticket.
func shadowed(t *testing.T, share float64, live, candidate ticket.Decider) (*runtime.Engine, *ticket.Client) {
	t.Helper()
	e, err := runtime.NewEngine(memory.New(), runtime.Config{
		DecideTimeout: 200 * time.Millisecond,
		Shadow:        runtime.Shadow{Candidates: []*runtime.Workflow{ticket.NewWorkflow(candidate, ticket.Evolver{}, ticket.Handler{})}, Share: share},
	}, ticket.NewWorkflow(live, ticket.Evolver{}, ticket.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	return e, ticket.NewClient(e)
}

// compared waits until so many decisions were compared.
func compared(t *testing.T, e *runtime.Engine, n int64) telemetry.ShadowReport {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		r := e.ShadowReport()
		if r.Compared+r.Dropped >= n {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("%d decisions were compared, want %d", r.Compared, n)
		}
	}
}

func TestShadow(t *testing.T) {
	t.Parallel()
	live := ticket.Decider{OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
		if in.Text == "no" {
			return ticket.RejectNote(ticket.Busy{Load: 1})
		}
		return ticket.AcceptNote(ticket.Noted{Text: in.Text})
	}}
	var nows []time.Time
	candidate := ticket.Decider{OnNote: func(now time.Time, s ticket.State, in ticket.Note) ticket.NoteDecision {
		nows = append(nows, now)
		switch {
		case in.Text == "no", in.Text == "same":
			if len(s.Notes) > 0 {
				s.Notes[0] = "scribbled over" // on a copy
			}
			return live.OnNote(now, s, in)
		case in.Text == "panic":
			panic("SECRET")
		case len(s.Notes) == 2:
			return ticket.RejectNote(ticket.Busy{Load: 2})
		}
		return ticket.AcceptNote(ticket.Noted{Text: strings.ToUpper(in.Text)}).Effect(ticket.Notify{Text: "SECRET"})
	}}
	e, client := shadowed(t, 1, live, candidate)
	ctx := t.Context()
	if _, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "a"}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"same", "x", "y", "no", "panic"} {
		if _, err := client.Note(ctx, ticket.Note{ID: "a", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	r := compared(t, e, 6)
	var got []string
	for _, d := range r.Differences {
		got = append(got, d.String())
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{
		`ticket in open on Note: 1 times event Noted, the candidate event Noted, effect Notify, as in "a" at version 2`,
		`ticket in open on Note: 1 times event Noted, the candidate rejection Busy, as in "a" at version 3`,
		`ticket in open on Note: 1 times event Noted, the candidate fails, as in "a" at version 4`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if t.Failed() || r.Compared != 6 || r.Dropped != 0 || len(r.Differences) != 3 || strings.Contains(text, "SECRET") {
		t.Errorf("compared %d, dropped %d:\n%s", r.Compared, r.Dropped, text)
	}
	view, err := client.State(ctx, "a")
	if want := "[same x y panic]"; err != nil || fmt.Sprint(view.State.Notes) != want {
		t.Errorf("the notes are %v, want %s, error %v", view.State.Notes, want, err)
	}
	history, err := client.History(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range []int{1, 2, 3} {
		if !nows[i].Equal(history[at].RecordedAt) {
			t.Errorf("the candidate was asked at %v about a decision at %v", nows[i], history[at].RecordedAt)
		}
	}
}

// Fields that differ are named by their event, and never shown.
func TestShadowFields(t *testing.T) {
	t.Parallel()
	candidate := ticket.Decider{OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
		return ticket.AcceptNote(ticket.Noted{Text: in.Text + " SECRET"})
	}}
	e, client := shadowed(t, 1, ticket.Decider{}, candidate)
	if _, err := client.Open(t.Context(), ticket.Open{ID: "a", Subject: "a"}); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if _, err := client.Note(t.Context(), ticket.Note{ID: "a", Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	r := compared(t, e, 31)
	if len(r.Differences) != 1 || r.Differences[0].Fields != "event Noted" || r.Differences[0].Count != 30 || len(r.Differences[0].Examples) != 10 {
		t.Errorf("got %+v", r)
	}
}

// A candidate that does not return is asked once, and nobody waits for it.
func TestShadowThatHangs(t *testing.T) {
	t.Parallel()
	candidate := ticket.Decider{OnOpen: func(time.Time, ticket.State, ticket.Open) ticket.OpenDecision {
		<-t.Context().Done()
		return ticket.OpenDecision{}
	}}
	e, client := shadowed(t, 1, ticket.Decider{}, candidate)
	start := time.Now()
	for i := range 20 {
		if _, err := client.Open(t.Context(), ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("20 inputs took %v", took)
	}
	r := compared(t, e, 20)
	if len(r.Differences) != 1 || r.Differences[0].Candidate != "does not return" || r.Differences[0].Count != 1 || r.Dropped == 0 {
		t.Errorf("got %+v", r)
	}
}

// A share of the decisions is compared.
func TestShadowShare(t *testing.T) {
	t.Parallel()
	e, client := shadowed(t, 0.5, ticket.Decider{}, ticket.Decider{})
	for i := range 400 {
		if _, err := client.Open(t.Context(), ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if r := compared(t, e, 130); r.Compared > 300 || len(r.Differences) != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestShadowMistakes(t *testing.T) {
	t.Parallel()
	w := ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{})
	other := ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{})
	var unknown *runtime.UnknownWorkflow
	for _, s := range []runtime.Shadow{
		{Share: 2}, {Share: -1}, {Candidates: []*runtime.Workflow{nil}}, {Candidates: []*runtime.Workflow{w, w}}, {Candidates: []*runtime.Workflow{other}},
		{Candidates: []*runtime.Workflow{ticket.NewWorkflow(nil, ticket.Evolver{}, ticket.Handler{})}},
	} {
		_, err := runtime.NewEngine(memory.New(), runtime.Config{Shadow: s}, w)
		if err == nil || !strings.Contains(err.Error(), "Config.Shadow") && !errors.As(err, &unknown) {
			t.Errorf("%+v: got error %v", s, err)
		}
	}
}

// Recorded inputs are compared on the states and at the times that they had.
func TestShadowRecorded(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		live := ticket.Decider{
			OnOpen: opened(ticket.Notify{Text: "n"}),
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
				if in.Text == "no" {
					return ticket.RejectNote(ticket.Busy{Load: 1})
				}
				return ticket.AcceptNote(ticket.Noted{Text: in.Text})
			},
		}
		config := b.config(c)
		config.Observe = func(runtime.InstanceKey, string) bool { return true }
		recording := b.engine(config, tickets(live, ticket.Handler{}))
		client := ticket.NewClient(recording)
		b.open(recording, "a")
		var at []time.Time
		for _, text := range []string{"x", "no", "y"} {
			c.advance(time.Hour)
			at = append(at, store.StoredTime(c.Now()))
			_, err := client.Note(b.Context(), ticket.Note{ID: "a", Text: text})
			if err != nil {
				b.Fatal(err)
			}
		}
		c.advance(time.Hour)

		var asked []string
		config.Shadow.Candidates = []*runtime.Workflow{tickets(ticket.Decider{
			OnOpen: live.OnOpen,
			OnNote: func(now time.Time, s ticket.State, in ticket.Note) ticket.NoteDecision {
				asked = append(asked, fmt.Sprint(in.Text, " with ", len(s.Notes), " at ", slices.IndexFunc(at, store.StoredTime(now).Equal)))
				if in.Text == "no" {
					return ticket.AcceptNote(ticket.Noted{Text: in.Text})
				}
				return live.OnNote(now, s, in)
			},
		}, ticket.Handler{})}
		e := b.engine(config, tickets(live, ticket.Handler{}))
		b.unchanged(func() {
			r, err := e.ShadowRecorded(b.Context(), runtime.ObservationQuery{Instance: ticketKey("a")})
			if err != nil || r.Compared != 4 || r.Dropped != 0 || len(r.Differences) != 1 {
				b.Fatalf("got %+v, error %v", r, err)
			}
			const want = `ticket in open on Note: 1 times rejection Busy, the candidate event Noted, as in "a" at version 2`
			if got := r.Differences[0].String(); got != want {
				b.Errorf("got %s\nwant %s", got, want)
			}
		})
		if want := []string{"x with 0 at 0", "no with 1 at 1", "y with 1 at 2"}; !slices.Equal(asked, want) {
			b.Errorf("asked %q, want %q", asked, want)
		}
		if r := e.ShadowReport(); r.Compared != 0 {
			b.Errorf("the report of live decisions has %d", r.Compared)
		}
	})
}
