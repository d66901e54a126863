// Package service is a recipe: a workflow that sends an input to a workflow of another service, over HTTP.
package service

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/service/invoice"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
)

//go:generate go tool ironflow-gen

// Config says where the other service is.
func Config(billing string) runtime.Config {
	return runtime.Config{
		Remotes: map[string]runtime.Remote{invoice.WorkflowName: httpapi.NewRemote(billing, nil)},
	}
}

// Decider places orders.
type Decider struct{}

func (Decider) Place(now time.Time, s State, in Place) PlaceDecision {
	return AcceptPlace(Placed{}).Effect(Bill{InvoiceID: "order-" + in.OrderID, Cents: in.Cents})
}

func (Decider) Pay(now time.Time, s State, in Pay) PayDecision { return AcceptPay(Paid{}) }

func (Decider) BillRefused(now time.Time, s State, in BillRefused) BillRefusedDecision {
	var tooMuch invoice.TooMuch
	if in.Details == nil || json.Unmarshal(*in.Details, &tooMuch) != nil {
		return AcceptBillRefused(NotBilled{Why: in.Outcome})
	}
	return AcceptBillRefused(NotBilled{Why: fmt.Sprintf("the limit is %d cents", tooMuch.LimitCents)})
}

// Evolver keeps the problem.
type Evolver struct{}

func (Evolver) Placed(s State, e Placed) State       { return s }
func (Evolver) Paid(s State, e Paid) State           { return s }
func (Evolver) NotBilled(s State, e NotBilled) State { s.Problem = e.Why; return s }
