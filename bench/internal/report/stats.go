package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// Median is the middle one, or the mean of the middle two. It is NaN of nothing.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Percentile is the smallest value that is not exceeded by p percent of the values, which are sorted. It is the zero value
// of nothing.
func Percentile[T cmp.Ordered](sorted []T, p float64) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Figures are what a measurement found out, by name.
type Figures map[string]float64

// String lists them by name.
func (f Figures) String() string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		texts = append(texts, name+" "+Number(f[name]))
	}
	return strings.Join(texts, ", ")
}
