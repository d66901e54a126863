// Package unfinished has stubs.
package unfinished

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

func unfinished(method string) *runtime.Unfinished {
	return &runtime.Unfinished{Workflow: shop.WorkflowName, Method: method}
}

type deciding struct{ shop.Decider }

func (deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	panic(unfinished("deciding.Pay")) // want `^unfinished: deciding.Pay is not written yet; write it in place of the stub$`
}

type folding struct{ shop.Evolver }

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	panic(unfinished("folding.Paid")) // want `folding.Paid is not written yet`
}

type handling struct{ shop.Handler }

func (handling) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	return nil, unfinished("handling.Charge") // want `handling.Charge is not written yet`
}
