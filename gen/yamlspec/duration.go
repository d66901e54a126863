package yamlspec

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"gopkg.in/yaml.v3"
)

// leadingDays splits the days off a duration; Go's own syntax ends at hours.
var leadingDays = regexp.MustCompile(`^(\d+)d(.*)$`)

const day = 24 * time.Hour

// arbitraryDuration stands for one that could not be read and has been reported.
const arbitraryDuration = time.Second

// duration returns a duration above zero, or 0 for nothing written. What cannot be read is reported and gives a
// valid duration all the same, so that it does not count as missing.
func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	if n == nil {
		return 0
	}
	n = r.resolve(n)
	switch {
	case n == nil:
		return arbitraryDuration
	case isNull(n):
		return 0
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int":
		r.report(n, diagnostic.BadDuration, "%s is a number without a unit; write a duration like %ss, %sm or %sd", what, n.Value, n.Value, n.Value)
		return arbitraryDuration
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		d, ok := parseDuration(n.Value)
		if ok && d > 0 {
			return d
		}
		if ok {
			r.report(n, diagnostic.BadDuration, "%s is %s; it must be longer than zero", what, n.Value)
			return arbitraryDuration
		}
	}
	r.report(n, diagnostic.BadDuration, "%s must be a duration like 500ms, 30s, 1h30m or 7d, not %s", what, found(n))
	return arbitraryDuration
}

// parseDuration reads a Go duration that may begin with whole days: 7d, 1d12h.
func parseDuration(text string) (time.Duration, bool) {
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
