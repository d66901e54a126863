package relay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Format is the form of messages: CloudEvents 1.0 in one of its two modes.
type Format int

const (
	// Structured messages are JSON objects with the attributes of the event; the fields of the event are in "data".
	Structured Format = iota

	// Binary messages have the fields of the event as a plain JSON object, and the attributes as headers, whose names begin with "ce-".
	Binary
)

// renderer makes messages of events.
type renderer struct {
	subject template
	schema  template // nil for none
	format  Format
	source  string

	at   time.Time // of the last event: those of a commit have the same
	time string    // at as an attribute
}

// messages returns the messages of events, up to the first event that cannot be a message; err says why it cannot.
func (r *renderer) messages(events []store.StoredEvent) (made []Message, err error) {
	made = make([]Message, len(events))
	for i := range events {
		e, m := &events[i], &made[i]
		*m = Message{ID: messageID(e), Subject: r.subject.of(e), Key: e.Instance.String(), Event: *e}
		if r.format == Structured {
			m.Headers, m.Body = structuredHeaders, r.structured(m)
		} else {
			m.Body = e.Payload
			m.Headers = append(make([]Header, 0, 12), Header{"content-type", "application/json"})
			r.attributes(m, func(name, value string, _ bool) {
				m.Headers = append(m.Headers, Header{"ce-" + name, headerText(value)})
			})
		}
		if len(m.Subject) > maxSubject {
			return made[:i], runtime.Permanent(fmt.Errorf("its subject has %d bytes; at most %d are allowed", len(m.Subject), maxSubject))
		}
	}
	return made, nil
}

// maxSubject is the longest subject, in bytes. Topics of Kafka have a lower limit.
const maxSubject = 2048

var structuredHeaders = []Header{{"content-type", "application/cloudevents+json"}}

// attributes calls yield for each attribute of CloudEvents. A number is marked.
func (r *renderer) attributes(m *Message, yield func(name, value string, number bool)) {
	e := &m.Event
	if !e.RecordedAt.Equal(r.at) || r.time == "" {
		r.at, r.time = e.RecordedAt, e.RecordedAt.UTC().Format(time.RFC3339Nano)
	}
	sequence, _, _ := strings.Cut(m.ID, "-")
	yield("specversion", "1.0", false)
	yield("id", m.ID, false)
	yield("source", r.source, false)
	yield("type", "ironflow."+e.Instance.Workflow+"."+e.Type, false)
	if r.schema != nil {
		yield("dataschema", r.schema.of(e), false)
	}
	yield("subject", e.Instance.ID, false)
	yield("time", r.time, false)
	yield("partitionkey", m.Key, false)
	yield("sequence", sequence, false)
	yield("workflow", e.Instance.Workflow, false)
	yield("instanceversion", strconv.FormatInt(e.Version, 10), true)
	yield("schemaversion", strconv.Itoa(e.SchemaVersion), true)
}

// structured returns the JSON of a message.
func (r *renderer) structured(m *Message) []byte {
	b := make([]byte, 0, 384+len(m.Event.Payload)+2*len(m.Key))
	b = append(b, '{')
	r.attributes(m, func(name, value string, number bool) {
		b = append(append(append(b, '"'), name...), `":`...)
		if number {
			b = append(b, value...)
		} else {
			b = appendString(b, value)
		}
		b = append(b, ',')
	})
	b = append(b, `"datacontenttype":"application/json","data":`...)
	if len(m.Event.Payload) == 0 {
		b = append(b, "{}"...)
	}
	return append(append(b, m.Event.Payload...), '}')
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := json.Marshal(s)
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// headerText returns a text with the characters that a header may have: others are percent-encoded, as CloudEvents asks for headers.
func headerText(s string) string {
	const digits = "0123456789ABCDEF"
	escape := func(c byte) bool { return c <= ' ' || c > '~' || c == '"' || c == '%' }
	for i := range len(s) {
		if !escape(s[i]) {
			continue
		}
		b := append(make([]byte, 0, len(s)+8), s[:i]...)
		for ; i < len(s); i++ {
			if c := s[i]; escape(c) {
				b = append(b, '%', digits[c>>4], digits[c&15])
			} else {
				b = append(b, c)
			}
		}
		return string(b)
	}
	return s
}
