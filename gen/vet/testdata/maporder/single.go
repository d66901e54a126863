package maporder

import "time"
import "github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"

type single struct{ shop.Decider }

func (d single) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	reason := ""
	for sku := range s.Stock {
		reason += sku // want `builds the string reason`
	}
	for sku := range s.Prices {
		reason += sku // want `builds the string reason`
	}
	return shop.AcceptCancel(shop.Cancelled{Reason: reason})
}
