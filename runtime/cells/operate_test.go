package cells_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// project stores that a cell has a projection.
func (g *grown) project(t *testing.T, cell, name string) {
	t.Helper()
	err := g.stores[cell].(store.Projections).UpdateProjection(t.Context(), name, func(s *store.ProjectionState) error {
		s.UpdatedAt = time.Now()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// projections are those of all cells, as texts.
func (g *grown) projections(t *testing.T) (all []string) {
	t.Helper()
	list, err := g.Projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Behind == 0 || p.Delay <= 0 {
			t.Errorf("%s in %s is not behind", p.Name, p.Cell)
		}
		text := fmt.Sprint(p.Name, " ", p.Cell, " ", p.Status)
		if p.Rebuild {
			text += ", to be rebuilt"
		}
		all = append(all, text)
	}
	return all
}

// Projections are listed with their cells, and changed in one of them.
func TestProjectionsOfAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		g := grow(t, openStore)
		for cell := range g.stores {
			g.project(t, cell, "board")
		}
		g.project(t, "c", "archive")
		wants := func(want ...string) {
			t.Helper()
			if got := g.projections(t); !slices.Equal(got, want) {
				t.Errorf("got projections %q, want %q", got, want)
			}
		}
		wants("archive c running", "board a running", "board b running", "board c running")
		operator := store.WithOperator(t.Context(), store.Operator{By: "ann", Reason: "test"})
		in, err := g.Cell("b")
		if err != nil {
			t.Fatal(err)
		}
		if err := in.PauseProjection(operator, "board"); err != nil {
			t.Fatal(err)
		}
		wants("archive c running", "board a running", "board b paused", "board c running")
		stuck, err := g.Stuck(t.Context(), admin.StuckQuery{For: time.Nanosecond})
		if err != nil || len(stuck.Projections) != 4 || stuck.Projections[2].Cell != "b" {
			t.Errorf("stuck: %+v, %v", stuck, err)
		}
		var wrong *store.InvalidArgument
		if err := g.PauseProjection(operator, "board"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "a, b, c") {
			t.Errorf("pause in no cell: %v", err)
		}
		if _, err := g.Cell("x"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "a, b, c") {
			t.Errorf("no such cell: %v", err)
		}
		if whole, err := g.Cell(""); err != nil || whole != g.Admin {
			t.Errorf("the whole store: %v, %v", whole, err)
		}

		pages := console.New(g.Admin, console.Config{Logger: quiet(), Access: func(*http.Request) (console.Access, error) {
			return console.Access{Name: "ann", Role: console.Admin}, nil
		}})
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/projections", nil))
		for _, text := range []string{"Cell a: events up to", "Cell c: events up to", `./change?cell=c&amp;change=rebuild-projection&amp;projection=board`} {
			if !strings.Contains(answer.Body.String(), text) {
				t.Errorf("the page lacks %q: %d\n%s", text, answer.Code, answer.Body)
			}
		}
		form := url.Values{"change": {"rebuild-projection"}, "projection": {"board"}, "cell": {"c"}, "reason": {"test"}}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "http://localhost/change", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer = httptest.NewRecorder()
		pages.ServeHTTP(answer, r)
		if answer.Code != http.StatusSeeOther {
			t.Errorf("rebuild: %d, %s", answer.Code, answer.Body)
		}
		wants("archive c running", "board a running", "board b paused", "board c running, to be rebuilt")
		records, err := g.Audit(t.Context(), admin.AuditQuery{})
		if err != nil || len(records.Items) != 2 || records.Items[0].Operation != store.OpRebuildProjection || records.Items[1].By != "ann" {
			t.Errorf("audit: %+v, %v", records, err)
		}
	})
}

// behind is a store whose replica is behind, and that can hang.
type behind struct {
	Store
	replica store.ReplicaStatus
	hangs   atomic.Bool
}

func (s *behind) ReplicaStatus(context.Context) (*store.ReplicaStatus, error) { return &s.replica, nil }

func (s *behind) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	if err := s.wait(ctx); err != nil {
		return store.FeedHorizon{}, err
	}
	return s.Store.FeedHorizon(ctx)
}

func (s *behind) Backlog(ctx context.Context, queue store.QueueName, now time.Time, limit int) ([]store.Backlog, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Backlog(ctx, queue, now, limit)
}

func (s *behind) wait(ctx context.Context) error {
	if !s.hangs.Load() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// Health knows the feed and the replica of each cell. A cell that does not answer is named, and the others' figures are there in time.
func TestHealthOfAllCells(t *testing.T) {
	t.Parallel()
	late := &behind{Store: openFile(t), replica: store.ReplicaStatus{Lag: 2 * time.Minute, Bytes: 5}}
	s := stores{"a": openFile(t), "b": late}
	r := s.router(t, generation(1, "a", "b"))
	for i := range 20 {
		open(t, r, fmt.Sprint("t", i))
	}
	operations, err := admin.New(r.Store(), admin.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if names := operations.Cells(); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("cells: %q", names)
	}
	h, err := operations.Health(t.Context())
	if err != nil || len(h.Cells) != 2 || h.Cells[0].Cell != "a" || h.Cells[0].Replica != nil || h.Cells[1].Cell != "b" ||
		h.Cells[0].Feed.Newest+h.Cells[1].Feed.Newest != 20 || h.Cells[1].Replica.Bytes != 5 {
		t.Errorf("health: %+v, %v", h.Cells, err)
	}
	if texts := fmt.Sprint(h.Problems()); !strings.Contains(texts, "the read replica of cell b is 2m0s and 5 bytes behind") {
		t.Errorf("problems: %s", texts)
	}
	feeds, err := operations.Feeds(t.Context())
	if err != nil || len(feeds) != 2 || feeds["a"].Newest+feeds["b"].Newest != 20 {
		t.Errorf("feeds: %+v, %v", feeds, err)
	}
	if _, err := operations.FeedStatus(t.Context()); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("feed of several cells as one: %v", err)
	}

	late.hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	h, err = operations.Health(ctx)
	var lacks *store.Incomplete
	if !errors.As(err, &lacks) || !slices.Equal(lacks.Cells, []string{"b"}) || len(h.Cells) != 1 || h.Cells[0].Cell != "a" {
		t.Errorf("while b hangs: %+v, %v", h.Cells, err)
	}
	if got, want := h.Timers.Total().Delayed, int64(h.Cells[0].Feed.Newest); got != want {
		t.Errorf("%d timers wait in cell a, want %d", got, want)
	}
}

// An instance is followed in its cell, also one that does not exist yet.
func TestFollowInAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		g := grow(t, openStore)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		follow := func(id string) <-chan string {
			types := make(chan string, 10)
			go func() {
				defer close(types)
				for event, err := range g.Follow(ctx, ticketKey(id), 0) {
					if err != nil {
						types <- err.Error()
						return
					}
					types <- event.Type
				}
			}()
			return types
		}
		next := func(types <-chan string, want string) {
			t.Helper()
			if got := <-types; got != want {
				t.Errorf("followed %q, want %q", got, want)
			}
		}
		for _, id := range []string{"t02", "t20", "new"} {
			types := follow(id)
			if id == "new" {
				open(t, g.Router, id)
			}
			next(types, "Opened")
			if out, err := ticket.NewClient(g.Router).Solve(ctx, ticket.Solve{ID: id}); err != nil || !out.Accepted() {
				t.Fatal(out, err)
			}
			next(types, "Solved")
			next(types, "") // it has completed
		}
	})
}

// Observed inputs are listed over all cells, each once. Those of one instance come from its cell.
func TestObservationsOfAllCells(t *testing.T) {
	onStores(t, func(t *testing.T, openStore func() Store) {
		ctx := t.Context()
		s := stores{"a": openStore(), "b": openStore(), "c": openStore()}
		config := s.config(generation(1, "a", "b", "c"))
		config.Engine.Observe = func(store.InstanceKey, string) bool { return true }
		r := newRouter(t, config)
		const tickets = 12
		for i := range tickets {
			open(t, r, fmt.Sprint("t", i))
		}
		same := store.StoredTime(time.Now().Add(time.Hour)) // in all cells, with numbers that may be the same
		for name, st := range s {
			err := st.(store.InputLog).RecordInputs(ctx, store.InputRecords{Observations: []store.Observation{{
				Instance: ticketKey("of-" + name), ObservedAt: same, Input: "Note", Payload: []byte(`{}`), Outcome: "rejected",
			}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		operations, err := admin.New(r.Store(), admin.Config{Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 5, 100} {
			seen := make(map[string]bool)
			query := store.ObservationQuery{Limit: limit}
			for {
				page, err := operations.Observations(ctx, query)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, o := range page {
					if seen[o.Instance.ID] || !query.Before.IsZero() && o.ObservedAt.After(query.Before) {
						t.Errorf("limit %d: %s comes twice or too late", limit, o.Instance)
					}
					seen[o.Instance.ID] = true
					query.Before, query.BeforeNumber = o.ObservedAt, o.Number
				}
			}
			if len(seen) != tickets+len(s) {
				t.Errorf("limit %d: %d observations, want %d", limit, len(seen), tickets+len(s))
			}
		}
		of, err := operations.Observations(ctx, store.ObservationQuery{Instance: ticketKey("t7")})
		if err != nil || len(of) != 1 || of[0].Instance.ID != "t7" {
			t.Errorf("of one instance: %+v, %v", of, err)
		}
	})
}

// An open page of the console hears of what is stored in any cell.
func TestConsoleFollowsAllCells(t *testing.T) {
	t.Parallel()
	g := grow(t, func() Store { return openFile(t) })
	server := httptest.NewServer(console.New(g.Admin, console.Config{Logger: quiet(), Access: func(*http.Request) (console.Access, error) {
		return console.Access{Role: console.Viewer}, nil
	}}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Client().Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("got %+v, %v", answer, err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	hears := func(what string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == "event: stored" {
				return
			}
		}
		t.Fatalf("%s: the page heard nothing, then %v", what, lines.Err())
	}
	in := make(map[string]string) // an id by cell
	for _, id := range g.ids {
		in[g.of(t, ticketKey(id))[0]] = id
	}
	for _, cell := range []string{"a", "b", "c"} {
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { // the page may begin to look before or after an input
			defer close(done)
			for {
				if _, err := ticket.NewClient(g.Router).Note(ctx, ticket.Note{ID: in[cell], Text: "n"}); err != nil {
					t.Errorf("note in %s: %v", cell, err)
				}
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		}()
		for range 3 { // two can be of what was stored before
			hears("something stored in " + cell)
		}
		close(stop)
		<-done
	}
}
