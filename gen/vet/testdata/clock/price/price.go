// Package price is called by deciders.
package price

import (
	"time"
)

// Lookup depends on the clock, in the end.
func Lookup(sku string) int64 { return age(sku) }

func age(string) int64 { return int64(time.Since(epoch)) }

var epoch = time.Unix(0, 0)

// Clock may be replaced by tests.
var Clock = time.Now

// Table has prices of a time.
type Table struct{ at time.Time }

// Current is the table of now.
func Current() Table { return Table{stamp()} }

// Of does not depend on the clock.
func (t Table) Of(string) int64 { return t.at.Unix() }

// Fresh does.
func (t *Table) Fresh() bool { return time.Since(t.at) < time.Hour }

func stamp() time.Time {
	return time.Now() //ironflow:ignore clock prices are stored with the day they are of
}

// Stamp is known to be read by no decision.
func Stamp() time.Time { return stamp() }

// Generic is the same for all types.
func Generic[T any](v T) (T, time.Time) { return v, time.Now() }

// All has a chain that is too long to be shown.
func All() time.Time { return a() }

func a() time.Time { return b() }
func b() time.Time { return c() }
func c() time.Time { return d() }
func d() time.Time { return time.Now() }

// Recursive calls itself.
func Recursive(n int) time.Time {
	if n == 0 {
		return time.Now()
	}
	return Recursive(n - 1)
}
