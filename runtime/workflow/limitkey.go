package workflow

import (
	"encoding/json"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// maxLimitKey is the largest size of a key as JSON, which is in an index.
const maxLimitKey = 2 * store.MaxIDLength

// limitKey returns the value of the field that the limit counts by, as JSON. It is never empty.
func limitKey(limit *EffectLimit, effect []byte) (string, error) {
	if limit == nil || limit.Key == "" {
		return "", nil
	}
	var fields map[string]json.RawMessage
	if err := ReadJSON(effect, &fields); err != nil {
		return "", err
	}
	if value, ok := fields[limit.Key]; ok {
		if len(value) > maxLimitKey {
			return "", &store.InvalidArgument{Argument: "the limit's key " + limit.Key, Problem: fmt.Sprintf(
				"has %d bytes as JSON, at most %d are allowed", len(value), maxLimitKey)}
		}
		return string(value), nil
	}
	return "null", nil
}
