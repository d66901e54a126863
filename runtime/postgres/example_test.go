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

func ExampleWithReader() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://db1,db2/shop?target_session_attrs=read-write&connect_timeout=2")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	replicas, err := pgxpool.New(ctx, "postgres://db2,db1/shop?target_session_attrs=prefer-standby&connect_timeout=2")
	if err != nil {
		log.Fatal(err)
	}
	defer replicas.Close()

	// Inputs are decided on the primary. Subscriptions, projections and lists read from a standby.
	store, err := postgres.New(ctx, pool, postgres.WithReader(replicas))
	if err != nil {
		log.Fatal(err)
	}
	_ = store // give it to the engine
}
