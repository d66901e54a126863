package booking

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A history of any size is read page by page, each of which has a few megabytes.
func TestLargeHistory(t *testing.T) {
	t.Parallel()
	st, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	const events, size = 17, 4 << 20
	remarks, err := json.Marshal(strings.Repeat("x", size-2))
	if err != nil {
		t.Fatal(err)
	}
	change := store.Change{Instance: runtime.InstanceKey{Workflow: "booking", ID: "b"}, Now: time.Unix(1, 0), Due: time.Unix(1, 0), Status: "booked"}
	for range events {
		change.Events = append(change.Events, store.NewEvent{Type: "Requested", SchemaVersion: 1, Payload: fmt.Appendf(nil,
			`{"guests":[],"nights":1,"checkin_after":"1h0m0s","photo":null,"extras":null,"remarks":%s}`, remarks)})
	}
	if err := st.Append(t.Context(), store.Batch{Commit: 1, Changes: []store.Change{change}}); err != nil {
		t.Fatal(err)
	}
	engine, err := runtime.NewEngine(st, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	handler := NewHTTPHandler(NewClient(engine))
	var mu sync.Mutex
	var pages []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &counting{ResponseWriter: w}
		handler.ServeHTTP(counted, r)
		mu.Lock()
		defer mu.Unlock()
		pages = append(pages, counted.n)
	}))
	t.Cleanup(server.Close)
	history, err := NewHTTPClient(server.URL, server.Client()).History(t.Context(), "b")
	if err != nil || len(history) != events || history[events-1].Version != events || len(history[3].Event.(Requested).Remarks) != size {
		t.Fatalf("got %d events, %v", len(history), err)
	}
	mu.Lock()
	sizes := slices.Clone(pages)
	mu.Unlock()
	for _, n := range sizes {
		if n > 3*store.PageBytes {
			t.Errorf("a page has %d bytes", n)
		}
	}
	if len(sizes) > events {
		t.Errorf("%d pages for %d events: the last does not say that it is the last", len(sizes), events)
	}
	// A page that ends by its bytes says whether there is more.
	for after, more := range map[int]bool{0: true, events - 2: true, events - 1: false} {
		resp, err := server.Client().Get(fmt.Sprintf("%s/booking/b/history?after=%d", server.URL, after))
		if err != nil {
			t.Fatal(err)
		}
		var page httpapi.History
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil || len(page.Events) == 0 || page.More != more {
			t.Errorf("after %d: got %d events, more %v, %v", after, len(page.Events), page.More, err)
		}
	}
	if all, err := engine.History(t.Context(), change.Instance, 0, 0); err != nil || len(all) != events {
		t.Errorf("without a limit: got %d events, %v", len(all), err)
	}
}

type counting struct {
	http.ResponseWriter
	n int
}

func (c *counting) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.ResponseWriter.Write(p)
}
