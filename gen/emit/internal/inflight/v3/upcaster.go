package v3

import (
	"fmt"
	"strconv"
	"strings"
)

// Upcaster reads what versions 1 and 2 stored.
type Upcaster struct{}

// ChargeV1 had the price as a text in whole units and a fraction.
func (Upcaster) ChargeV1(old ChargeV1) ChargeV2 {
	cents, _ := strconv.ParseInt(strings.Replace(old.Price, ".", "", 1), 10, 64)
	return ChargeV2{Cents: cents}
}

// ChargeV2 had the amount in cents.
func (Upcaster) ChargeV2(old ChargeV2) Charge { return Charge{Amount: price(old.Cents)} }

func price(cents int64) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
