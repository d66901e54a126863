package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// maxListed is how many known names a message lists when none of them is near.
const maxListed = 8

// maxEdits is how far a misspelled name may be from the one that was meant.
const maxEdits = 3

// Suggest helps a user who wrote a name that is not among the known ones. It returns the known name that was probably
// meant, or "", and the fix for a diagnostic: "did you mean ...?", a list of the known names if it is short, or nothing.
// Known names without text are those that could not be read.
func Suggest(name string, known []string) (nearest, hint string) {
	seen := make(map[string]bool)
	known = slices.DeleteFunc(slices.Clone(known), func(k string) bool {
		again := k == "" || seen[k]
		seen[k] = true
		return again
	})
	if nearest = nearestName(name, known); nearest != "" {
		return nearest, "did you mean " + quote(nearest) + "?"
	}
	if len(known) == 0 || len(known) > maxListed {
		return "", ""
	}
	return "", "expected " + listed(known, "or")
}

// quote writes a name as messages do.
func quote(name string) string { return strconv.Quote(name) }

// listed writes names in quotes as a sentence does: "a", "b" or "c".
func listed(names []string, last string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return diagnostic.Listing(quoted, last)
}

// nearestName returns the known name with the fewest edits from name, the first of equals, or "" when all are too far.
// Short names allow one edit, long ones three; letter case does not count.
func nearestName(name string, known []string) string {
	best, fewest := "", maxEdits+1
	for _, k := range known {
		limit := min(max(len(name), len(k), 3)/3, fewest-1)
		if d := distance(strings.ToLower(name), strings.ToLower(k), limit); d <= limit {
			best, fewest = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b. It stops early,
// with a number above limit, when there are more than that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			replace := row[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			next[j] = min(replace, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
			least = min(least, next[j])
		}
		// A swap looks one row further back, so one row above the limit is not yet the end.
		if least > limit+1 {
			return least
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
