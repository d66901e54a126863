// Package clock looks at the clock.
package clock

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/clock/price"
	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

// Direct calls package time itself.
type Direct struct{ shop.Decider }

func (Direct) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	return shop.AcceptCreate(shop.Created{At: time.Now()}) // want `^clock: the decider Direct.Create calls time.Now; use the decider's parameter for the time$`
}

func (d Direct) Pay(_ time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	if s.PaidAt != nil && time.Since(*s.PaidAt) > time.Hour { // want `decider Direct.Pay calls time.Since`
		return shop.RejectPay(shop.Invalid{})
	}
	if time.Until(*s.PaidAt) > 0 { // want `decider Direct.Pay calls time.Until`
		return shop.RejectPay(shop.Invalid{})
	}
	return shop.AcceptPay(shop.Paid{Amount: in.Amount, At: time.Now()}) // want `decider Direct.Pay calls time.Now`
}

func (Direct) Cancel(at time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	time.Sleep(time.Second)                  // want `^clock: the decider Direct.Cancel calls time.Sleep; declare a timer$`
	<-time.After(time.Second)                // want `concurrency: the decider Direct.Cancel receives from a channel` `decider Direct.Cancel calls time.After`
	later := func() { _ = time.Now() }       // want `decider Direct.Cancel calls time.Now`
	ctx, stop := context.WithTimeout(nil, 1) // want `decider Direct.Cancel calls context.WithTimeout`
	_, _, _ = ctx, stop, later
	{
		at := "shadowed"
		_ = at
		_ = time.Now() // want `decider Direct.Cancel calls time.Now`
	}
	return shop.AcceptCancel(shop.Cancelled{Reason: at.String()})
}

func (Direct) Remind(time.Time, shop.State, shop.Remind) shop.RemindDecision {
	_ = time.Now() // want `decider Direct.Remind calls time.Now`
	return shop.AcceptRemind(shop.Reminded{})
}

func (Direct) Charged(_ time.Time, _ shop.State, in shop.Charged) shop.ChargedDecision {
	now := len(in.OrderID)
	return shop.AcceptCharged(shop.Paid{Amount: int64(now), At: time.Now()}) // want `decider Direct.Charged calls time.Now`
}

// Chains calls something that does. It is recognized as a pointer too.
type Chains struct {
	shop.Decider
	clock func() time.Time
	table price.Table
	other interface{ Now() time.Time }
}

func NewChains() *Chains { return &Chains{clock: time.Now} }

func (c *Chains) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	_ = price.Lookup("a")   // want `^clock: the decider Chains.Create calls price.Lookup, which calls price.age, which calls time.Since \(price.go:11\); use the`
	_, _ = price.Generic(1) // want `calls price.Generic, which calls time.Now \(price.go:\d+\)`
	_ = price.All()         // want `calls price.All, which calls price.a, which calls price.b, which calls price.c, which \.\.\., which calls time.Now`
	_ = price.Recursive(3)  // want `calls price.Recursive, which calls time.Now`
	_ = price.Clock()       // want `calls price.Clock, which refers to time.Now`
	_ = c.clock()           // want `calls c.clock, which refers to time.Now`
	_ = c.table.Fresh()     // want `calls price.Table.Fresh, which calls time.Since`
	_ = c.table.Of("a")     // not the clock
	_ = price.Stamp()       // known to be harmless
	_ = c.other.Now()       // an interface: who knows
	_ = c.helper(in)        // want `calls Chains.helper, which calls time.Now \(clock.go:\d+\)`
	_ = apply(c.helper)     // want `refers to Chains.helper, which calls time.Now`
	return c.Decider.Create(now, s, in)
}

func apply(f func(shop.Create) string) string { return f(shop.Create{}) }

func (c *Chains) helper(shop.Create) string { return time.Now().String() }

func (c *Chains) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	c.Create(now, s, shop.Create{}) // has its own reports
	return c.Decider.Pay(now, s, in)
}

func (c *Chains) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	//ironflow:ignore clock the log line only
	_ = time.Now()
	_ = time.Now() //ironflow:ignore clock the log line only
	// want +1 `calls time.Now` `ignore: the comment suppresses nothing`
	_ = time.Now() //ironflow:ignore random not the right analyzer
	// want +1 `calls time.Now` `ignore: the comment gives no reason`
	_ = time.Now() //ironflow:ignore clock
	return c.Decider.Cancel(now, s, in)
}

// folding is an evolver.
type folding struct{ shop.Evolver }

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	now := time.Now() // want `^clock: the evolver folding.Paid calls time.Now; put the time into the event$`
	s.PaidAt = &now
	return s
}

// base is embedded: its methods are those of the decider.
type base struct{}

func (base) Pay(time.Time, shop.State, shop.Pay) shop.PayDecision {
	time.Sleep(1) // want `the decider embedding.Pay calls time.Sleep`
	return shop.AcceptPay(shop.Paid{})
}

type rest interface {
	Create(time.Time, shop.State, shop.Create) shop.CreateDecision
	Cancel(time.Time, shop.State, shop.Cancel) shop.CancelDecision
	Remind(time.Time, shop.State, shop.Remind) shop.RemindDecision
	Charged(time.Time, shop.State, shop.Charged) shop.ChargedDecision
}

type embedding struct {
	base
	rest
}

// generic is a decider for any T.
type generic[T any] struct {
	shop.Decider
	value T
}

func (g generic[T]) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	_ = time.Now() // want `the decider generic.Pay calls time.Now`
	return g.Decider.Pay(now, s, in)
}

// unrelated is no decider.
type unrelated struct{}

func (unrelated) Pay(now time.Time) time.Time { return time.Now() }

// handling may do what it likes.
type handling struct{ shop.Handler }
