package yamlspec

import (
	"math"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// written returns the node that holds a value, nil for nothing written.
func (r *reader) written(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n = r.resolve(n); n == nil || isNull(n) {
		return nil
	}
	return n
}

// boolean returns true or false, false for nothing written. What cannot be read is reported, and ok is false.
func (r *reader) boolean(n *yaml.Node, what string) (value, ok bool) {
	if n = r.written(n); n == nil {
		return false, true
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.report(n, diagnostic.NotBoolean, "%s must be true or false, not %s", what, found(n))
		return false, false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", true
}

// integer returns a whole number of at least 1, or 0 for nothing written.
func (r *reader) integer(n *yaml.Node, what string) int {
	if n = r.written(n); n == nil {
		return 0
	}
	if i, ok := whole(n); ok && i >= 1 {
		return i
	}
	r.report(n, diagnostic.NotNumber, "%s must be a whole number from 1 to 2147483647, not %s", what, found(n))
	return 0
}

// signed returns a whole number, or 0 for nothing written.
func (r *reader) signed(n *yaml.Node, what string) int {
	if n = r.written(n); n == nil {
		return 0
	}
	if i, ok := whole(n); ok {
		return i
	}
	r.report(n, diagnostic.NotNumber, "%s must be a whole number, not %s", what, found(n))
	return 0
}

// whole reads a whole number of 32 bits.
func whole(n *yaml.Node) (i int, ok bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		return 0, false
	}
	number, err := strconv.ParseInt(n.Value, 10, 32)
	return int(number), err == nil
}

// rate returns a number above zero, or 0 for nothing written.
func (r *reader) rate(n *yaml.Node, what string) float64 {
	if n = r.written(n); n == nil {
		return 0
	}
	if n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float") {
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && f > 0 && f <= math.MaxInt32 {
			return f
		}
	}
	r.report(n, diagnostic.NotNumber, "%s must be a number above 0 and at most 2147483647, the count in each second, not %s", what, found(n))
	return 0
}
