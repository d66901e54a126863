package testfrom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// HistorySuffix ends the name of a golden history.
const HistorySuffix = ".history.jsonl"

// History is a golden history: an export of one instance.
type History struct {
	Name    string // of the file in testdata
	Content []byte
	Events  int
	AsIs    []string // as in Test
}

// NewHistory makes a golden history of an instance. It has its events, and the effects and timers that wait unless Options.At is set. Texts are
// replaced as in a test. Outcomes, causes, keys, errors and traces are left out.
func NewHistory(ctx context.Context, w *spec.Workflow, dir string, o Options) (*History, error) {
	text, err := read(ctx, w, dir, o)
	if err != nil {
		return nil, err
	}
	h := historian{w: w, o: o, redactor: newRedactor(o.Keep)}
	lines := json.NewDecoder(bytes.NewReader(text))
	for n := 1; ; n++ {
		var line map[string]map[string]json.RawMessage
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the export: %w", n, err)
		}
		for kind, fields := range line {
			if err := h.line(kind, fields); err != nil {
				return nil, fmt.Errorf("line %d of the export: %w", n, err)
			}
		}
	}
	id := w.Name.Stored() + "/" + o.Instance
	if h.events == 0 {
		return nil, fmt.Errorf("%s: no such instance in this store", id)
	}
	if o.At > h.version {
		return nil, fmt.Errorf("%s has no version %d: it is at version %d", id, o.At, h.version)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(fileName(o.Instance), "history_"), "_test.go") + HistorySuffix
	return &History{Name: name, Content: h.out.Bytes(), Events: h.events, AsIs: h.redactor.sortedAsIs()}, nil
}

// historian redacts the lines of one instance.
type historian struct {
	w        *spec.Workflow
	o        Options
	redactor *redactor

	wanted  bool // the last instance line was that of the instance
	events  int
	version int64 // of the newest event, left out or not
	out     bytes.Buffer
}

// kept are the fields of a line that say nothing of people.
var kept = map[string][]string{
	"instance": {"format", "workflow", "id"},
	"event":    {"version", "type", "schema_version", "recorded_at", "commit", "status", "completes", "payload"},
	"effect":   {"version", "position", "kind", "due_at", "run_at", "attempts", "token", "commit", "died_at", "payload"},
	"timer":    {"version", "key", "kind", "due_at", "run_at", "attempts", "token", "commit", "died_at", "payload"},
}

func (h *historian) line(kind string, fields map[string]json.RawMessage) (err error) {
	if kind == "instance" {
		h.wanted = text(fields["workflow"]) == h.w.Name.Stored() && text(fields["id"]) == h.o.Instance
	}
	if !h.wanted {
		return nil
	}
	version, _ := strconv.ParseInt(string(fields["version"]), 10, 64) // that is not there in an instance line
	switch kind {
	case "instance":
	case "event":
		if h.version = version; h.o.At > 0 && version > h.o.At {
			return nil
		}
		h.events++
		schema, _ := strconv.Atoi(string(fields["schema_version"]))
		fields["payload"], err = h.message("event", text(fields["type"]), h.w.Events, max(schema, 1), fields["payload"])
	case "effect", "timer":
		if h.o.At > 0 {
			return nil
		}
		messages := h.w.Inputs
		if kind == "effect" {
			messages = effects(h.w)
		}
		fields["payload"], err = h.message(kind, text(fields["kind"]), messages, versionOf(fields["payload"]), fields["payload"])
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return h.write(kind, fields)
}

// write writes a line with the fields that are kept, in their order.
func (h *historian) write(kind string, fields map[string]json.RawMessage) error {
	fmt.Fprintf(&h.out, "{%q:{", kind)
	comma := ""
	for _, name := range kept[kind] {
		value, has := fields[name]
		if !has {
			continue
		}
		fmt.Fprintf(&h.out, "%s%q:", comma, name)
		if err := json.Compact(&h.out, value); err != nil {
			return err
		}
		comma = ","
	}
	h.out.WriteString("}}\n")
	return nil
}

// message redacts the payload of a message.
func (h *historian) message(kind, name string, list []*spec.Message, version int, payload json.RawMessage) (json.RawMessage, error) {
	of := kind + " " + name
	for _, m := range list {
		if m.Name.Stored() != name {
			continue
		}
		fields, known := fieldsOf(m, version)
		if !known {
			return nil, fmt.Errorf("%s: the declaration does not know its version %d; run testfrom on the sources of the program that wrote it", of, version)
		}
		fixed := map[string]string{}
		if m.ID.Text != "" {
			fixed[m.ID.Text] = h.o.Instance
		}
		redacted, err := h.redactor.payload(of, fields, payload, fixed)
		if kind != "event" {
			redacted = withVersion(redacted, version)
		}
		return json.RawMessage(redacted), err
	}
	return nil, fmt.Errorf("%s is not in the declaration; run testfrom on the sources of the program that wrote it", of)
}

func effects(w *spec.Workflow) (list []*spec.Message) {
	for _, e := range w.Effects {
		list = append(list, &e.Message)
	}
	return list
}

func text(value json.RawMessage) (s string) {
	_ = json.Unmarshal(value, &s) // what is no text is none that is looked for
	return s
}

// fieldsOf returns the fields of a version of a message.
func fieldsOf(m *spec.Message, version int) (fields []*spec.Field, known bool) {
	if version == m.Version() {
		return m.Fields, true
	}
	for _, old := range m.Older {
		if old.Version == version {
			return old.Fields, true
		}
	}
	return nil, false
}

// versionOf returns the version of a stored input or effect, which is in its payload.
func versionOf(payload json.RawMessage) int {
	var v struct {
		Version int `json:"@version"`
	}
	_ = json.Unmarshal(payload, &v) // whoever redacts the payload says what is wrong with it
	return max(v.Version, 1)
}

// withVersion puts the version of an input or effect before its fields.
func withVersion(payload string, version int) string {
	if version == 1 || payload == "" {
		return payload
	}
	return strings.Replace(fmt.Sprintf(`{"@version":%d,%s`, version, payload[1:]), ",}", "}", 1)
}
