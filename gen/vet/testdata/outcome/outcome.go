// Package outcome calls clients.
package outcome

import (
	"context"
	"fmt"
	"log"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

func ignored(ctx context.Context, c *shop.Client, e *runtime.Engine) error {
	if _, err := c.Pay(ctx, shop.Pay{}); err != nil { // want `^outcome: the outcome of c.Pay is not looked at, so a rejection goes unnoticed; ask it Accepted or Rejected$`
		return err
	}
	c.Cancel(ctx, shop.Cancel{})                 // want `the outcome of c.Cancel is not looked at`
	go c.Cancel(ctx, shop.Cancel{})              // want `the outcome of c.Cancel is not looked at`
	defer c.Cancel(ctx, shop.Cancel{})           // want `the outcome of c.Cancel is not looked at`
	_, _ = c.Cancel(ctx, shop.Cancel{})          // want `the outcome of c.Cancel is not looked at`
	_, err := e.ExecuteDynamic(ctx, "shop", nil) // want `the outcome of e.ExecuteDynamic is not looked at`
	if err != nil {
		return err
	}
	out, err := c.Pay(ctx, shop.Pay{}) // want `^outcome: nothing asks the outcome of c.Pay whether the input was rejected; ask it Accepted or Rejected$`
	log.Print(out.Version)
	var other, _ = c.Internal().Remind(ctx, shop.Remind{}) // want `nothing asks the outcome of c.Internal\(\).Remind`
	_ = other
	_, err = wrapper(ctx, c) // want `the outcome of wrapper is not looked at`
	return err
}

func wrapper(ctx context.Context, c *shop.Client) (shop.PayOutcome, error) {
	return c.Pay(ctx, shop.Pay{})
}

func inspected(ctx context.Context, c *shop.Client) (result shop.PayOutcome, err error) {
	out, err := c.Pay(ctx, shop.Pay{})
	if err != nil || out.Rejected() {
		return out, err
	}
	created, err := c.Create(ctx, shop.Create{})
	fmt.Println(created, err)
	events, err := c.Create(ctx, shop.Create{})
	if len(events.Events) == 0 {
		return result, err
	}
	var o shop.CancelOutcome
	if o, err = c.Cancel(ctx, shop.Cancel{}); err == nil {
		check(&o)
	}
	late, err := c.Pay(ctx, shop.Pay{})
	func() { log.Print(late.Rejection) }()
	kept.out, err = c.Pay(ctx, shop.Pay{})
	switch last, err := c.Pay(ctx, shop.Pay{}); {
	case err != nil, last.AlreadyCompleted():
	}
	result, err = c.Pay(ctx, shop.Pay{})
	return
}

var kept struct{ out shop.PayOutcome }

func check(*shop.CancelOutcome) {}

// state has no outcome.
func state(ctx context.Context, c *shop.Client) error {
	_, err := c.State(ctx, "a")
	return err
}
