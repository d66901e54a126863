// Package settings is used by deciders.
package settings

import "sync"

// Limit is a setting.
var Limit = 10

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
