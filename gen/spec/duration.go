package spec

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/internal/statechart"
)

// leadingDays splits the days off a duration; Go's own syntax ends at hours.
var leadingDays = regexp.MustCompile(`^(\d+)d(.*)$`)

const day = 24 * time.Hour

// ParseDuration reads a duration as declarations write it: as in Go, but it may begin with whole days, as in 7d or 1d12h.
func ParseDuration(text string) (time.Duration, bool) {
	var days time.Duration
	if m := leadingDays.FindStringSubmatch(text); m != nil {
		count, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || count > math.MaxInt64/int64(day) {
			return 0, false
		}
		days, text = time.Duration(count)*day, m[2]
		if text == "" {
			return days, true
		}
		if text[0] == '-' || text[0] == '+' {
			return 0, false
		}
	}
	rest, err := time.ParseDuration(text)
	if err != nil || rest > math.MaxInt64-days {
		return 0, false
	}
	return days + rest, true
}

// DurationText writes a duration as declarations do: 30m and not 30m0s, 7d and not 168h.
func DurationText(d time.Duration) string { return statechart.Duration(d) }
