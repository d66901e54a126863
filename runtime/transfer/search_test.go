package transfer_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// An imported instance is found by the values that it had.
func TestSearchValues(t *testing.T) {
	ctx := t.Context()
	from, to := memory.New(), memory.New()
	key := store.InstanceKey{Workflow: "order", ID: "o-1"}
	now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	err := from.Append(ctx, store.Batch{Commit: 1, Changes: []store.Change{{
		Instance: key, Now: now, Due: now, Events: []store.NewEvent{{Type: "Created", SchemaVersion: 1, Payload: []byte("{}")}},
		Search: []store.SearchValue{{Field: "email", Value: "ada@example.com"}, {Field: "city", Value: ""}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if _, err := transfer.Export(ctx, from, &lines, transfer.ExportOptions{Instances: []store.InstanceKey{key}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(lines.String(), `"search":{"email":"ada@example.com"}`) {
		t.Errorf("got %s", &lines)
	}
	var redacted bytes.Buffer
	unchanged := func(_ workflow.PayloadName, payload []byte) []byte { return payload }
	if _, err := transfer.Export(ctx, from, &redacted, transfer.ExportOptions{Instances: []store.InstanceKey{key}, Redact: unchanged}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(redacted.String(), "ada@") {
		t.Errorf("Redact is set, and got %s", &redacted)
	}
	broken := strings.Replace(lines.String(), `"ada@example.com"`, `""`, 1)
	if _, err := transfer.Import(ctx, memory.New(), strings.NewReader(broken), transfer.ImportOptions{}); err == nil || !strings.Contains(err.Error(), `"email"`) {
		t.Errorf("an empty value: got error %v", err)
	}
	if _, err := transfer.Import(ctx, to, &lines, transfer.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	found, err := to.FindInstances(ctx, store.FindQuery{Workflow: "order", Field: "email", Value: "ada@example.com", Limit: 2})
	if err != nil || len(found) != 1 || found[0].Key != key {
		t.Errorf("got %+v, %v", found, err)
	}
}
