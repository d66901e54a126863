package admin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A timeline has each decision once, with its deliveries, from any of its events on.
func TestTimeline(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		decider := held(ticket.Notify{Text: "hello"})
		decider.OnNote = func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
			return ticket.AcceptNote(ticket.Noted{Text: in.Text}, ticket.Noted{Text: in.Text})
		}
		engine, stop := run(t, st, "desk", tickets(decider, ticket.Handler{}))
		open(t, engine, "t-1")
		client := ticket.NewClient(engine)
		for n := range 3 {
			if _, err := client.Note(t.Context(), ticket.Note{ID: "t-1", Text: fmt.Sprint(n)}); err != nil {
				t.Fatal(err)
			}
		}
		a := newAdmin(t, st, 0)
		key := store.InstanceKey{Workflow: "ticket", ID: "t-1"}
		eventually(t, "the effect is done", func() bool {
			r, err := a.Inspect(t.Context(), key)
			return err == nil && len(r.Effects) == 0
		})
		stop()
		all, err := a.Timeline(t.Context(), key, 1, 0)
		if err != nil || len(all) != 4 || all[0].Input != "Open" || all[1].Input != "Note" || len(all[0].Deliveries) == 0 {
			t.Fatalf("got %+v, %v", all, err)
		}
		if fate := all[0].Deliveries[0].Fate(time.Now()); fate != "done, without a result" {
			t.Errorf("the effect: %s", fate)
		}
		var versions []string
		for _, d := range all {
			for _, e := range d.Events {
				versions = append(versions, fmt.Sprint(e.Version))
			}
		}
		if got := strings.Join(versions, " "); got != "1 2 3 4 5 6 7" {
			t.Errorf("it has the versions %s", got)
		}
		middle, err := a.Timeline(t.Context(), key, 3, 2) // the second event of the first Note
		if err != nil || len(middle) != 2 || middle[0].Version != 2 || middle[1].Version != 4 {
			t.Errorf("from event 3: %+v, %v", middle, err)
		}
		var unknown *store.UnknownVersion
		if _, err := a.Timeline(t.Context(), key, 9, 0); !errors.As(err, &unknown) {
			t.Errorf("after the last event: %v", err)
		}
		if _, err := a.Timeline(t.Context(), store.InstanceKey{Workflow: "ticket", ID: "none"}, 1, 0); !errors.As(err, new(*runtime.UnknownInstance)) {
			t.Errorf("of no instance: %v", err)
		}
	})
}
