package testfrom

// The programs that read a history from a store. Their arguments are the store, its schema, the workflow and the id.

const exportPostgres = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	pool, err := pgxpool.New(ctx, args[0])
	if err != nil {
		return err
	}
	defer pool.Close()
	options := []postgres.Option{postgres.ReadOnly()}
	if args[1] != "" {
		options = append(options, postgres.WithSchema(args[1]))
	}
	st, err := postgres.New(ctx, pool, options...)
	if err != nil {
		return err
	}
	_, err = transfer.Export(ctx, st, os.Stdout, transfer.ExportOptions{Instances: []store.InstanceKey{{Workflow: args[2], ID: args[3]}}})
	return err
}
`

const exportSQLite = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	st, err := sqlite.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = transfer.Export(ctx, st, os.Stdout, transfer.ExportOptions{Instances: []store.InstanceKey{{Workflow: args[2], ID: args[3]}}})
	return err
}
`
