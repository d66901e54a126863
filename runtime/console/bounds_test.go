package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// large is a store that, once it is slow, does not end a list of dead letters after its first page, nor a count.
type large struct {
	*memory.Store
	slow *atomic.Bool
}

func (l large) ListDead(ctx context.Context, list store.DeadLetterList) ([]store.DeadLetter, error) {
	if l.slow.Load() && list.After != nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return l.Store.ListDead(ctx, list)
}

func (l large) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	if l.slow.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return l.Store.CountInstances(ctx, filter)
}

// A store with very many dead letters, whose errors are very long, is shown in bounded pages, which say what they leave out. A change that does
// not end in time says how much it did.
func TestManyDeadLetters(t *testing.T) {
	t.Parallel()
	st := large{memory.New(), new(atomic.Bool)}
	s := newShop(t, st)
	const effects = 1100
	var first atomic.Bool
	engine, err := runtime.NewEngine(st, runtime.Config{Logger: quiet, PollInterval: 10 * time.Millisecond}, ticket.NewWorkflow(ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			d := ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
			for range effects {
				d = d.Effect(ticket.Notify{Text: "hello"})
			}
			return d
		},
	}, ticket.Evolver{}, ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
		if first.CompareAndSwap(false, true) {
			return runtime.Permanent(errors.New(strings.Repeat("very long ", 400_000)))
		}
		return runtime.Permanent(errors.New("no such address"))
	}}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	if out, err := ticket.NewClient(engine).Open(ctx, ticket.Open{ID: "many", Subject: "x"}); err != nil || !out.Accepted() {
		t.Fatalf("got %+v, %v", out, err)
	}
	dead := func() (n int64) {
		counts, err := s.admin.CountDeadLetters(t.Context(), store.DeadLetterFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			n += c.Count
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); dead() < effects+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d effects die", dead())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.admin.PauseWorkflow(t.Context(), store.Pause{Workflow: "ticket", By: "ann", Reason: strings.Repeat("because ", 200_000)}); err != nil {
		t.Fatal(err)
	}
	operator := s.with(console.Access{Name: "ann", Role: console.Operator, Payloads: true}, console.Config{Timeout: 4 * time.Second})
	page := instanceAddress("instance", "many")
	_, body := s.get(operator, page)
	for _, want := range []string{"And 951 more effects and timers.", "and 1051 more effects and timers", "Its workflow is paused by ann: because because"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page of the instance, but %q", want, regexp.MustCompile("nd [0-9]+ more[a-z ]*").FindAllString(body, -1))
		}
	}
	if n := strings.Count(body, "change=retry"); n != 1 {
		t.Errorf("the instance has %d buttons to retry", n)
	}
	if _, body := s.get(operator, "/dead"); !strings.Contains(body, ">1099</td>") {
		t.Errorf("the dead letters: %.5000s", body)
	}
	for address := range pages() {
		if _, body := s.get(operator, address); len(body) > 400_000 {
			t.Errorf("%s has %d bytes", address, len(body))
		}
	}
	form, body := s.formAt(operator, "/change?change=discard&workflow=ticket&kind=Notify")
	if !strings.Contains(body, "1099 of effect ticket/Notify: no such address") {
		t.Errorf("the form: %.5000s", body)
	}
	st.slow.Store(true)
	for address, want := range map[string]string{
		"/dead?workflow=ticket": "too many dead letters to group", "/workflow?name=ticket&count=1": "too many instances to count",
		"/change?change=discard&workflow=ticket&kind=Notify": "too many to be counted within 2s",
	} {
		if status, body := s.get(operator, address); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, and %q is not on it: %.3000s", address, status, want, body)
		}
	}
	form.Set("reason", "they are too many")
	if w := s.post(operator, form); w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "1000 dead letters were discarded. The store did not answer within 4s") {
		t.Errorf("the change: %d %s", w.Code, w.Body)
	}
	st.slow.Store(false)
	if w := s.post(operator, form); w.Header().Get("Location") != "./dead?done=discard&kind=Notify&n=102&workflow=ticket" || dead() != 0 {
		t.Errorf("the same form again: %d to %s, and %d are left", w.Code, w.Header().Get("Location"), dead())
	}
	if _, body := s.get(operator, "/audit?"+url.Values{"operation": {"pause"}}.Encode()); !strings.Contains(body, "because because") || len(body) > 20_000 {
		t.Errorf("the audit has %d bytes", len(body))
	}
}
