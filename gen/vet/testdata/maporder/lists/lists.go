// Package lists makes lists of maps.
package lists

import (
	"maps"
	"slices"
)

// Keys are in the order of the map.
func Keys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// SortedKeys are sorted.
func SortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// Both returns two.
func Both(m map[string]int64) (int, []string, error) {
	keys := Keys(m)
	return len(keys), keys, nil
}

// Collected are in the order of the map too.
func Collected(m map[string]int64) []string { return slices.Collect(maps.Keys(m)) }

// Named has a named result.
func Named(m map[string]int64) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return
}

// First is any of them.
func First(m map[string]int64) string {
	for k := range m {
		return k
	}
	return ""
}

// Sum does not depend on the order.
func Sum(list []string) (n int) {
	for _, s := range list {
		n += len(s)
	}
	return n
}
