package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestListen(t *testing.T) {
	t.Parallel()
	// Through a pooler, Listen needs a connection past it.
	for name, options := range map[string][]postgres.Option{
		"pool": nil,
		"url":  {postgres.WithListenURL(pgserver.URL(t) + "&application_name=listener")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			newStore(t, pool, schema)
			st, err := postgres.New(t.Context(), pool, append(options, postgres.WithSchema(schema))...)
			if err != nil {
				t.Fatal(err)
			}
			other := newStore(t, pool, newSchema())

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			woken, ended := make(chan struct{}, 10), make(chan error)
			go func() { ended <- st.Listen(ctx, func(store.News) { woken <- struct{}{} }) }()
			wake := func(want bool) {
				t.Helper()
				limit := 10 * time.Second
				if !want {
					limit = 50 * time.Millisecond
				}
				select {
				case <-woken:
					if !want {
						t.Error("woken")
					}
				case <-time.After(limit):
					if want {
						t.Error("not woken")
					}
				}
			}
			wake(true) // as it begins to listen
			for range 3 {
				if err := st.Notify(t.Context(), store.NewWork); err != nil {
					t.Fatal(err)
				}
				wake(true)
			}
			if err := other.Notify(t.Context(), store.NewWork); err != nil {
				t.Fatal(err)
			}
			wake(false)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestListenEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	pool := newPool(t, func(config *pgxpool.Config) {
		config.ConnConfig.RuntimeParams["application_name"] = "to be ended"
	})
	st := newStore(t, pool, newSchema())
	woken, ended := make(chan struct{}, 10), make(chan error)
	go func() { ended <- st.Listen(t.Context(), func(store.News) { woken <- struct{}{} }) }()
	<-woken
	if _, err := pool.Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'to be ended' AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("got error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

func TestBadListenURL(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	newStore(t, pool, schema)
	if _, err := postgres.New(t.Context(), pool, postgres.WithSchema(schema), postgres.WithListenURL("postgres://a b")); err == nil {
		t.Error("no error")
	}
}
