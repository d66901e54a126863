package cells_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/enrolment"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// grown is a system with instances in both of its generations, and the operations on it.
type grown struct {
	stores
	*cells.Router
	*admin.Admin
	ids []string // of its tickets
}

func grow(t *testing.T, openStore func() Store) *grown {
	t.Helper()
	g := &grown{stores: stores{"a": openStore(), "b": openStore(), "c": openStore()}}
	older := g.router(t, generation(1, "a"))
	g.Router = g.router(t, generation(1, "a"), generation(2, "b", "c"))
	for i := range 24 {
		id := fmt.Sprintf("t%02d", i)
		g.ids = append(g.ids, id)
		if i < 6 {
			open(t, older, id)
		} else {
			open(t, g.Router, id)
		}
	}
	var err error
	if g.Admin, err = admin.New(g.Store(), admin.Config{Logger: quiet()}); err != nil {
		t.Fatal(err)
	}
	return g
}

// die makes dead letters of the timers of all tickets, each of which has one.
func (g *grown) die(t *testing.T) {
	t.Helper()
	now := store.StoredTime(time.Now())
	for _, st := range g.stores {
		kind := store.Kind{Workflow: "ticket", Name: "Expire"}
		claimed, err := st.Timers().Claim(t.Context(), store.Claim{
			Kinds: []store.Kind{kind}, Now: now.Add(2 * time.Hour), Until: now.Add(3 * time.Hour), Limit: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		var settlements []store.Settlement
		for i, d := range claimed {
			settlements = append(settlements, store.Settlement{
				Lease: d.Lease, Verdict: store.Dead, At: now.Add(time.Duration(i) * time.Millisecond), Error: "no reason",
			})
		}
		if lost, err := st.Timers().Settle(t.Context(), settlements); err != nil || len(lost) > 0 {
			t.Fatal(lost, err)
		}
	}
}

// pages reads a list page by page.
func pages[T any](t *testing.T, read func(cursor string) (admin.Page[T], error), key func(T) string) (keys []string) {
	t.Helper()
	cursor := ""
	for {
		page, err := read(cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			keys = append(keys, key(item))
		}
		if cursor = page.Next; cursor == "" {
			return keys
		}
		if len(page.Items) != 5 {
			t.Fatalf("a page has %d items, want 5", len(page.Items))
		}
	}
}

// Lists of all cells are in one order and miss nothing between two pages. What is about one instance is found in its cell.
func TestListsOfAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		g := grow(t, openStore)
		idOf := func(s store.InstanceSummary) string { return s.Key.ID }
		var last time.Time
		got := pages(t, func(cursor string) (admin.Page[store.InstanceSummary], error) {
			return g.Instances(ctx, admin.InstanceQuery{Limit: 5, Cursor: cursor})
		}, func(s store.InstanceSummary) string {
			if !last.IsZero() && s.CreatedAt.After(last) {
				t.Errorf("%s was created at %v, after the one before it in the list", s.Key, s.CreatedAt)
			}
			last = s.CreatedAt
			return s.Key.ID
		})
		if slices.Sort(got); !slices.Equal(got, g.ids) {
			t.Errorf("instances: %q", got)
		}
		if got := pages(t, func(cursor string) (admin.Page[store.InstanceSummary], error) {
			return g.Find(ctx, admin.FindQuery{IDPrefix: "t", Limit: 5, Cursor: cursor})
		}, idOf); !slices.Equal(got, g.ids) {
			t.Errorf("found: %q", got)
		}
		for _, id := range []string{"t03", "t20"} { // of both generations
			if found, err := g.Find(ctx, admin.FindQuery{Workflow: "ticket", UniqueKey: id}); err != nil || len(found.Items) != 1 || found.Items[0].Key.ID != id {
				t.Errorf("find by unique key %s: %+v, %v", id, found, err)
			}
			report, err := g.Inspect(ctx, ticketKey(id))
			if err != nil || report.Status != "open" || len(report.Timers) != 1 {
				t.Errorf("inspect %s: %+v, %v", id, report, err)
			}
			if events, err := g.History(ctx, ticketKey(id), 0, 0); err != nil || len(events) != 1 {
				t.Errorf("history of %s: %v, %v", id, events, err)
			}
			if why, err := g.Why(ctx, ticketKey(id), 1); err != nil || len(why.Deliveries) != 1 || why.Deliveries[0].Waiting == nil {
				t.Errorf("why %s: %+v, %v", id, why, err)
			}
		}
		if _, err := g.Inspect(ctx, ticketKey("none")); !isUnknown(err) {
			t.Errorf("inspect no instance: %v", err)
		}
		counts, err := g.CountInstances(ctx, store.InstanceFilter{})
		if err != nil || len(counts) != 1 || counts[0] != (store.InstanceCount{Workflow: "ticket", Status: "open", Count: 24}) {
			t.Errorf("counts: %+v, %v", counts, err)
		}
		h, err := g.Health(ctx)
		if err != nil || h.Timers.Total().Delayed != 24 || len(h.Timers.Kinds) != 1 {
			t.Errorf("health: %+v, %v", h.Timers, err)
		}
	})
}

// Dead letters are listed over all cells, and retried and discarded where they are.
func TestDeadLettersOfAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		g := grow(t, openStore)
		g.die(t)
		var last time.Time
		got := pages(t, func(cursor string) (admin.Page[store.DeadLetter], error) {
			return g.DeadLetters(ctx, admin.DeadLetterQuery{Limit: 5, Cursor: cursor})
		}, func(d store.DeadLetter) string {
			if !last.IsZero() && d.DiedAt.After(last) {
				t.Errorf("%s died at %v, after the one before it in the list", d.Lease.Instance, d.DiedAt)
			}
			last = d.DiedAt
			return d.Lease.Instance.ID
		})
		if slices.Sort(got); !slices.Equal(got, g.ids) {
			t.Errorf("dead letters of %q", got)
		}
		groups, err := g.DeadLetterGroups(ctx, store.DeadLetterFilter{})
		if err != nil || len(groups) != 1 || groups[0].Count != 24 {
			t.Errorf("groups: %+v, %v", groups, err)
		}
		counts, err := g.CountDeadLetters(ctx, store.DeadLetterFilter{})
		if err != nil || len(counts) != 1 || counts[0].Count != 24 {
			t.Errorf("counts: %+v, %v", counts, err)
		}
		operator := store.WithOperator(ctx, store.Operator{By: "ann", Reason: "test"})
		var some []store.Lease
		page, err := g.DeadLetters(ctx, admin.DeadLetterQuery{Limit: 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Items {
			some = append(some, d.Lease)
		}
		if gone, err := g.DiscardDeadLetters(operator, store.Discard{}, some...); err != nil || len(gone) > 0 {
			t.Errorf("discard: %v, %v", gone, err)
		}
		if gone, err := g.RetryDeadLetters(operator, some...); err != nil || len(gone) != 4 {
			t.Errorf("retry what is discarded: %v, %v", gone, err)
		}
		if discarded, err := g.DiscardedLetters(ctx, admin.DiscardedQuery{}); err != nil || len(discarded.Items) != 4 {
			t.Errorf("discarded: %+v, %v", discarded, err)
		}
		if n, err := g.RetryDeadLettersWhere(operator, store.DeadLetterFilter{Workflow: "ticket"}); err != nil || n != 20 {
			t.Errorf("retried %d, want 20: %v", n, err)
		}
		if left, err := g.DeadLetters(ctx, admin.DeadLetterQuery{}); err != nil || len(left.Items) > 0 {
			t.Errorf("left: %+v, %v", left, err)
		}
		records, err := g.Audit(ctx, admin.AuditQuery{})
		if err != nil || len(records.Items) != 2 || records.Items[0].Count != 20 || records.Items[1].Count != 4 || records.Items[0].By != "ann" {
			t.Errorf("audit: %+v, %v", records, err)
		}
	})
}

// A pause of a workflow is in every cell.
func TestPauseInAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := store.WithOperator(t.Context(), store.Operator{By: "ann", Reason: "test"})
		g := grow(t, openStore)
		paused := func(want int) {
			t.Helper()
			n := 0
			for _, st := range g.stores {
				of, err := st.(store.Pauses).PausedWorkflows(ctx)
				if err != nil {
					t.Fatal(err)
				}
				n += len(of)
			}
			all, err := g.PausedWorkflows(ctx)
			if err != nil || n != want || len(all) != min(want, 1) {
				t.Errorf("%d cells are paused, want %d; together: %+v, %v", n, want, all, err)
			}
		}
		if err := g.PauseWorkflow(ctx, store.Pause{Workflow: "ticket"}); err != nil {
			t.Fatal(err)
		}
		paused(3)
		if err := g.ResumeWorkflow(ctx, "ticket"); err != nil {
			t.Fatal(err)
		}
		paused(0)
		var unknown *admin.UnknownWorkflow
		if err := g.PauseWorkflow(ctx, store.Pause{Workflow: "none"}); !errors.As(err, &unknown) {
			t.Errorf("pause no workflow: %v", err)
		}
		records, err := g.Audit(ctx, admin.AuditQuery{})
		if err != nil || len(records.Items) != 2 || records.Items[0].Operation != store.OpResume || records.Items[1].Count != 3 {
			t.Errorf("audit: %+v, %v", records, err)
		}
	})
}

// A schedule is in every cell. It is listed once, and changed in all.
func TestSchedulesInAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		g := grow(t, openStore)
		next := store.StoredTime(time.Now().Add(time.Hour))
		for _, st := range g.stores {
			if err := st.(store.Schedules).PutSchedules(ctx, []store.StoredSchedule{{Workflow: "ticket", Name: "nightly", Definition: []byte(`{}`), Next: next}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, change := range []struct {
			do     func(ctx context.Context, workflow, name string) error
			paused bool
		}{{g.PauseSchedule, true}, {g.ResumeSchedule, false}} {
			if err := change.do(ctx, "ticket", "nightly"); err != nil {
				t.Fatal(err)
			}
			list, err := g.Schedules(ctx, "ticket")
			if err != nil || len(list) != 1 || list[0].Paused != change.paused || !list[0].Next.Equal(next) {
				t.Errorf("schedules: %+v, %v, want paused: %v", list, err, change.paused)
			}
			for name, st := range g.stores {
				waiting, err := st.Waiting(ctx, store.TimerQueue, store.InstanceKey{Workflow: "ticket"}, 10)
				if err != nil || len(waiting) != 1 || waiting[0].RunAt.Equal(store.SchedulePaused) != change.paused {
					t.Errorf("cell %s: %+v, %v, want paused: %v", name, waiting, err, change.paused)
				}
			}
		}
		var unknown *admin.UnknownSchedule
		if err := g.PauseSchedule(ctx, "ticket", "none"); !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"nightly"}) {
			t.Errorf("pause no schedule: %v", err)
		}
	})
}

// Instances of all cells that only an operator can move are found.
func TestStuckInAllCells(t *testing.T) {
	t.Parallel()
	g := grow(t, func() Store { return openFile(t) })
	g.die(t)
	late, err := admin.New(g.Store(), admin.Config{Logger: quiet(), Clock: later{}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	cursor := ""
	for {
		report, err := late.Stuck(t.Context(), admin.StuckQuery{Limit: 5, Cursor: cursor, Budget: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range report.Instances {
			got = append(got, i.Key.ID)
		}
		if cursor = report.Next; cursor == "" {
			break
		}
	}
	if slices.Sort(got); !slices.Equal(got, g.ids) {
		t.Errorf("stuck: %q", got)
	}
}

type later struct{ store.SystemClock }

func (later) Now() time.Time { return time.Now().Add(2 * time.Hour) }

// While a cell is down, lists have the others' part and name the cell. Changes name it too. What is elsewhere is found.
func TestOneCellDown(t *testing.T) {
	t.Parallel()
	g := grow(t, func() Store { return openFile(t) })
	g.die(t)
	in := make(map[string][]string) // ids by cell
	for _, id := range g.ids {
		at := g.of(t, ticketKey(id))[0]
		in[at] = append(in[at], id)
	}
	if err := g.stores["b"].(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	missing := func(what string, err error) {
		t.Helper()
		var lacks *store.Incomplete
		if !errors.As(err, &lacks) || !slices.Equal(lacks.Cells, []string{"b"}) || lacks.Err == nil {
			t.Errorf("%s: got error %v, want *store.Incomplete that names cell b", what, err)
		}
	}
	rest := len(in["a"]) + len(in["c"])
	instances, err := g.Instances(ctx, admin.InstanceQuery{})
	if missing("instances", err); len(instances.Items) != rest {
		t.Errorf("%d instances, want %d", len(instances.Items), rest)
	}
	found, err := g.Find(ctx, admin.FindQuery{IDPrefix: "t"})
	if missing("find", err); len(found.Items) != rest {
		t.Errorf("%d found, want %d", len(found.Items), rest)
	}
	dead, err := g.DeadLetters(ctx, admin.DeadLetterQuery{})
	if missing("dead letters", err); len(dead.Items) != rest {
		t.Errorf("%d dead letters, want %d", len(dead.Items), rest)
	}
	groups, err := g.DeadLetterGroups(ctx, store.DeadLetterFilter{})
	if missing("groups", err); len(groups) != 1 || groups[0].Count != int64(rest) {
		t.Errorf("groups: %+v", groups)
	}
	counts, err := g.CountInstances(ctx, store.InstanceFilter{})
	if missing("counts", err); counts.Total() != int64(rest) {
		t.Errorf("counts: %+v", counts)
	}
	h, err := g.Health(ctx)
	if missing("health", err); h.Timers.Total().Dead != int64(rest) {
		t.Errorf("health: %+v", h.Timers)
	}
	_, err = g.Audit(ctx, admin.AuditQuery{})
	missing("audit", err)
	_, err = g.Stuck(ctx, admin.StuckQuery{})
	missing("stuck", err)

	if _, err := g.Inspect(ctx, ticketKey(in["c"][0])); err != nil {
		t.Errorf("inspect an instance in c: %v", err)
	}
	if _, err := g.Inspect(ctx, ticketKey(in["b"][0])); err == nil || !strings.Contains(err.Error(), `cell "b"`) {
		t.Errorf("inspect an instance in b: %v", err)
	}
	operator := store.WithOperator(ctx, store.Operator{By: "ann", Reason: "test"})
	if err := g.PauseWorkflow(operator, store.Pause{Workflow: "ticket"}); err == nil || !strings.Contains(err.Error(), `cell "b"`) {
		t.Errorf("pause: %v", err)
	}
	n, err := g.RetryDeadLettersWhere(operator, store.DeadLetterFilter{Workflow: "ticket"})
	if missing("retry", err); n != rest {
		t.Errorf("retried %d, want %d", n, rest)
	}

	pages := console.New(g.Admin, console.Config{Engine: g.Router, Logger: quiet(), Access: func(*http.Request) (console.Access, error) {
		return console.Access{Role: console.Viewer}, nil
	}})
	for _, page := range []string{"", "instances", "stuck", "dead", "schedules", "projections", "workflows", "programs", "audit"} {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "GET", "http://localhost/"+page, nil))
		if answer.Code != 200 || !strings.Contains(answer.Body.String(), "did not answer: b.") {
			t.Errorf("page %q: %d, %s", page, answer.Code, answer.Body)
		}
	}
}

// hanging is a store that does not list instances once it hangs.
type hanging struct {
	Store
	hangs atomic.Bool
}

func (s *hanging) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	if s.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.ListInstances(ctx, list)
}

// A cell that does not answer leaves time for the others' answers.
func TestOneCellHangs(t *testing.T) {
	t.Parallel()
	hung := &hanging{Store: openFile(t)}
	s := stores{"a": openFile(t), "b": hung}
	open(t, s.router(t, generation(1, "a")), "x")
	operations, err := admin.New(s.router(t, generation(1, "a"), generation(2, "b")).Store(), admin.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	hung.hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	page, err := operations.Instances(ctx, admin.InstanceQuery{})
	var lacks *store.Incomplete
	if !errors.As(err, &lacks) || !slices.Equal(lacks.Cells, []string{"b"}) || len(page.Items) != 1 {
		t.Errorf("got %+v, %v, want one instance and that b is missing", page, err)
	}
}

// Operators plan and send inputs by the router, which is an engine on no store of its own.
func TestOperatorInputs(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		g := grow(t, openStore)
		for _, id := range []string{"t02", "t15"} {
			input := admin.OperatorInput{Instance: ticketKey(id), Input: "Note", Fields: []byte(`{"id":"` + id + `","text":"n"}`), ID: "1", By: "ann", Reason: "test"}
			if plan, err := g.PlanInput(ctx, input); err != nil || plan.Outcome != "accepted" || len(plan.Events) != 1 {
				t.Errorf("plan for %s: %+v, %v", id, plan, err)
			}
			for range 2 { // the second time it is known
				if out, err := g.SendInput(ctx, input); err != nil || !out.Accepted() || out.Version != 2 {
					t.Errorf("send to %s: %+v, %v", id, out, err)
				}
			}
			n := 0
			for _, err := range g.StatesDynamic(ctx, ticketKey(id), 1) {
				if n++; err != nil {
					t.Errorf("states of %s: %v", id, err)
				}
			}
			if n != 2 {
				t.Errorf("%s has %d states, want 2", id, n)
			}
		}
		input := admin.OperatorInput{Instance: ticketKey("none"), Input: "Note", Fields: []byte(`{"id":"none","text":"n"}`), ID: "1", By: "ann", Reason: "test"}
		if _, err := g.SendInput(ctx, input); !isUnknown(err) {
			t.Errorf("send to no instance: %v", err)
		}

		engine, err := runtime.NewEngine(g.Store(), runtime.Config{Logger: quiet()}, workflows()...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ticket.NewClient(engine).Note(ctx, ticket.Note{ID: "t02", Text: "n"}); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("an input by an engine on all cells: got error %v, want ErrReadOnly", err)
		}
	})
}

// Personal values are seen by the keys of their cells. A subject is forgotten in all cells.
func TestForgetInAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		r, err := cells.New(ctx, s.config(generation(1, "a", "b", "c")),
			enrolment.NewWorkflow(enrolment.Decider{}, enrolment.Evolver{}, enrolment.Handler{}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			out, err := enrolment.NewClient(r).Enrol(ctx, enrolment.Enrol{EnrolmentID: fmt.Sprint("e", i), CustomerID: "ann", Email: "ann@secret.example"})
			if err != nil || !out.Accepted() {
				t.Fatal(out, err)
			}
		}
		seen := func() (n int) {
			t.Helper()
			operations, err := admin.New(r.Store(), admin.Config{Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 6 {
				events, err := operations.History(ctx, store.InstanceKey{Workflow: "enrolment", ID: fmt.Sprint("e", i)}, 0, 0)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(events[0].Payload), "ann@secret.example") {
					n++
				} else if !strings.Contains(string(events[0].Payload), `"[erased]"`) {
					t.Errorf("event of e%d: %s", i, events[0].Payload)
				}
			}
			return n
		}
		if n := seen(); n != 6 {
			t.Fatalf("%d of 6 addresses are seen", n)
		}
		operations, err := admin.New(r.Store(), admin.Config{Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		forget := store.ForgottenSubject{Subject: "ann", By: "bob", Reason: "ann asked for it"}
		if had, err := operations.Forget(ctx, forget); err != nil || !had {
			t.Fatalf("forget: %v, %v", had, err)
		}
		if n := seen(); n != 0 {
			t.Errorf("%d addresses are seen after the subject was forgotten", n)
		}
		if subject, err := operations.Subject(ctx, "ann"); err != nil || subject.Forgotten == nil || subject.Forgotten.By != "bob" {
			t.Errorf("subject: %+v, %v", subject, err)
		}
		if had, err := operations.Forget(ctx, forget); err != nil || had {
			t.Errorf("forget again: %v, %v", had, err)
		}
	})
}
