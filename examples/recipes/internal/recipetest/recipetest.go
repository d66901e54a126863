// Package recipetest runs the workflow of a recipe in a test.
package recipetest

import (
	"context"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// Run runs an engine on a store in memory until the test ends.
func Run(t *testing.T, config runtime.Config, workflows ...*runtime.Workflow) *runtime.Engine {
	t.Helper()
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := runtime.NewEngine(store, config, workflows...)
	if err != nil {
		store.Close()
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// Await reads the state of an instance, by the method State of its client, until it has completed.
func Await[S any](t *testing.T, state func(context.Context, string) (runtime.View[S], error), id string) S {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		view, err := state(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if view.Completed {
			return view.State
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has not completed: %+v", id, view.State)
		}
	}
}
