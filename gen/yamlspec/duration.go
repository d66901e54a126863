package yamlspec

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

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
		d, ok := spec.ParseDuration(n.Value)
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
