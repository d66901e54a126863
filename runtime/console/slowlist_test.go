package console_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// slowList is a store that takes longer for a part of the list of instances than the page may take.
type slowList struct{ *memory.Store }

func (s slowList) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	time.Sleep(600 * time.Millisecond)
	return s.Store.ListInstances(ctx, list)
}

// A list by state that is not complete says so, and leads on.
func TestListThatIsNotComplete(t *testing.T) {
	t.Parallel()
	st := slowList{memory.New()}
	s := newShop(t, st)
	batch := store.Batch{Commit: 1_000_000}
	for n := range 60 {
		batch.Changes = append(batch.Changes, store.Change{
			Instance: store.InstanceKey{Workflow: "ticket", ID: fmt.Sprint("n-", n)}, Now: time.Now(), Status: "open",
			Events: []store.NewEvent{{Type: "Opened", SchemaVersion: 1, Payload: []byte(`{}`)}},
		})
	}
	if err := st.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	viewer := s.as(console.Viewer, false)
	_, body := s.get(viewer, "/instances?workflow=ticket&status=rare")
	if want := "51 instances were checked so far, and 0 of them match"; !strings.Contains(body, want) {
		t.Fatalf("%q is not on the page:\n%s", want, body)
	}
	_, rest, _ := strings.Cut(body, `rel="next" href="`)
	next, _, _ := strings.Cut(rest, `"`)
	next = strings.ReplaceAll(strings.TrimPrefix(next, "."), "&amp;", "&")
	if _, body = s.get(viewer, next); !strings.Contains(body, "There are no more") {
		t.Errorf("%s: the rest is not an end:\n%s", next, body)
	}
}
