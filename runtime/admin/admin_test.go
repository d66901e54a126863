package admin_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/foureyes"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/sqlitetest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// onStores runs a test on each store.
func onStores(t *testing.T, test func(t *testing.T, st store.Store)) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory":   func(*testing.T) store.Store { return memory.New() },
		"sqlite":   func(t *testing.T) store.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) store.Store { return postgrestest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var quiet = slog.New(slog.DiscardHandler)

// newAdmin returns an Admin that knows no workflow's code, and whose clock is ahead.
func newAdmin(t *testing.T, st store.Store, ahead time.Duration) *admin.Admin {
	t.Helper()
	a, err := admin.New(st, admin.Config{Logger: quiet, Clock: clock{ahead: ahead}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type clock struct {
	store.SystemClock
	ahead time.Duration
}

func (c clock) Now() time.Time { return time.Now().Add(c.ahead) }

// run runs an engine until the function that it returns is called, which waits.
func run(t *testing.T, st store.Store, name string, wf *workflow.Workflow) (engine *runtime.Engine, stop func()) {
	t.Helper()
	engine, err := runtime.NewEngine(st, runtime.Config{Name: name, Version: "v7", Logger: quiet, PollInterval: 10 * time.Millisecond}, wf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return engine, stop
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

func tickets(d ticket.Decider, h ticket.Handler) *workflow.Workflow {
	return ticket.NewWorkflow(d, ticket.Evolver{}, h)
}

// open begins a ticket that asks for the effects, and has no timer of its state.
func open(t *testing.T, engine *runtime.Engine, id string) {
	t.Helper()
	out, err := ticket.NewClient(engine).Open(t.Context(), ticket.Open{ID: id, Subject: id})
	if err != nil || !out.Accepted() {
		t.Fatalf("got %+v, %v", out, err)
	}
}

// held is a decider whose new tickets ask for an effect and go to waiting, a state without a timer, at once.
func held(effects ...ticket.OpenEffect) ticket.Decider {
	return ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(effects...)
		},
		OnHold: func(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision {
			return ticket.AcceptHold(ticket.Held{})
		},
	}
}

// What waits for a client alone, whose effect is dead, or whose kind nobody runs, is found; what has work is not.
func TestStuck(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		ctx := t.Context()
		handler := ticket.Handler{OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
			return runtime.Permanent(errors.New("no such address"))
		}}
		engine, stop := run(t, st, "web-1", tickets(held(), handler))
		client := ticket.NewClient(engine)
		for _, id := range []string{"open", "waits/with a slash"} {
			open(t, engine, id)
		}
		if out, err := client.Hold(ctx, ticket.Hold{ID: "waits/with a slash"}); err != nil || !out.Accepted() {
			t.Fatalf("got %+v, %v", out, err)
		}
		stop()
		dying, stop := run(t, st, "web-2", tickets(held(ticket.Notify{Text: "hello"}), handler))
		open(t, dying, "dead")
		if out, err := ticket.NewClient(dying).Hold(ctx, ticket.Hold{ID: "dead"}); err != nil || !out.Accepted() {
			t.Fatalf("got %+v, %v", out, err)
		}
		a := newAdmin(t, st, 40*time.Second) // less than the 90 s after which a program counts as dead
		eventually(t, "the effect is dead", func() bool {
			page, err := a.DeadLetters(ctx, admin.DeadLetterQuery{})
			if err != nil {
				t.Fatal(err)
			}
			return len(page.Items) == 1
		})

		if r, err := newAdmin(t, st, 0).Stuck(ctx, admin.StuckQuery{}); err != nil || len(r.Instances) != 0 || r.Looked != 0 {
			t.Errorf("what just happened is stuck: %+v, %v", r, err)
		}
		stuck := func(query admin.StuckQuery) (reasons []string, r *admin.StuckReport) {
			t.Helper()
			query.For = cmp.Or(query.For, 30*time.Second)
			r, err := a.Stuck(ctx, query)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range r.Instances {
				reasons = append(reasons, i.Key.ID+": "+i.Reason)
			}
			return reasons, r
		}
		want := []string{
			"dead: its effect Notify is a dead letter since ",
			"waits/with a slash: nothing waits to be delivered in state waiting; only an input can move it: Resume, Merge",
		}
		got, r := stuck(admin.StuckQuery{})
		if !slices.EqualFunc(got, want, strings.HasPrefix) || r.Looked != 3 || r.Next != "" || !strings.HasSuffix(got[0], "no such address") {
			t.Errorf("got %q, %d looked at, next %q", got, r.Looked, r.Next)
		}
		if len(r.Instances[0].Dead) != 1 || r.Instances[0].Dead[0].Kind.Name != "Notify" {
			t.Errorf("got dead letters %+v", r.Instances[0].Dead)
		}
		if len(r.Kinds) != 1 || r.Kinds[0].Kind.Name != "Notify" || !strings.HasPrefix(r.Kinds[0].Reason, "one is a dead letter since 20") ||
			!strings.HasSuffix(r.Kinds[0].Reason, "Z: "+r.Kinds[0].DeadError) || r.Kinds[0].DeadError != "effect Notify: no such address" {
			t.Errorf("got kinds %+v", r.Kinds)
		}
		if got, _ := stuck(admin.StuckQuery{Workflow: "cart"}); len(got) > 0 {
			t.Errorf("of another workflow: %q", got)
		}
		if got, r := stuck(admin.StuckQuery{For: 2 * time.Hour}); len(got)+len(r.Kinds) > 0 {
			t.Errorf("for too short a time: %q, %+v", got, r.Kinds)
		}

		// In parts, each is found once.
		var parts []string
		for query := (admin.StuckQuery{Limit: 1}); ; {
			some, r := stuck(query)
			parts = append(parts, some...)
			if query.Cursor = r.Next; r.Next == "" {
				break
			}
		}
		if !slices.EqualFunc(parts, want, strings.HasPrefix) {
			t.Errorf("in parts: %q", parts)
		}

		// When the programs are gone, nobody delivers the timer of the ticket that is open.
		stop()
		_, r = stuck(admin.StuckQuery{})
		i := slices.IndexFunc(r.Kinds, func(k admin.StuckKind) bool { return k.Queue == store.TimerQueue })
		if i < 0 || r.Kinds[i].Reason != "no program runs on this store" {
			t.Errorf("got kinds %+v", r.Kinds)
		}
	})
}

// An instance that waits for a client is stuck after the deadline of its state, which counts from when it came into the state.
func TestStuckAfterDeadline(t *testing.T) {
	const day = 24 * time.Hour
	onStores(t, func(t *testing.T, st store.Store) {
		ctx := t.Context()
		at := func(ahead time.Duration) *foureyes.Client {
			engine, err := runtime.NewEngine(st, runtime.Config{Logger: quiet, Clock: clock{ahead: ahead}}, foureyes.NewWorkflow(foureyes.Decider{}, foureyes.Evolver{}))
			if err != nil {
				t.Fatal(err)
			}
			return foureyes.NewClient(engine)
		}
		for id, ahead := range map[string]time.Duration{"late": -8 * day, "in time": -6 * day} {
			if out, err := at(ahead).Request(ctx, foureyes.Request{TransferID: id, By: "ann"}); err != nil || !out.Accepted() {
				t.Fatalf("got %+v, %v", out, err)
			}
			if out, err := at(-day).Approve(ctx, foureyes.Approve{TransferID: id, By: "bob"}); err != nil || !out.Accepted() { // it stays in its state
				t.Fatalf("got %+v, %v", out, err)
			}
		}
		_, stop := run(t, st, "web-1", foureyes.NewWorkflow(foureyes.Decider{}, foureyes.Evolver{})) // which tells the store of the states
		a := newAdmin(t, st, 0)
		eventually(t, "the program is known", func() bool {
			programs, err := a.Programs(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return len(programs) == 1
		})
		stop()
		r, err := a.Stuck(ctx, admin.StuckQuery{})
		if err != nil || len(r.Instances) != 1 || r.Instances[0].Key.ID != "late" || r.Looked != 2 {
			t.Fatalf("got %+v, %v", r, err)
		}
		reason := r.Instances[0].Reason
		if !strings.HasPrefix(reason, "it has waited for a client in state waiting since ") || !strings.HasSuffix(reason, ", and the deadline of the state is 7d") {
			t.Errorf("got %q", reason)
		}
	})
}

// A parent that waits for its child is not stuck, nor is one that a client is to move, as declared.
func TestAdminNeedsNoCode(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		ctx := t.Context()
		a := newAdmin(t, st, 0)
		unknown := (*admin.UnknownWorkflow)(nil)
		if err := a.PauseWorkflow(ctx, store.Pause{Workflow: "ticket"}); !errors.As(err, &unknown) {
			t.Errorf("a workflow that nobody knows is paused: %v", err)
		}
		engine, stop := run(t, st, "web-1", tickets(held(), ticket.Handler{}))
		open(t, engine, "a")
		eventually(t, "the program is known", func() bool {
			programs, err := a.Programs(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return len(programs) == 1 && programs[0].Running && programs[0].Version == "v7"
		})

		key := store.InstanceKey{Workflow: "ticket", ID: "a"}
		r, err := a.Inspect(ctx, key)
		if err != nil || r.Version != 1 || r.Status != "open" || len(r.Timers) != 1 || len(r.Accepts) == 0 || !strings.Contains(r.Mermaid(), "open") {
			t.Errorf("got %+v, %v", r, err)
		}
		if events, err := a.History(ctx, key, 0, 0); err != nil || len(events) != 1 || events[0].Type != "Opened" {
			t.Errorf("got %+v, %v", events, err)
		}
		if why, err := a.Why(ctx, key, 1); err != nil || !strings.Contains(why.String(), "Open") {
			t.Errorf("got %v, %v", why, err)
		}
		if err := a.PauseWorkflow(ctx, store.Pause{Workflow: "tickte"}); !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"ticket"}) {
			t.Errorf("got %v", err)
		}
		if err := a.PauseWorkflow(ctx, store.Pause{Workflow: "ticket", By: "ann", Reason: "fire", RefuseInputs: true}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "inputs are refused", func() bool {
			_, err := ticket.NewClient(engine).Note(ctx, ticket.Note{ID: "a"})
			_, paused := errors.AsType[*runtime.WorkflowPaused](err)
			return paused
		})
		if h, err := a.Health(ctx); err != nil || len(h.Paused) != 1 || len(h.Timers.Kinds) != 1 || !h.Timers.Kinds[0].Known || !h.Timers.Kinds[0].Paused {
			t.Errorf("got %+v, %v", h, err)
		}
		if err := a.ResumeWorkflow(ctx, "ticket"); err != nil {
			t.Fatal(err)
		}
		stop()
		h, err := a.Health(ctx)
		if err != nil || len(h.Undelivered) != 1 || h.Undelivered[0].Name != "Expire" || h.Timers.Kinds[0].Known {
			t.Errorf("got %+v, %v", h, err)
		}
		if programs, err := a.Programs(ctx); err != nil || programs[0].Running || programs[0].Manifest.Workflow("ticket") == nil {
			t.Errorf("got %+v, %v", programs, err)
		}
		for _, wrong := range []store.InstanceKey{{Workflow: "ticket"}, {ID: "a"}, {Workflow: "ticket", ID: "\x00"}, {Workflow: "ticket", ID: "b"}} {
			if _, err := a.Inspect(ctx, wrong); err == nil {
				t.Errorf("%+v is inspected", wrong)
			}
			if _, err := a.History(ctx, wrong, 0, 1); err == nil {
				t.Errorf("%+v has a history", wrong)
			}
			if _, err := a.Why(ctx, wrong, 1); err == nil {
				t.Errorf("%+v is explained", wrong)
			}
		}
	})
}
