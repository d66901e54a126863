package relay

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var event = store.StoredEvent{
	Instance: store.InstanceKey{Workflow: "order", ID: "o.1/ä \"x\""}, Version: 2, GlobalSequence: 77, Type: "Paid", SchemaVersion: 3,
	Payload: []byte(`{"amount_cents":900}`), RecordedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Commit: -1,
}

func TestStructuredMessage(t *testing.T) {
	t.Parallel()
	subject, err := parseSubject("ironflow.{workflow}.{event}.{id}")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := parseDataSchema("https://example.com/{workflow}.json?v={version}#{event}")
	if err != nil {
		t.Fatal(err)
	}
	r := renderer{subject: subject, schema: schema, source: "ironflow"}
	made, err := r.messages([]store.StoredEvent{event})
	if err != nil {
		t.Fatal(err)
	}
	m := made[0]
	const want = `{"specversion":"1.0","id":"77-ffffffffffffffff","source":"ironflow","type":"ironflow.order.Paid",` +
		`"dataschema":"https://example.com/order.json?v=3#Paid","subject":"o.1/ä \"x\"","time":"2026-01-02T03:04:05.000006Z","partitionkey":"order/o.1/ä \"x\"","sequence":"77",` +
		`"workflow":"order","instanceversion":2,"schemaversion":3,"datacontenttype":"application/json","data":{"amount_cents":900}}`
	if string(m.Body) != want || !json.Valid(m.Body) {
		t.Errorf("the body is %s,\nwant %s", m.Body, want)
	}
	if m.Subject != "ironflow.order.Paid.o_2E1_2F_C3_A4_20_22x_22" || m.Key != "order/o.1/ä \"x\"" {
		t.Errorf("the subject is %q, the key %q", m.Subject, m.Key)
	}
	if position, is := positionOf(m.ID); !is || position != 77 {
		t.Errorf("the id %q names event %d", m.ID, position)
	}
}

func TestBinaryMessage(t *testing.T) {
	t.Parallel()
	r := renderer{format: Binary, source: "ironflow"}
	made, err := r.messages([]store.StoredEvent{event})
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for _, h := range made[0].Headers {
		headers[h.Name] = h.Value
	}
	for name, want := range map[string]string{
		"content-type": "application/json", "ce-id": "77-ffffffffffffffff", "ce-type": "ironflow.order.Paid", "ce-specversion": "1.0",
		"ce-subject": "o.1/%C3%A4%20%22x%22", "ce-instanceversion": "2",
	} {
		if headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, headers[name], want)
		}
	}
	if string(made[0].Body) != string(event.Payload) {
		t.Errorf("the body is %s", made[0].Body)
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	err := quick.Check(func(text string) bool {
		escaped := Escape(text)
		back, err := Unescape(escaped)
		return err == nil && back == text && strings.IndexFunc(escaped, func(r rune) bool { return !plain(r) && r != '_' }) < 0
	}, nil)
	if err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"a_2", "_2e", "_41", "a.b", "_", "_+1"} {
		if text, err := Unescape(wrong); err == nil {
			t.Errorf("%q is %q", wrong, text)
		}
	}
}

func BenchmarkMessages(b *testing.B) {
	subject, err := parseSubject("ironflow.{workflow}.{id}")
	if err != nil {
		b.Fatal(err)
	}
	r := renderer{subject: subject, source: "ironflow"}
	events := make([]store.StoredEvent, 1000)
	for i := range events {
		events[i] = event
		events[i].Instance.ID, events[i].GlobalSequence, events[i].Version = "o-17", int64(1e6+i), int64(100+i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if made, err := r.messages(events); err != nil || len(made) != len(events) {
			b.Fatal(err)
		}
	}
}
