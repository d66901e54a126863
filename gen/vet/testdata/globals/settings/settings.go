// Package settings is used by deciders.
package settings

import "sync"

// Limit changes while the program runs.
var Limit = 10

// Fixed does not.
var Fixed = 10

// SetLimit changes the limit.
func SetLimit(n int) { Limit = n }

var calls int

// Count counts its calls.
func Count() int {
	calls++
	return calls
}

var (
	once  sync.Once
	table map[string]int
)

// Table is made once.
func Table() map[string]int {
	once.Do(func() { table = map[string]int{"a": 1} })
	return table
}
