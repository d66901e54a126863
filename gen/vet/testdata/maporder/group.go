package maporder

import (
	"strings"
	"time" // of now

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type grouped struct{ shop.Decider }

func (d grouped) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	var b strings.Builder
	for _, n := range s.Stock {
		b.WriteByte(byte(n)) // want `writes to b`
	}
	key := b.String()
	for _, price := range s.Prices {
		key += time.Duration(price).String() // want `builds the string key`
		_ = key
	}
	kept := ""
	for sku, n := range s.Stock { // the loop changes the map
		s.Stock[sku] = n + 1
		kept = sku // want `sets kept`
	}
	for sku := range all() {
		kept += sku // want `builds the string kept`
	}
	maps := s.Stock
	for sku := range maps {
		kept += sku // want `builds the string kept`
	}
	return shop.AcceptCancel(shop.Cancelled{Reason: key + kept})
}

func all() map[string]int64 { return nil }
