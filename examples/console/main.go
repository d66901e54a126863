// Command console runs orders, trips and transfers under a steady load, with everything that an operator meets: retries, dead letters,
// sagas that compensate, and transfers that nobody approves. It serves the console over them and prints its address.
//
// The order o-17 was not charged four days ago, receipts of that day were not sent, and maria has paused subscriptions. After two minutes,
// the mail server is repaired: then a retry sends the receipts. A retry of a stolen card fails again.
//
//	go run ./examples/console -for 0                            # until it is interrupted; also: make console
//	DATABASE_URL=postgres://... go run ./examples/console -for 0
//
// Everybody on this computer may change everything, because the example does not know who asks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/foureyes"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/refund"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/console"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func main() {
	file := flag.String("file", "", "keep everything in this SQLite file")
	listen := flag.String("listen", "127.0.0.1:0", "address of the console")
	lasts := flag.Duration("for", 5*time.Second, "how long the console is served; 0 is until it is interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("DATABASE_URL"), *file, *listen, *lasts); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, database, file, listen string, lasts time.Duration) error {
	store, closeStore, err := storage.Open(context.WithoutCancel(ctx), database, file)
	if err != nil {
		return err
	}
	defer closeStore()
	outside := &outside{booked: make(map[string]bool), mailFrom: time.Now().Add(2 * time.Minute)}
	workflows := []*workflow.Workflow{
		order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: outside, Mailer: outside}),
		trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
		booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: outside}),
		refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: outside}),
		foureyes.NewWorkflow(foureyes.Decider{}, foureyes.Evolver{}),
		subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{Bank: bank{}}),
	}
	if err := fillPast(ctx, store, workflows); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lasts)
		defer cancel()
	}
	engine, err := runtime.NewEngine(store, runtime.Config{Name: "shop-1", Version: "v1.4.0", Logger: slog.New(slog.DiscardHandler)}, workflows...)
	if err != nil {
		return err
	}
	a, err := admin.New(store, admin.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           console.New(a, console.Config{Engine: engine, Access: everybodyHere, Logger: slog.New(slog.DiscardHandler)}),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	fmt.Fprintf(out, "the console is at http://%s/\n", listener.Addr())
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { errs[0] = engine.Run(ctx) })
	all.Go(func() { errs[1] = server.Serve(listener) })
	all.Go(func() { errs[2] = load(ctx, engine) })
	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(ending)
	all.Wait()
	for i := range errs {
		if errors.Is(errs[i], http.ErrServerClosed) || ctx.Err() != nil && errors.Is(errs[i], ctx.Err()) {
			errs[i] = nil
		}
	}
	return errors.Join(err, errs[0], errs[1], errs[2])
}

// everybodyHere lets those on this computer change everything.
func everybodyHere(r *http.Request) (console.Access, error) {
	access, err := console.Local(r)
	if access.Role > console.Nobody {
		access.Name, access.Role, access.ClientInputs = "demo", console.Admin, true
	}
	return access, err
}

// load sends inputs at a steady pace until ctx ends.
func load(ctx context.Context, engine *runtime.Engine) error {
	orders, trips, transfers := order.NewClient(engine), trip.NewClient(engine), foureyes.NewClient(engine)
	places := []string{"Rome", "Oslo", "Rome", "Lisbon", "the Moon"}
	cards := []string{"good", "good", "flaky", "good", "declined", "good", "good"}
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", time.Now().UTC().Format("0102-150405"), n)
		var err error
		switch n % 5 {
		case 0:
			err = accepted(trips.Plan(ctx, trip.Plan{TripID: "trip-" + id, Destination: places[n/5%len(places)]}))
		case 1:
			err = accepted(transfers.Request(ctx, foureyes.Request{TransferID: "transfer-" + id, By: "ann", AmountCents: 1000 * int64(n)}))
			if err == nil && n%3 > 0 {
				err = accepted(transfers.Approve(ctx, foureyes.Approve{TransferID: "transfer-" + id, By: "bob"}))
			}
			if err == nil && n%3 == 1 {
				err = accepted(transfers.Approve(ctx, foureyes.Approve{TransferID: "transfer-" + id, By: "cy"}))
			}
		default:
			card, email := cards[n%len(cards)], "customer@example.com"
			switch n % 1000 { // one in about two minutes
			case 2:
				card = "stolen"
			case 503:
				card, email = "good", unreachable
			}
			err = accepted(orders.Create(ctx, newOrder("o-"+id, card, email)))
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func newOrder(id, card, email string) order.Create {
	return order.Create{OrderID: id, CartID: id, Email: email, Card: card, Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 900}}}
}

// accepted makes an error of an outcome that is not accepted.
func accepted[E, R any](out runtime.Outcome[E, R], err error) error {
	if err == nil && !out.Accepted() {
		err = fmt.Errorf("the load was not accepted: %v", out)
	}
	return err
}

// outside is the world that effects reach: a payment provider, a mail server, and who sells flights and hotels.
type outside struct {
	mailFrom time.Time // since when it reaches the unreachable

	mu     sync.Mutex
	booked map[string]bool
}

// unreachable is an address whose mail server is repaired after a while.
const unreachable = "customer@example.org"

func (o *outside) Charge(_ context.Context, c order.Charge) error {
	switch {
	case c.Card == "flaky" && c.Attempt <= 2:
		return errors.New("connection reset by peer")
	case c.Card == "declined":
		return order.ErrDeclined
	case c.Card == "stolen":
		return runtime.Permanent(errors.New("the bank says that the card was stolen"))
	}
	return nil
}

func (o *outside) SendReceipt(_ context.Context, _, email string, amountCents int64) error {
	if amountCents < 0 || email == "" {
		return errors.New("there is nobody to write to")
	}
	if email == unreachable && time.Now().Before(o.mailFrom) {
		return runtime.Permanent(errors.New("the certificate of the mail server expired"))
	}
	return nil
}

func (o *outside) Book(_ context.Context, what, destination, key string) (reference, refusal string, err error) {
	if destination == "the Moon" || destination == "Oslo" && what == "hotel" {
		return "", "there is no " + what, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.booked[key] = true
	return "REF-" + destination + "-" + what, "", nil
}

func (o *outside) Refund(context.Context, string, string) error { return nil }

// bank takes the price of each subscription.
type bank struct{}

func (bank) Charge(context.Context, string, string, string) error { return nil }
