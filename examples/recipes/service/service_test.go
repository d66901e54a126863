package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/examples/recipes/service/invoice"
)

// billing is the other service. It bills each invoice once, up to a limit.
type billing struct {
	mu     sync.Mutex
	billed map[string]int64
	keys   map[string]bool
}

func (b *billing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var in struct {
		InvoiceID string `json:"invoice_id"`
		Cents     int64  `json:"cents"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/api/invoice/inputs/Bill" {
		http.Error(w, "what is that?", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if in.Cents > 100 {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error": "rejected", "message": "too much", "rejection": {"type": "TooMuch", "payload": {"limit_cents": 100}}, "version": 1}`)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); key == "" || !b.keys[key] {
		b.keys[key] = true
		b.billed[in.InvoiceID] += in.Cents
	}
	fmt.Fprint(w, `{"outcome": "accepted", "version": 2, "events": [{"type": "Billed", "payload": {}}]}`)
}

func TestOtherService(t *testing.T) {
	other := &billing{billed: make(map[string]int64), keys: make(map[string]bool)}
	server := httptest.NewServer(other)
	defer server.Close()
	client := NewClient(recipetest.Run(t, Config(server.URL+"/api"), NewWorkflow(Decider{}, Evolver{})))
	for id, cents := range map[string]int64{"cheap": 70, "dear": 700} {
		if out, err := client.Place(t.Context(), Place{OrderID: id, Cents: cents}); err != nil || !out.Accepted() {
			t.Fatal(out, err)
		}
	}
	if state := recipetest.Await(t, client.State, "dear"); state.Problem != "the limit is 100 cents" {
		t.Errorf("got %+v", state)
	}
	billed := func() map[string]int64 {
		other.mu.Lock()
		defer other.mu.Unlock()
		return map[string]int64{"order-cheap": other.billed["order-cheap"], "order-dear": other.billed["order-dear"]}
	}
	for deadline := time.Now().Add(10 * time.Second); billed()["order-cheap"] == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	if got := billed(); got["order-cheap"] != 70 || got["order-dear"] != 0 {
		t.Errorf("billed: %v", got)
	}
}

// The generated client has no events of the other service.
func TestClientOfOtherService(t *testing.T) {
	server := httptest.NewServer(&billing{billed: make(map[string]int64), keys: make(map[string]bool)})
	defer server.Close()
	client := invoice.NewHTTPClient(server.URL+"/api", nil)
	out, err := client.Bill(t.Context(), invoice.Bill{InvoiceID: "1", Cents: 5})
	if err != nil || !out.Accepted() || out.Version != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
	out, err = client.Bill(t.Context(), invoice.Bill{InvoiceID: "1", Cents: 500})
	if err != nil || !out.Rejected() || out.Rejection != (invoice.TooMuch{LimitCents: 100}) {
		t.Errorf("got %+v, %v", out, err)
	}
}
