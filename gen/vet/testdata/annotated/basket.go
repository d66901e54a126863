// Package annotated declares its workflow in Go, with names of its own.
package annotated

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Basket is the state.
//
//ironflow:workflow type=basket id=BasketID
type Basket struct {
	Phase Phase
	Lines map[string]int64
	Since time.Time
}

// Phase is the status.
type Phase string

// The states.
const (
	//ironflow:accepts Fill Filled=full
	Empty Phase = "empty"

	//ironflow:accepts Fill Filled=full effects=Weigh timers=again
	//ironflow:accepts Buy Bought=gone
	Full Phase = "full"

	//ironflow:terminal
	Gone Phase = "gone"
)

// Fill puts something in.
//
//ironflow:input
type Fill struct {
	BasketID string
	Sku      string
}

// Buy takes it home.
//
//ironflow:input
type Buy struct{ BasketID string }

// Filled says what is in.
//
//ironflow:event
type Filled struct {
	Sku string
	At  time.Time
}

// Bought says that it is gone.
//
//ironflow:event
type Bought struct{ Skus []string }

// Weigh weighs it.
//
//ironflow:effect
type Weigh struct{}

//ironflow:timer again input=Buy

// Decider is the decider.
type Decider struct{}

func (Decider) Fill(now time.Time, b Basket, in Fill) FillDecision {
	return AcceptFill(Filled{Sku: in.Sku, At: time.Now()}).Effect(Weigh{}) // want `clock: the decider Decider.Fill calls time.Now`
}

func (Decider) Buy(now time.Time, b Basket, in Buy) BuyDecision {
	var skus []string
	for sku := range b.Lines {
		skus = append(skus, sku) // want `maporder: the decider Decider.Buy appends to skus`
	}
	return AcceptBuy(Bought{Skus: skus}, Bought{}) // want `decision: no state allows the event Bought for Buy together with Bought`
}

// Evolver is the evolver.
type Evolver struct{}

func (Evolver) Filled(b Basket, e Filled) Basket {
	if b.Lines == nil {
		b.Lines = make(map[string]int64)
	}
	b.Lines[e.Sku]++
	b.Phase = Full
	return b
}

func (Evolver) Bought(b Basket, _ Bought) Basket { return b }

// Handler is the handler.
type Handler struct{}

// Weigh takes a while.
func (Handler) Weigh(ctx context.Context, e Weigh, call runtime.EffectCall) error {
	time.Sleep(time.Second) // want `handler: the handler Handler.Weigh calls time.Sleep`
	return nil
}
