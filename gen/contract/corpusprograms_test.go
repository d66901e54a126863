package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// TestCorpusPrograms lets the program of each change read what the program of before has stored, and the other way round. A change that breaks must
// fail, and one that is safe must not.
func TestCorpusPrograms(t *testing.T) {
	t.Parallel()
	first := contract.Of(declaration(t, "base", string(readFile(t, evolution+"base.ironflow.yaml")))).Extend(nil)
	count := make(map[string]map[string]int) // by class and what came out
	add := func(class, what string) {
		if count[class] == nil {
			count[class] = make(map[string]int)
		}
		count[class][what]++
	}
	for _, c := range changes(t) {
		found := compare(c.name, c.old, c.new)
		var lock *contract.Set
		if hasVersions(c.old) {
			lock = first // in which the versions before are
		}
		old := newProgram(t, c.old, lock)
		if old.refused != nil {
			t.Fatalf("%s: %v", c.name, old.refused)
		}
		if lock = old.lock; strings.HasSuffix(c.name, "without a lock") {
			lock = nil
		}
		now := newProgram(t, c.new, lock)
		class := "safe"
		if c.code != "" {
			class = classes[c.code[:4]]
		}
		if now.refused != nil {
			t.Logf("%-60s %s", c.name, "is refused by the generator")
			add(class, "refused")
			if c.code == "" {
				t.Errorf("%s: %v", c.name, now.refused)
			}
			continue
		}
		was, is := stores(t, old), stores(t, now)
		oldOwn, newOwn := read(t, old, was), read(t, now, is)
		if own := slices.Concat(failures(old, old, was, oldOwn, oldOwn), failures(now, now, is, newOwn, newOwn)); len(own) > 0 {
			t.Errorf("%s: a program does not read what it writes: %v", c.name, own)
		}
		failed := failures(old, now, was, oldOwn, read(t, now, was))
		if c.code == "" && len(c.new.Allowed) == 0 {
			warned := slices.ContainsFunc(found, func(f contract.Finding) bool {
				return f.Code == diagnostic.DeployOrder || f.Code == diagnostic.LeftWaiting || f.Code == diagnostic.ClientsChanged || f.Code == diagnostic.Reopened
			})
			back := unreadable(old, is, newOwn, read(t, old, is))
			if len(back) > 0 && !warned {
				t.Errorf("%s: nobody warns of the program of before, which does not read it:\n\t%s", c.name, strings.Join(back, "\n\t"))
			}
			if len(back) > 0 {
				add("rollback", "failed")
			} else {
				add("rollback", "read")
			}
			if ordered := slices.Contains(codesOf(found), diagnostic.DeployOrder) || slices.Contains(codesOf(found), diagnostic.LeftWaiting); ordered && len(back) == 0 {
				t.Errorf("%s: %v warns, and the program of before reads everything", c.name, codesOf(found))
			}
		}
		failed = slices.DeleteFunc(failed, func(f string) bool { return isAllowed(c, f) })
		switch {
		case c.code != "" && len(failed) == 0 && cannotFail[c.name] != "":
			t.Logf("%-60s does not fail: %s", c.name, cannotFail[c.name])
			add(class, "read")
		case c.code != "" && len(failed) == 0:
			t.Errorf("%s [%s]: nothing fails", c.name, c.code)
			add(class, "read")
		case c.code == "" && len(failed) > 0:
			t.Errorf("%s: is safe, and fails:\n\t%s", c.name, strings.Join(failed, "\n\t"))
			add(class, "failed")
		case c.code == "":
			add(class, "read")
		default:
			t.Logf("%-60s %s", c.name, failed[0])
			add(class, "failed")
		}
	}
	for _, class := range append(slices.Sorted(maps.Values(classes)), "safe", "rollback") {
		t.Logf("%-10s %3d fail, %3d are read, %3d are refused by the generator", class, count[class]["failed"], count[class]["read"], count[class]["refused"])
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// cannotFail says of changes that break why no program of the corpus fails.
var cannotFail = map[string]string{
	"a Go type becomes a text that may differ": "the JSON of netip.Addr is a text, which the generator does not know of a Go type",
}

// Rows are what a program stores.
type stored struct {
	rows     string // instances as package transfer writes them
	payloads []payload
}

// payload is one that is stored or sent. A request is an input that a client sends as JSON.
type payload struct {
	kind, name string // kind is event, effect, input, rejection, request, or sent for an input of which only the instance counts
	version    int
	text       string
}

// unreadable says what of the rows a program of before fails at, leaves waiting, or reads as something else. Fields that it does not know do not count.
func unreadable(reader *program, of stored, was, is result) (list []string) {
	list = append(list, is.problems...)
	for i, p := range of.payloads {
		a, b := was.payloads[i], is.payloads[i]
		switch {
		case p.kind == "request" || p.kind == "sent":
		case b.err != nil:
			list = append(list, fmt.Sprintf("%s %s: %v", p.kind, p.name, b.err))
		case p.version == versionOf(reader.w, p):
			c := comparison{byDefault: reader.defaults(), forgets: true}
			if d := c.different("", parsed(a.text), parsed(b.text)); d != "" {
				list = append(list, fmt.Sprintf("%s %s%s", p.kind, p.name, d))
			}
		}
	}
	return list
}

// defaults are the names of fields that have a default.
func (p *program) defaults() map[string]bool {
	names := make(map[string]bool)
	for _, f := range p.lock.Facts() {
		if n := len(f.Path); n > 2 && f.Path[n-2] == "field" && strings.Contains(f.Value, " = ") {
			names[f.Path[n-1]] = true
		}
	}
	return names
}

func codesOf(found []contract.Finding) (codes []diagnostic.Code) {
	for _, f := range found {
		codes = append(codes, f.Code)
	}
	return codes
}

// isAllowed reports whether a change says that a failure does not matter, by a warning or by "allow".
func isAllowed(c change, failure string) bool {
	for _, a := range c.new.Allowed {
		kind, name, _ := strings.Cut(a.Subject, " ")
		if name, _, _ = strings.Cut(name, "."); kind == "type" || strings.HasPrefix(failure, kind+" "+name) || strings.Contains(failure, name) {
			return true
		}
	}
	return c.note == "IF3407" && strings.HasPrefix(failure, "other end")
}

func hasVersions(w *spec.Workflow) bool {
	for _, list := range messages(w) {
		if slices.ContainsFunc(list, func(m *spec.Message) bool { return m.Version() > 1 }) {
			return true
		}
	}
	return false
}

// stores returns what a program stores: a history for each move of the machine, effects and timers that wait, and payloads of every kind.
func stores(t *testing.T, p *program) stored {
	t.Helper()
	var r stored
	for _, kind := range []string{"event", "effect", "input", "rejection"} {
		for _, m := range messages(p.w)[kind] {
			name := m.Name.Stored()
			for _, text := range p.set.Samples(kind, name, goTypes) {
				one := payload{kind, name, m.Version(), text}
				if kind == "input" && !p.set.Delivered(name) {
					one.kind = "sent"
				}
				r.payloads = append(r.payloads, one)
				if kind == "input" && p.w.HTTP && !m.Internal {
					r.payloads = append(r.payloads, payload{"request", name, 1, text})
				}
			}
		}
	}
	var b bytes.Buffer
	line := func(kind string, fields map[string]any) {
		text, err := json.Marshal(map[string]any{kind: fields})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	waiting := true // effects and timers have not been written
	for i, history := range histories(p.w) {
		line("instance", map[string]any{"format": 1, "workflow": p.w.Name.Stored(), "id": fmt.Sprint("order-", i)})
		last := len(history)
		for n, move := range history {
			version := 1
			for _, e := range p.w.Events {
				if e.Name.Stored() == move.Event {
					version = e.Version()
				}
			}
			line("event", map[string]any{
				"version": n + 1, "type": move.Event, "schema_version": version, "recorded_at": "2026-01-02T03:04:05Z", "status": move.To,
				"completes": isTerminal(p.w, move.To), "payload": json.RawMessage(first(p.set.Samples("event", move.Event, goTypes))),
			})
		}
		if end := history[last-1].To; isTerminal(p.w, end) || !waiting {
			continue
		}
		waiting = false
		for n, e := range p.w.Effects {
			line("effect", map[string]any{
				"version": last, "position": n, "kind": e.Name.Stored(), "due_at": "2026-01-02T03:04:05Z", "payload": p.payload("effect", &e.Message),
			})
		}
		for _, timer := range p.w.Timers {
			for _, m := range p.w.Inputs {
				if m.Name.Text == timer.Input.Text {
					line("timer", map[string]any{
						"version": last, "key": timer.Name.Stored(), "kind": m.Name.Stored(), "due_at": "2026-01-02T03:34:05Z",
						"payload": p.payload("input", m),
					})
				}
			}
		}
	}
	r.rows = b.String()
	return r
}

// payload is a sample of a message as its row has it.
func (p *program) payload(kind string, m *spec.Message) json.RawMessage {
	return payload{kind, m.Name.Stored(), m.Version(), first(p.set.Samples(kind, m.Name.Stored(), goTypes))}.stored()
}

// stored returns a payload with its version, if that is not the first.
func (p payload) stored() []byte {
	if p.version < 2 || p.kind == "event" {
		return []byte(p.text)
	}
	return []byte(strings.Replace(fmt.Sprintf(`{"@version":%d,%s`, p.version, p.text[1:]), ",}", "}", 1))
}

func isTerminal(w *spec.Workflow, state string) bool {
	return slices.ContainsFunc(w.States, func(s *spec.State) bool { return s.Name.Stored() == state && s.Terminal })
}

// histories are the moves of a history for each move of the machine, the shortest that leads there; without states, one with every event.
func histories(w *spec.Workflow) (list [][]spec.Move) {
	if !w.HasStates() {
		var all []spec.Move
		for _, e := range w.Events {
			all = append(all, spec.Move{Event: e.Name.Stored()})
		}
		return [][]spec.Move{all}
	}
	ways := map[string][]spec.Move{w.States[0].Name.Stored(): {}}
	for grown := true; grown; {
		grown = false
		for _, m := range w.Moves {
			way, reached := ways[m.From]
			if _, known := ways[m.To]; reached && !known {
				ways[m.To], grown = append(slices.Clip(way), m), true
			}
		}
	}
	for _, m := range w.Moves {
		if way, reached := ways[m.From]; reached {
			list = append(list, append(slices.Clip(way), m))
		}
	}
	return list
}

// failures says what a reader makes of the rows of a writer that the writer does not. was and is are what both have read.
func failures(writer, reader *program, of stored, was, is result) (list []string) {
	list = append(list, is.problems...)
	c := comparison{byDefault: reader.defaults()}
	for i, p := range of.payloads {
		a, b := was.payloads[i], is.payloads[i]
		what := fmt.Sprintf("%s %s", p.kind, p.name)
		switch {
		case a.err != nil:
			list = append(list, fmt.Sprintf("%s: its own program: %v", what, a.err))
		case p.kind == "sent" && (b.err != nil || a.goes == b.goes):
		case p.kind == "request" && (!reader.w.HTTP || !writer.w.HTTP):
		case b.err != nil:
			list = append(list, fmt.Sprintf("%s: %v", what, b.err))
		case a.goes != b.goes:
			list = append(list, fmt.Sprintf("%s went to %q and goes to %q", what, a.goes, b.goes))
		case p.version != versionOf(reader.w, p):
		default:
			if d := c.different("", parsed(a.text), parsed(b.text)); d != "" {
				list = append(list, what+d)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(was.accepted)) {
		if answer, asked := is.accepted[id]; asked && was.accepted[id] == "accepted" && answer != "accepted" {
			list = append(list, fmt.Sprintf("state and input %s: was accepted, and is %s", id, answer))
		}
	}
	for _, timer := range slices.Sorted(maps.Keys(was.cancels)) {
		if !is.cancels[timer] && len(is.problems) == 0 {
			list = append(list, fmt.Sprintf("timer %s: is not cancelled any more", timer))
		}
	}
	return list
}

func versionOf(w *spec.Workflow, p payload) int {
	kind := strings.NewReplacer("request", "input", "sent", "input").Replace(p.kind)
	for _, m := range messages(w)[kind] {
		if m.Name.Stored() == p.name {
			return m.Version()
		}
	}
	return 0
}

// parsed returns JSON as a value. Numbers keep all their digits.
func parsed(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}

// comparison compares what two programs have read of one payload. A value that only one of them has must be absent for the other, or come from a
// default.
type comparison struct {
	byDefault map[string]bool // names of fields
	forgets   bool            // fields that the reader does not know do not count
}

func (c *comparison) different(path string, was, is any) string {
	switch a := was.(type) {
	case nil:
		switch b := is.(type) {
		case nil:
			return ""
		case []any:
			if len(b) == 0 {
				return ""
			}
		case map[string]any:
			if len(b) == 0 {
				return ""
			}
		}
	case map[string]any:
		b, both := is.(map[string]any)
		if !both {
			break
		}
		names := maps.Clone(a)
		maps.Copy(names, b)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			_, had := a[name]
			_, has := b[name]
			if !had && c.byDefault[name] || !has && c.forgets {
				continue
			}
			if d := c.different(path+"."+name, a[name], b[name]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		b, both := is.([]any)
		if !both && (is != nil || len(a) > 0) {
			break
		}
		for i := range a {
			if i >= len(b) {
				break
			}
			if d := c.different(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); d != "" {
				return d
			}
		}
		if len(a) == len(b) {
			return ""
		}
	}
	if reflect.DeepEqual(was, is) {
		return ""
	}
	before, _ := json.Marshal(was)
	after, _ := json.Marshal(is)
	return fmt.Sprintf("%s was read as %s and is read as %s", path, before, after)
}
