// Package seeded has workflows with one mistake each. Tests use it to show that the tools for tests find mistakes.
package seeded

import (
	"errors"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Orders returns orders with these deciders and evolvers, and the handler of the example.
func Orders(d order.InputDecider, e order.EventEvolver) *workflow.Workflow {
	return order.NewWorkflow(d, e, order.Handler{})
}

// Trips returns trips with this decider. Their agency has no hotel.
func Trips(d compensate.InputDecider) *workflow.Workflow {
	return compensate.NewWorkflow(d, compensate.Evolver{}, compensate.Handler{Agency: &Agency{Hotel: errors.New("full")}})
}

// Decisions has a workflow for each mistake in a decider or an evolver, by the name of the mistake.
var Decisions = map[string]*workflow.Workflow{
	"index of an empty list":   Orders(EmptyOrder{}, order.Evolver{}),
	"no decision":              Orders(NoDecision{}, order.Evolver{}),
	"clock read":               Orders(OwnClock{}, order.Evolver{}),
	"global counter":           Orders(Counter{Decisions: new(int64)}, order.Evolver{}),
	"map order":                Orders(MapOrder{}, order.Evolver{}),
	"off by one on a deadline": Orders(LateSale{}, order.Evolver{}),
	"endless loop":             Orders(Endless{}, order.Evolver{}),
	"goroutine in a decider":   Orders(Background{}, order.Evolver{}),
	"aliasing":                 Orders(order.Decider{}, Aliasing{}),
	"forgotten field":          Orders(order.Decider{}, Forgetful{}),
	"forgotten effect":         Trips(NoFlight{}),
	"compensation skipped":     Trips(NoCompensation{}),
	"stuck after a refusal":    Trips(Picky{}),
}
