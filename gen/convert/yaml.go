package convert

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/format"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// YAML returns a declaration in YAML that says the same as a model, in the layout of "ironflow-gen fmt". The error is a
// [diagnostic.Errors] with all that only Go can say.
func YAML(w *spec.Workflow) ([]byte, error) {
	if err := check(w); err != nil {
		return nil, err
	}
	root := document(w)
	layout(root.node, "", 0)
	text, err := yaml.Marshal(root.node)
	if err != nil {
		return nil, err
	}
	return format.Source(w.Package.Text+".ironflow.yaml", text)
}

// check reports what has no counterpart in YAML.
func check(w *spec.Workflow) error {
	var d diagnostic.List
	for _, t := range w.Types {
		switch {
		case t.Kind != spec.Imported:
		case t.Go.Path == "":
			d.Report(t.Pos, diagnostic.OnlyInGo, "type %q belongs to the package and has JSON methods of its own, and YAML can only name such types of other packages; move it to one",
				t.Go.Name)
		case len(t.Go.Args) > 0:
			d.Report(t.Pos, diagnostic.OnlyInGo, "type %q of %q has type arguments, which YAML cannot give; declare a type for it in another package, and use that",
				t.Go.Name, t.Go.Path)
		}
		checkFields(&d, t.Fields)
		for _, v := range t.Values {
			if v.Name.Text == "" {
				d.Report(v.Name.Pos, diagnostic.OnlyInGo, "constant %q of type %q is the empty text, which YAML does not take as a value; give it a text, which changes what is stored, or remove it",
					v.GoName, t.Name.Text)
			}
		}
	}
	checkFields(&d, w.State)
	for _, m := range w.Messages() {
		checkFields(&d, m.Fields)
	}
	return d.Err()
}

func checkFields(d *diagnostic.List, fields []*spec.Field) {
	for _, f := range fields {
		if !spec.IsSnake(f.Name.Text) {
			d.Report(f.Name.Pos, diagnostic.OnlyInGo, "field %s has a name that has no counterpart in YAML, where fields are called like order_id; rename the Go field, which changes nothing that is stored while its tag stays",
				f.GoName)
		}
	}
}

func document(w *spec.Workflow) mapping {
	root := newMapping()
	root.number("ironflow", "1")
	root.text("workflow", w.Name.Text)
	root.stored(w.Name)
	root.text("package", w.Package.Text)
	root.text("doc", w.Doc)
	root.text("id", w.ID.Text)
	if w.HTTP {
		root.boolean("http")
	}
	if w.External {
		root.boolean("external")
	}
	allow := newMapping()
	for _, a := range w.Allowed {
		allow.text(a.Code+" "+a.Subject, a.Reason)
	}
	root.section("allow", allow)
	unique := newMapping()
	for _, u := range w.Unique {
		unique.text(u.Input.Text, u.Field.Text)
	}
	root.section("unique", unique)
	if len(w.Search) > 0 {
		root.names("search", w.Search)
	}
	root.text("subject", w.Subject.Text)
	messageName := func(m *spec.Message) spec.Name { return m.Name }
	addEntries(root, "types", w.Types, func(t *spec.Type) spec.Name { return t.Name }, declaredType)
	root.section("state", fields(w.State))
	addEntries(root, "inputs", w.Inputs, messageName, func(m *spec.Message) mapping { return input(m, w.ID) })
	addEntries(root, "events", w.Events, messageName, message)
	addEntries(root, "effects", w.Effects, func(e *spec.Effect) spec.Name { return e.Name }, effect)
	addEntries(root, "timers", w.Timers, func(t *spec.Timer) spec.Name { return t.Name }, timer)
	addEntries(root, "schedules", w.Schedules, func(s *spec.Schedule) spec.Name { return s.Name }, schedule)
	addEntries(root, "rejections", w.Rejections, messageName, message)
	addEntries(root, "states", w.States, func(s *spec.State) spec.Name { return s.Name }, state)
	return root
}

// addEntries adds a section with an entry for each element of a list.
func addEntries[T any](root mapping, key string, list []T, name func(T) spec.Name, entry func(T) mapping) {
	section := newMapping()
	for _, item := range list {
		section.add(name(item).Text, entry(item))
	}
	root.section(key, section)
}

func declaredType(t *spec.Type) mapping {
	m := newMapping()
	m.text("doc", t.Doc)
	switch t.Kind {
	case spec.Imported:
		m.text("go", t.Go.Path+"."+t.Go.Name)
	case spec.Struct:
		m.add("fields", fields(t.Fields))
	case spec.Enum:
		isMapped := false
		values, list := newMapping(), newList()
		made := make(map[string]bool)
		for _, v := range t.Values {
			constant := spec.EnumValueName(t.Name.Text, v.Name.Text)
			named := made[constant] || v.GoName != constant && spec.IsTypeName(v.GoName)
			isMapped = isMapped || v.Doc != "" || v.Name.StoredAs != "" || named
			switch {
			case named: // another value has it, or the constant is called otherwise
				values.add(v.Name.Text, namedValue(t, v, made))
			case v.Name.StoredAs != "":
				made[constant] = true
				value := newMapping()
				value.stored(v.Name)
				value.text("doc", v.Doc)
				values.add(v.Name.Text, value)
			default:
				made[constant] = true
				values.add(v.Name.Text, textNode(v.Doc))
			}
			list.append(v.Name.Text)
		}
		if isMapped {
			m.add("enum", values)
		} else {
			m.add("enum", list)
		}
	}
	return m
}

// namedValue renders a value of an enum with a name for its constant, which is the one that it has in Go where that is free.
func namedValue(t *spec.Type, v spec.EnumValue, made map[string]bool) mapping {
	name := v.GoName
	for n := 2; made[name] || !spec.IsTypeName(name); n++ {
		name = fmt.Sprint(spec.EnumValueName(t.Name.Text, v.Name.Text), n)
	}
	made[name] = true
	m := newMapping()
	m.stored(v.Name)
	m.text("doc", v.Doc)
	m.text("go", name)
	return m
}

func fields(list []*spec.Field) mapping {
	m := newMapping()
	for _, f := range list {
		if f.Doc == "" && f.Name.StoredAs == "" && f.Was.Text == "" && f.Default.Text == "" && !f.Personal && !f.NotPersonal {
			m.text(f.Name.Text, spec.TypeText(&f.Type))
			continue
		}
		long := newMapping()
		long.text("type", spec.TypeText(&f.Type))
		long.stored(f.Name)
		long.text("was", f.Was.Text)
		if f.Default.Text != "" {
			long.add("default", defaultNode(f))
		}
		if f.Personal || f.NotPersonal {
			long.add("personal", boolNode(f.Personal))
		}
		long.text("doc", f.Doc)
		m.add(f.Name.Text, long)
	}
	return m
}

// defaultNode renders the default of a field.
func defaultNode(f *spec.Field) scalar {
	if f.Default.Text[0] != '"' {
		return scalar{&yaml.Node{Kind: yaml.ScalarNode, Value: f.Default.Text}}
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.DefaultText(), Style: yaml.DoubleQuotedStyle}
	return scalar{n}
}

// stored adds what something is stored under, where that is not its name.
func (m *mapping) stored(n spec.Name) { m.text("as", n.StoredAs) }

func (m *mapping) retired(is bool) {
	if is {
		m.boolean("retired")
	}
}

func message(of *spec.Message) mapping {
	m := newMapping()
	m.stored(of.Name)
	m.text("doc", of.Doc)
	m.integer("version", of.Schema)
	m.retired(of.Retired)
	m.section("fields", fields(of.Fields))
	return m
}

func input(of *spec.Message, id spec.Name) mapping {
	m := newMapping()
	m.stored(of.Name)
	m.text("doc", of.Doc)
	m.integer("version", of.Schema)
	m.retired(of.Retired)
	if of.ID.Text != id.Text {
		m.text("id", of.ID.Text)
	}
	m.text("from", of.From.Text)
	m.section("fields", fields(of.Fields))
	return m
}

func effect(e *spec.Effect) mapping {
	m := message(&e.Message)
	m.names("returns", e.ReturnsList())
	m.delivery("starts", e.Starts)
	m.text("ended", e.Ended.Text)
	m.delivery("sends", e.Sends)
	m.text("refused", e.Refused.Text)
	m.text("dead", e.Dead.Text)
	retry := newMapping()
	retry.integer("max_attempts", e.Retry.MaxAttempts)
	retry.duration("base", e.Retry.Base)
	retry.duration("max", e.Retry.Max)
	m.section("retry", retry)
	m.duration("timeout", e.Timeout)
	m.integer("priority", e.Priority)
	if l := e.Limit; l != nil {
		limit := newMapping()
		limit.integer("concurrency", l.Concurrency)
		limit.integer("global", l.Global)
		if l.Rate > 0 {
			limit.number("rate", rateText(l.Rate))
		}
		limit.integer("burst", l.Burst)
		limit.text("key", l.Key.Text)
		limit.integer("per_key", l.PerKey)
		m.section("limit", limit)
	}
	return m
}

// rateText writes a rate so that it is a number to YAML, whatever its size.
func rateText(rate float64) string { return strconv.FormatFloat(rate, 'f', -1, 64) }

func (m *mapping) delivery(key string, d *spec.Delivery) {
	if d != nil {
		to := newMapping()
		to.text("workflow", d.Workflow.Text)
		to.text("to", d.To.Text)
		to.text("input", d.Input.Text)
		if d.External {
			to.boolean("external")
		}
		m.section(key, to)
	}
}

func timer(t *spec.Timer) mapping {
	m := newMapping()
	m.stored(t.Name)
	m.text("doc", t.Doc)
	m.text("input", t.Input.Text)
	m.duration("after", t.After)
	m.recurrence(t.Recurrence)
	m.names("while", t.While)
	m.retired(t.Retired)
	return m
}

func schedule(s *spec.Schedule) mapping {
	m := newMapping()
	m.text("doc", s.Doc)
	m.text("input", s.Input.Text)
	m.recurrence(s.Recurrence)
	m.text("instance", s.Instance.Text)
	return m
}

func (m *mapping) recurrence(r spec.Recurrence) {
	m.quoted("schedule", r.Schedule.Text)
	m.text("zone", r.Zone.Text)
	m.text("missed", r.Missed.Text)
}

func state(s *spec.State) mapping {
	m := newMapping()
	m.stored(s.Name)
	m.text("doc", s.Doc)
	if s.Terminal {
		m.boolean("terminal")
	}
	m.retired(s.Retired)
	m.text("waits", s.Waits.Text)
	m.duration("deadline", s.Deadline)
	accepts := newMapping()
	for _, t := range s.Accepts {
		to := newMapping()
		to.text("doc", t.Doc)
		to.text("reject", t.Reject.Text)
		for _, move := range t.Moves {
			to.text(move.Event.Text, move.To.Text)
		}
		to.names("effects", t.Effects)
		to.names("timers", t.Timers)
		accepts.add(t.Input.Text, to)
	}
	m.section("accepts", accepts)
	return m
}

// oneLine reports whether a text can stand between brackets.
func oneLine(text string) bool { return !strings.Contains(text, "\n") }
