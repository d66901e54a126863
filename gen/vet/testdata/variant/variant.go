// Package variant passes what looks like a declared type.
package variant

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

// mine embeds an event.
type mine struct {
	shop.Paid
	note string
}

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	events := []shop.CreateEvent{&shop.Listed{}}          // want `^variant: a \*Listed is not declared, a Listed is; pass the struct itself, not a pointer to it$`
	events = append(events, &shop.Listed{})               // want `a \*Listed is not declared`
	return shop.AcceptCreate(&shop.Created{}, events...). // want `a \*Created is not declared`
								Effect(&shop.Mail{}, nil).        // want `a \*Mail is not declared` `variant: nil stands where a decision needs a value`
								StartTimer(&shop.TimerReminder{}) // want `a \*TimerReminder is not declared`
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	if in.Amount == 0 {
		return shop.RejectPay(&shop.Invalid{}) // want `a \*Invalid is not declared`
	}
	if in.Amount == 1 {
		return shop.RejectPay(nil) // want `nil stands where`
	}
	paid := &shop.Paid{}
	if in.Amount == 2 {
		return shop.AcceptPay(paid) // want `a \*Paid is not declared`
	}
	var event shop.PayEvent
	event = &shop.Paid{}                            // want `a \*Paid is not declared`
	var other shop.PayEvent = &shop.Paid{}          // want `a \*Paid is not declared`
	_ = shop.PayEvent(&shop.Paid{})                 // want `a \*Paid is not declared`
	_ = map[string]shop.PayEvent{"a": &shop.Paid{}} // want `a \*Paid is not declared`
	_ = struct{ e shop.PayEvent }{e: &shop.Paid{}}  // want `a \*Paid is not declared`
	_, _ = event, other
	return shop.AcceptPay(mine{}) // want `^variant: a mine is not declared, though it embeds what is; pass the embedded struct$`
}

func (d deciding) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	var first shop.CancelEvent = shop.Cancelled{}
	return shop.AcceptCancel(first, event()).Effect(shop.Mail{})
}

func event() shop.CancelEvent {
	if time.Duration(0) == 0 {
		return nil // of no decision, as far as can be seen
	}
	return shop.Cancelled{}
}

type handling struct{ shop.Handler }

func (handling) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	if e.Amount == 0 {
		return nil, context.Cause(ctx)
	}
	return &shop.Charged{}, nil // want `a \*Charged is not declared`
}

// pointers to other things are fine.
func pointers() (*shop.Paid, any, error) {
	var anything any = &shop.Paid{}
	return &shop.Paid{}, anything, nil
}
