package testfrom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/format"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// kitVariable is how a test file begins that has a kit, as the ones do that ironflow-gen writes.
var kitVariable = regexp.MustCompile(`(?m)^(?:var|	)\s*kit\s*=\s*NewKit\(`)

// kitID is the id of an instance in a test kit that no input has named.
const kitID = "under-test"

// render writes the test.
func render(w *spec.Workflow, dir string, h *history, o Options) (*Test, error) {
	test := &Test{Name: fileName(o.Instance), Events: len(h.events)}
	r := newRedactor(o.Keep)
	var body bytes.Buffer
	kit := "kit"
	if !hasKit(dir) {
		kit = "NewKit(NewWorkflow(Decider{}, Evolver{}"
		if len(w.Handled()) > 0 {
			kit += ", Handler{}"
		}
		kit += "))"
	}
	fmt.Fprintf(&body, "	%s.GivenStored(t", kit)
	status, opening := "", ",\n"
	for _, e := range h.events {
		payload, err := r.event(w, e)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&body, "%s		ironflowtest.Stored(%s, %q, %d, %s),\n", opening, timeText(e.RecordedAt), e.Type, max(e.SchemaVersion, 1), quoted(payload))
		status, opening = e.Status, ""
	}
	body.WriteString(")")
	if status != "" {
		fmt.Fprintf(&body, ".\n		HasStatus(%q)", status)
	}
	switch {
	case h.given != nil:
		payload, err := r.input(w, "the input", h.given.name, h.given.payload)
		if err != nil {
			return nil, err
		}
		if !h.next.IsZero() {
			fmt.Fprintf(&body, ".\n		At(%s)", timeText(h.next))
		}
		fmt.Fprintf(&body, ".\n		TryStored(%q, %s)", h.given.name, quoted(payload))
	case len(h.timers) > 0:
		next := slices.MinFunc(h.timers, func(a, b timer) int {
			return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Key, b.Key))
		})
		payload, err := r.input(w, "the input of timer "+next.Key, next.Kind, next.Payload)
		if err != nil {
			return nil, err
		}
		at := next.Due
		if last := h.events[len(h.events)-1].RecordedAt; at.Before(last) {
			at = last
		}
		fmt.Fprintf(&body, ".\n		// The timer %s is the next to fire.", next.Key)
		if next.LastError != "" {
			body.WriteString(" It has failed in the store.")
		}
		fmt.Fprintf(&body, "\n		At(%s).TryStored(%q, %s)", timeText(at), next.Kind, quoted(payload))
	}
	test.AsIs = r.sortedAsIs()

	var file bytes.Buffer
	fmt.Fprintf(&file, "package %s\n\nimport (\n\t\"testing\"\n", w.Package.Text)
	if len(h.events) > 0 || !h.next.IsZero() {
		file.WriteString("\t\"time\"\n")
	}
	name := testName(o.Instance)
	if len(h.events) > 0 {
		file.WriteString("\n\t\"github.com/ironflow-gen/ironflow/runtime/ironflowtest\"\n)\n\n")
		fmt.Fprintf(&file, "// %s replays what a store held of an instance when it was at version %d.", name, h.version)
	} else {
		fmt.Fprintf(&file, ")\n\n// %s gives the first input to an instance.", name)
	}
	if !slices.Contains(o.Keep, "*") {
		file.WriteString(" Its texts are replaced; equal ones are still equal.")
	}
	if len(test.AsIs) > 0 {
		fmt.Fprintf(&file, "\n// Look at these before you commit them, because their types are not declared and their values are as in the store:\n// %s.",
			strings.Join(test.AsIs, ", "))
	}
	fmt.Fprintf(&file, "\nfunc %s(t *testing.T) {\n%s\n}\n", name, body.Bytes())
	var err error
	test.Content, err = format.Source(file.Bytes())
	return test, err
}

// event redacts an event. The fields of an older version are those of the declaration's lock.
func (r *redactor) event(w *spec.Workflow, e event) (string, error) {
	of := fmt.Sprintf("event %s of version %d", e.Type, e.Version)
	for _, m := range w.Events {
		if m.Name.Stored() != e.Type {
			continue
		}
		version := max(e.SchemaVersion, 1)
		if fields, known := fieldsOf(m, version); known {
			return r.payload(of, fields, e.Payload, nil)
		}
		return "", fmt.Errorf("%s: the declaration does not know its schema version %d; run testfrom on the sources of the program that wrote it", of, version)
	}
	return "", fmt.Errorf("%s: the declaration has no such event; run testfrom on the sources of the program that wrote it", of)
}

// input redacts an input, which of names in errors. Its id becomes that of the test.
func (r *redactor) input(w *spec.Workflow, of, name string, stored json.RawMessage) (string, error) {
	for _, m := range w.Inputs {
		if m.Name.Stored() != name {
			continue
		}
		version := versionOf(stored)
		fields, known := fieldsOf(m, version)
		if !known {
			return "", fmt.Errorf("%s: the declaration does not know version %d of its input; run testfrom on the sources of the program that wrote it", of, version)
		}
		payload, err := r.payload(of, fields, stored, map[string]string{m.ID.Text: kitID})
		return withVersion(payload, version), err
	}
	return "", fmt.Errorf("%s: the declaration has no input %s", of, name)
}

// testName makes the name of a test of an id.
func testName(id string) string {
	name := "TestHistory_"
	for _, r := range id {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			r = '_'
		}
		name += string(r)
	}
	return name[:min(len(name), 80)]
}

func timeText(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("time.Date(%d, %d, %d, %d, %d, %d, %d, time.UTC)",
		t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond())
}

// quoted writes a payload as a Go string, without escapes where it can.
func quoted(payload string) string {
	if strconv.CanBackquote(payload) && json.Valid([]byte(payload)) {
		return "`" + payload + "`"
	}
	return strconv.Quote(payload)
}
