package compensate

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

// full is an agency without hotels.
type full struct {
	mu      sync.Mutex
	flights map[string]bool
}

func (a *full) BookFlight(ctx context.Context, key string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flights["f-1"] = true
	return "f-1", nil
}

func (a *full) BookHotel(context.Context, string) error { return errors.New("no room") }

func (a *full) CancelFlight(ctx context.Context, key, flight string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.flights, flight)
	return nil
}

func TestFlightIsCancelled(t *testing.T) {
	agency := &full{flights: make(map[string]bool)}
	config := runtime.Config{Logger: slog.New(slog.DiscardHandler)} // the dead letter is part of the recipe
	client := NewClient(recipetest.Run(t, config, NewWorkflow(Decider{}, Evolver{}, Handler{Agency: agency})))
	if _, err := client.Plan(t.Context(), Plan{TripID: "t-1"}); err != nil {
		t.Fatal(err)
	}
	if state := recipetest.Await(t, client.State, "t-1"); state.Status != StatusCancelled || state.Flight != "f-1" {
		t.Errorf("got %+v", state)
	}
	if len(agency.flights) != 0 {
		t.Errorf("the agency still has %v", agency.flights)
	}
}
