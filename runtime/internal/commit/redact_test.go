package commit

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	name := workflow.PayloadName{Workflow: "order", Kind: workflow.InputPayload, Name: "Pay"}
	payload := []byte(`{"card":"4111"}`)
	for what, test := range map[string]struct {
		redact func(workflow.PayloadName, []byte) []byte
		want   string
		log    string
	}{
		"no hook": {nil, `{"card":"4111"}`, ""},
		"changed in place": {func(n workflow.PayloadName, p []byte) []byte {
			if n != name {
				t.Errorf("asked for %v", n)
			}
			copy(p[9:], "****")
			return p
		}, `{"card":"****"}`, ""},
		"panic":    {func(workflow.PayloadName, []byte) []byte { panic("4111") }, notRedacted, "Config.Redact panicked"},
		"no JSON":  {func(workflow.PayloadName, []byte) []byte { return []byte("secret") }, notRedacted, "no JSON"},
		"no UTF-8": {func(workflow.PayloadName, []byte) []byte { return []byte("\"\xff\"") }, notRedacted, "no JSON"},
		"too much": {func(workflow.PayloadName, []byte) []byte { return []byte(`"` + strings.Repeat("x", 999) + `"`) }, notRedacted, "MaxPayloadBytes"},
		"nothing":  {func(workflow.PayloadName, []byte) []byte { return nil }, notRedacted, "input Pay of order"},
	} {
		log.Reset()
		c := Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Redact: test.redact, MaxPayloadBytes: 100}
		if got := string(c.redact(name, payload)); got != test.want {
			t.Errorf("%s: got %s", what, got)
		}
		if !strings.Contains(log.String(), test.log) {
			t.Errorf("%s: logged %q", what, log.String())
		}
		if strings.Contains(log.String(), "4111") || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the log shows it: %q", what, log.String())
		}
		if string(payload) != `{"card":"4111"}` {
			t.Fatalf("%s: what is stored was changed to %s", what, payload)
		}
	}
}
