package v2

import (
	"strconv"
	"strings"
)

// Upcaster reads what version 1 stored.
type Upcaster struct{}

// ChargeV1 had the price as a text in whole units and a fraction.
func (Upcaster) ChargeV1(old ChargeV1) Charge {
	cents, _ := strconv.ParseInt(strings.Replace(old.Price, ".", "", 1), 10, 64)
	return Charge{Cents: cents}
}
