package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/internal/payer"
	"github.com/ironflow-gen/ironflow/runtime/internal/purse"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// twoServices are payers, and purses of another service that has a store of its own. before sees each request first, and may answer it.
type twoServices struct {
	*testing.T
	store  runtime.Store // of the payers
	payers *payer.Client
	purses *purse.Client
}

func newTwoServices(t *testing.T, name string, before func(http.ResponseWriter, *http.Request, http.Handler)) *twoServices {
	purseEngine, err := runtime.NewEngine(memory.New(), runtime.Config{}, purse.NewWorkflow(purse.Decider{}, purse.Evolver{}))
	if err != nil {
		t.Fatal(err)
	}
	handler := httpapi.NewHandler(purseEngine, httpapi.Workflow{Name: "purse", Inputs: []httpapi.Input{{Name: name, ID: "purse_id"}}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { before(w, r, handler) }))
	t.Cleanup(server.Close)
	payers := payer.NewWorkflow(payer.Decider{}, payer.Evolver{})
	delete(payers.EffectOptions(), "Open") // which starts purses, as only a workflow of the same service can
	s := &twoServices{T: t, store: memory.New(), purses: purse.NewClient(purseEngine)}
	payerEngine, err := runtime.NewEngine(s.store, runtime.Config{
		Logger:      slog.New(slog.DiscardHandler),
		EffectRetry: runtime.RetryPolicy{MaxAttempts: 10, Base: time.Millisecond, Max: 5 * time.Millisecond},
		Remotes:     map[string]runtime.Remote{"purse": httpapi.NewRemote(server.URL, nil)},
	}, payers)
	if err != nil {
		t.Fatal(err)
	}
	s.payers = payer.NewClient(payerEngine)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- payerEngine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *twoServices) fill(id string, cents int64) {
	s.Helper()
	if out, err := s.purses.Fill(s.Context(), purse.Fill{PurseID: id, Cents: cents}); err != nil || !out.Accepted() {
		s.Fatal(out, err)
	}
}

// pay lets a payer take from a purse, and waits until nothing of the payer waits but dead letters.
func (s *twoServices) pay(id, from string, cents int64) {
	s.Helper()
	if out, err := s.payers.Pay(s.Context(), payer.Pay{PayerID: id, PurseID: from, Cents: cents}); err != nil || !out.Accepted() {
		s.Fatal(out, err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if len(s.waiting(id, false)) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("still waiting: %+v", s.waiting(id, false))
		}
	}
}

// waiting returns the effects of a payer that wait, or those that are dead letters.
func (s *twoServices) waiting(id string, dead bool) []store.WaitingDelivery {
	s.Helper()
	all, err := s.store.(store.Inspection).Waiting(s.Context(), store.EffectQueue, runtime.InstanceKey{Workflow: "payer", ID: id}, 10)
	if err != nil {
		s.Fatal(err)
	}
	return slices.DeleteFunc(all, func(d store.WaitingDelivery) bool { return d.DiedAt.IsZero() == dead })
}

func (s *twoServices) wantRefusals(id string, want ...string) {
	s.Helper()
	if state, err := s.payers.State(s.Context(), id); err != nil || !slices.Equal(state.State.Refusals, want) {
		s.Errorf("refusals of %s: %q, %v, want %q", id, state.State.Refusals, err, want)
	}
}

func (s *twoServices) wantCents(id string, want int64) {
	s.Helper()
	if state, err := s.purses.State(s.Context(), id); err != nil || state.State.Cents != want {
		s.Errorf("purse %s: %+v, %v, want %d", id, state, err, want)
	}
}

func through(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }

// An effect sends an input to a workflow of another service, and a refusal comes back.
func TestRemote(t *testing.T) {
	s := newTwoServices(t, "Take", through)
	s.fill("rich", 10)
	s.fill("lost", 10)
	if out, err := s.purses.Lose(t.Context(), purse.Lose{PurseID: "lost"}); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	s.pay("ä", "rich", 3) // a key that no header can have
	s.pay("ä", "rich", 30)
	s.pay("ä", "nobody's", 5)
	s.pay("ä", "lost", 4)
	s.wantRefusals("ä", `30 from : rejected with TooLittle{"missing_cents":23}`, "5 from : missing", "4 from : completed")
	s.wantCents("rich", 7)
}

// A service that does not have the input refuses it.
func TestRemoteWithoutTheInput(t *testing.T) {
	s := newTwoServices(t, "Fill", through)
	s.pay("a", "rich", 3)
	s.wantRefusals("a", "3 from : unknown")
}

// Answers that are lost, servers that are busy and proxies that answer in their place: the input is sent again, and applied once.
func TestRemoteAgain(t *testing.T) {
	var requests atomic.Int64
	s := newTwoServices(t, "Take", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch requests.Add(1) {
		case 1:
			http.Error(w, "not found", http.StatusNotFound) // of a proxy
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // the connection is closed without an answer
		case 4:
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusGatewayTimeout)
		default:
			next.ServeHTTP(w, r)
		}
	})
	s.fill("rich", 10)
	s.pay("a", "rich", 3)
	s.wantRefusals("a")
	s.wantCents("rich", 7)
	if n := requests.Load(); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

// An answer that would be the same again makes a dead letter at once.
func TestRemoteDead(t *testing.T) {
	var requests atomic.Int64
	s := newTwoServices(t, "Take", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"error": "invalid_input", "message": "it has no field cents"}`))
	})
	s.pay("a", "rich", 3)
	s.wantRefusals("a")
	dead := s.waiting("a", true)
	if len(dead) != 1 || dead[0].LastError != "effect Take: workflow purse: input Take: status 422, invalid_input: it has no field cents" || requests.Load() != 1 {
		t.Errorf("after %d requests: %+v", requests.Load(), dead)
	}
}
