package commit

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// notRedacted stands in for a payload that could not be redacted: nothing of it may be seen then.
const notRedacted = `{"redaction":"failed"}`

// redact returns what may be seen of a payload in logs and observations.
func (c *Config) redact(name workflow.PayloadName, payload []byte) (visible []byte) {
	if c.Redact == nil {
		return payload
	}
	defer func() {
		if v := recover(); v != nil { // which may hold what must not be seen
			c.Logger.Error("ironflow: Config.Redact panicked", "payload", name.String(), "panic", fmt.Sprintf("%T", v))
			visible = []byte(notRedacted)
		}
	}()
	visible = c.Redact(name, append([]byte(nil), payload...)) // its own copy: the payload itself is about to be stored
	problem := ""
	switch {
	case !json.Valid(visible) || !utf8.Valid(visible): // a store may refuse it, and with it the whole commit
		problem = "Config.Redact returned no JSON"
	case len(visible) > max(c.MaxPayloadBytes, len(payload)):
		problem = "Config.Redact returned more than Config.MaxPayloadBytes"
	default:
		return visible
	}
	c.Logger.Error("ironflow: "+problem, "payload", name.String())
	return []byte(notRedacted)
}
