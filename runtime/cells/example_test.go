package cells_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A system that began on one store goes on over three. Older instances stay where they are.
func Example() {
	ctx := context.Background()
	first, second, third := memory.New(), memory.New(), memory.New() // in production, databases on several servers
	workflow := ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{})

	router, err := cells.New(ctx, cells.Config{
		Cells:       map[string]runtime.Store{"first": first},
		Generations: []cells.Generation{{Number: 1, Cells: []string{"first"}}},
		Separator:   ":",
	}, workflow)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := ledger.NewClient(router).Add(ctx, ledger.Add{Account: "ann:savings", Amount: 5}); err != nil {
		fmt.Println(err)
		return
	}

	router, err = cells.New(ctx, cells.Config{
		Cells:       map[string]runtime.Store{"first": first, "second": second, "third": third},
		Generations: []cells.Generation{{Number: 1, Cells: []string{"first"}}, {Number: 2, Cells: []string{"second", "third"}}},
		Separator:   ":",
	}, workflow)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := ledger.NewClient(router)
	for _, account := range []string{"ann:savings", "bob:savings", "bob:travel"} {
		if _, err := client.Add(ctx, ledger.Add{Account: account, Amount: 2}); err != nil {
			fmt.Println(err)
			return
		}
		view, err := client.State(ctx, account)
		fmt.Println(account, view.State.Total, err)
	}
	// Output:
	// ann:savings 7 <nil>
	// bob:savings 2 <nil>
	// bob:travel 2 <nil>
}

// Operations on all cells: a list has the instances of each.
func ExampleRouter_Store() {
	ctx := context.Background()
	router, err := cells.New(ctx, cells.Config{
		Cells:       map[string]runtime.Store{"first": memory.New(), "second": memory.New()},
		Generations: []cells.Generation{{Number: 1, Cells: []string{"first", "second"}}},
	}, ledger.NewWorkflow(ledger.Decider{}, ledger.Evolver{}, ledger.Handler{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 10 {
		if _, err := ledger.NewClient(router).Add(ctx, ledger.Add{Account: fmt.Sprint("account-", i), Amount: 2}); err != nil {
			fmt.Println(err)
			return
		}
	}

	operations, err := admin.New(router.Store(), admin.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := operations.Instances(ctx, admin.InstanceQuery{Limit: 20})
	var lacks *store.Incomplete
	if errors.As(err, &lacks) {
		fmt.Println("without", lacks.Cells)
	} else if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(found.Items), "instances")
	// Output: 10 instances
}
