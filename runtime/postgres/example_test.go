package postgres_test

import (
	"context"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://localhost/shop")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	// Once per release. Every instance of the service may do it at start-up.
	if err := postgres.Migrate(ctx, pool, postgres.WithSchema("orders")); err != nil {
		log.Fatal(err)
	}
	store, err := postgres.New(ctx, pool, postgres.WithSchema("orders"))
	if err != nil {
		log.Fatal(err)
	}
	_ = store // give it to the engine
}
