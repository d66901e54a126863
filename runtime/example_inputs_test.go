package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// counter is an engine on a store in memory that takes orders. Nobody delivers their effects.
func counter(config runtime.Config) (engine *runtime.Engine, client *order.Client, end func()) {
	store, err := sqlite.OpenMemory(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	engine, err = runtime.NewEngine(store, config, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	return engine, order.NewClient(engine), func() { store.Close() }
}

// tea is an order of 7.00.
func tea(id, cart string) order.Create {
	return order.Create{OrderID: id, CartID: cart, Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 700}}}
}

func ExampleWithInputID() {
	_, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	// A caller who got no answer sends the input again, under the same id.
	for range 2 {
		out, err := client.Create(ctx, tea("o-1", "cart-1"), runtime.WithInputID("checkout-17"))
		fmt.Println(out.Version, out.Events[0].(order.Created).TotalCents, err)
	}
	_, err := client.Create(ctx, tea("o-1", "cart-2"), runtime.WithInputID("checkout-17"))
	var reused *runtime.InputIDReused
	fmt.Println("another input under it is refused:", errors.As(err, &reused))
	// Output:
	// 1 700 <nil>
	// 1 700 <nil>
	// another input under it is refused: true
}

func ExampleUniqueKeyConflict() {
	_, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	if _, err := client.Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	_, err := client.Create(ctx, tea("o-2", "cart-1"))
	var conflict *runtime.UniqueKeyConflict
	if errors.As(err, &conflict) {
		fmt.Println("the cart belongs to", conflict.Holder)
	}
	// Output: the cart belongs to o-1
}

// An invoice and the payment of its order are stored together or not at all. On PostgreSQL it is the same with a pgx.Tx.
func ExampleWithin() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ironflow-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "shop.db")
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	engine, err := runtime.NewEngine(store, runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		log.Fatal(err)
	}
	client := order.NewClient(engine)
	db := store.DB()
	if _, err := db.ExecContext(ctx, "CREATE TABLE invoices (order_id text)"); err != nil {
		log.Fatal(err)
	}

	take := func(id string, finish func(*sql.Tx) error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, "INSERT INTO invoices VALUES (?)", id); err != nil {
			log.Fatal(err)
		}
		if _, err := client.Create(ctx, tea(id, id), runtime.Within(store.Tx(tx))); err != nil {
			log.Fatal(err)
		}
		if err := finish(tx); err != nil {
			log.Fatal(err)
		}
		engine.Wake() // tells this process of new effects; on PostgreSQL the commit tells all
	}
	take("o-1", (*sql.Tx).Commit)
	take("o-2", (*sql.Tx).Rollback)

	var invoices string
	if err := db.QueryRowContext(ctx, "SELECT group_concat(order_id) FROM invoices").Scan(&invoices); err != nil {
		log.Fatal(err)
	}
	page, err := engine.Instances(ctx, runtime.InstanceQuery{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("invoices:", invoices)
	for _, i := range page.Items {
		fmt.Println("orders:", i.Key.ID, i.Status)
	}
	// Output:
	// invoices: o-1
	// orders: o-1 awaiting_payment
}

func ExampleEngine_Observations() {
	engine, client, end := counter(runtime.Config{
		Observe: func(_ runtime.InstanceKey, input string) bool { return input != "Create" },
	})
	defer end()
	ctx := context.Background()

	if _, err := client.Create(ctx, tea("o-1", "cart-1")); err != nil {
		log.Fatal(err)
	}
	for _, cents := range []int64{650, 700, 700} {
		if _, err := client.Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: cents}); err != nil {
			log.Fatal(err)
		}
	}
	observations, err := engine.Observations(ctx, runtime.ObservationQuery{Instance: runtime.InstanceKey{Workflow: "order", ID: "o-1"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range observations { // the newest first
		fmt.Println(strings.TrimSpace(fmt.Sprint(o.Input, " ", o.Outcome, " ", o.Rejection, string(o.RejectionPayload))))
	}
	// Output:
	// Pay completed
	// Pay accepted
	// Pay rejected Underpaid{"missing_cents":50}
}

func ExampleEngine_EventsSince() {
	engine, client, end := counter(runtime.Config{})
	defer end()
	ctx := context.Background()

	for _, id := range []string{"o-1", "o-2"} {
		if _, err := client.Create(ctx, tea(id, id)); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := client.Pay(ctx, order.Pay{OrderID: "o-1", AmountCents: 700}); err != nil {
		log.Fatal(err)
	}
	// A reader keeps its position, and goes on from there the next time.
	var position runtime.FeedPosition
	for {
		page, err := engine.EventsSince(ctx, position, 2)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range page.Events {
			fmt.Println(e.Instance, e.Version, e.Type)
		}
		if position = page.Next; position == page.Settled {
			break
		}
	}
	// Output:
	// order/o-1 1 Created
	// order/o-2 1 Created
	// order/o-1 2 Paid
}

func ExampleEngine_Why() {
	engine, client, end := counter(runtime.Config{Clock: newClock()})
	defer end()
	ctx := context.Background()

	if _, err := client.Create(ctx, tea("o-1", "cart-1"), runtime.WithInputID("checkout-17")); err != nil {
		log.Fatal(err)
	}
	why, err := engine.Why(ctx, runtime.InstanceKey{Workflow: "order", ID: "o-1"}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(why)
	// Output:
	// input Create with id "checkout-17" of a client
	//   order/o-1 decided at 2031-03-04T05:06:07.890123Z: 1 Created
	//     effect ChargeCard (version 1, position 0): due since 2031-03-04T05:06:07.890123Z
	//     timer payment_timeout (version 1): waits until 2031-03-04T05:06:10.890123Z
}
