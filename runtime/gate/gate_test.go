package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/gate"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func tickets(noted func(ticket.State, ticket.Noted) ticket.State) *workflow.Workflow {
	return ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{OnNoted: noted}, ticket.Handler{})
}

func run(t *testing.T, st store.Store, w *workflow.Workflow, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = gate.Run(t.Context(), args, &o, &e, func(_ context.Context, name string) (store.Store, func() error, error) {
		if name != "there" {
			return nil, nil, errors.New("there is no such store")
		}
		return st, func() error { return nil }, nil
	}, w)
	return code, o.String(), e.String()
}

func forgetful(s ticket.State, _ ticket.Noted) ticket.State { panic("I do not remember") }

func TestStore(t *testing.T) {
	t.Parallel()
	st := memory.New()
	e, err := runtime.NewEngine(st, runtime.Config{}, tickets(nil))
	if err != nil {
		t.Fatal(err)
	}
	client := ticket.NewClient(e)
	for _, id := range []string{"a", "b"} {
		if _, err := client.Open(t.Context(), ticket.Open{ID: id, Subject: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Note(t.Context(), ticket.Note{ID: "b", Text: "SECRET"}); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := run(t, st, tickets(nil), "-store", "there")
	if code != gate.OK || !strings.HasPrefix(out, "2 instances, 3 events, ") || !strings.Contains(out, "this program reads all of it") || errOut != "" {
		t.Errorf("got %d\n%s%s", code, out, errOut)
	}
	code, out, _ = run(t, st, tickets(forgetful), "-store", "there", "-json")
	var found telemetry.Verification
	if err := json.Unmarshal([]byte(out), &found); code != gate.Problems || err != nil {
		t.Fatalf("got %d, error %v\n%s", code, err, out)
	}
	if len(found.Problems) != 1 || found.Problems[0].Kind != telemetry.UnreadableHistory || found.Problems[0].Examples[0].ID != "b" || strings.Contains(out, "SECRET") {
		t.Errorf("got %s", out)
	}
	for _, args := range [][]string{{}, {"-store", "nowhere"}, {"-colour"}, {"-read", "/does/not/exist"}} {
		if code, _, errOut := run(t, st, tickets(nil), args...); code != gate.Failed || errOut == "" {
			t.Errorf("%q: got %d, %s", args, code, errOut)
		}
	}
}

// What one program writes, another one reads or does not.
func TestSamples(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	if code, out, errOut := run(t, nil, tickets(nil), "-samples", file); code != gate.OK || out != "" || errOut != "" {
		t.Fatalf("got %d\n%s%s", code, out, errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"Opened", "Tagged", "Escalated", "Noted", "AgentAssigned", "Reminded", "Held", "Resumed", "Solved", "Closed"} {
		if !strings.Contains(string(text), `"type":"`+event+`"`) {
			t.Errorf("no sample has the event %s", event)
		}
	}
	if code, out, errOut := run(t, nil, tickets(nil), "-read", file); code != gate.OK {
		t.Errorf("got %d\n%s%s", code, out, errOut)
	}
	if code, out, _ := run(t, nil, tickets(forgetful), "-read", file); code != gate.Problems || !strings.Contains(out, "unreadable history: ticket Noted: ") {
		t.Errorf("got %d\n%s", code, out)
	}
	newer := bytes.ReplaceAll(text, []byte(`"type":"Noted"`), []byte(`"type":"Scribbled"`))
	if err := os.WriteFile(file, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, nil, tickets(nil), "-read", file); code != gate.Problems || !strings.Contains(out, "unreadable history: ticket Scribbled: ") {
		t.Errorf("got %d\n%s", code, out)
	}
	// What waits is read as well.
	for part, change := range map[string]struct{ from, to, want string }{
		"an effect":       {`"kind":"Notify"`, `"kind":"Telegram"`, "orphaned effect: ticket Telegram: 1, as in \"sample-1\" [IF3301]"},
		"an effect field": {`("kind":"Notify".*"payload":{)"text"`, `$1"words"`, "missing field: ticket effect Notify.text: 1, as in \"sample-1\": it has no default, and is read as zero [IF3302]"},
		"a timer":         {`"kind":"Remind"`, `"kind":"Wake"`, "orphaned timer: ticket Wake: 1, as in "},
		"a rejection":     {`"rejection":{"type":"Busy"`, `"rejection":{"type":"Lazy"`, "unreadable outcome: ticket: 1, as in \"sample-1\": "},
	} {
		newer := regexp.MustCompile(change.from).ReplaceAll(text, []byte(change.to))
		if bytes.Equal(newer, text) {
			t.Errorf("no sample has %s\n%s", part, text)
			continue
		}
		if err := os.WriteFile(file, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, _ := run(t, nil, tickets(nil), "-read", file); code != gate.Problems || !strings.Contains(out, change.want) {
			t.Errorf("%s: got %d\n%s", part, code, out)
		}
	}
}
