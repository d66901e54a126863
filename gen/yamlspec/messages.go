package yamlspec

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// section reads one of the mappings at the top of a declaration. If it cannot be read, the only entry stands for
// anything, so that nothing counts as undeclared.
func (r *reader) section(n *yaml.Node, what, example string) []entry {
	if n == nil {
		return nil
	}
	entries, ok := r.mapping(n, what, example)
	if !ok {
		return []entry{{key: r.unread(n), value: n}}
	}
	return entries
}

// messageExamples show how sections are written, by the kind of what they declare.
var messageExamples = map[string]string{
	"input":     "Pay: {fields: {order_id: string}}",
	"event":     "Paid: {fields: {amount_cents: int64}}",
	"effect":    "ChargeCard: {fields: {amount_cents: int64}}",
	"rejection": "TooLate: {}",
}

// messages reads inputs, events or rejections. kind is one of them, keys what it has beside doc and fields.
func (r *reader) messages(n *yaml.Node, section, kind string, keys ...string) []*spec.Message {
	var list []*spec.Message
	for _, e := range r.section(n, section, messageExamples[kind]) {
		m, o := r.message(e, kind, keys...)
		m.ID = o.name(r, "id")
		m.From = o.name(r, "from")
		list = append(list, &m)
	}
	return list
}

// message reads what all messages have, and returns the rest for the caller.
func (r *reader) message(e entry, kind string, keys ...string) (spec.Message, object) {
	m := spec.Message{Name: e.key}
	if e.key.Text == "" {
		return m, object{}
	}
	what := fmt.Sprintf("%s %q", kind, e.key.Text)
	o := r.object(e.value, what, messageExamples[kind], append([]string{"as", "doc", "fields", "version"}, keys...)...)
	o.stored(r, &m.Name)
	m.Doc = r.doc(o)
	m.Retired, _ = r.boolean(o.values["retired"], "retired of "+what)
	m.Schema = r.integer(o.values["version"], "version of "+what)
	m.SchemaPos = r.posOf(o.values["version"])
	m.Fields = r.fields(o.values["fields"], what)
	if !o.ok {
		m.Fields = []*spec.Field{{Name: r.unread(e.value)}}
	}
	return m, o
}

// fields reads a mapping of fields. owner says whose, as in `event "Paid"`.
func (r *reader) fields(n *yaml.Node, owner string) []*spec.Field {
	return r.fieldList(r.section(n, "the fields of "+owner, "order_id: string"), owner)
}

func (r *reader) fieldList(entries []entry, owner string) []*spec.Field {
	var list []*spec.Field
	for _, e := range entries {
		f := &spec.Field{Name: e.key}
		if e.key.Text != "" {
			r.field(f, e.value, owner)
		}
		list = append(list, f)
	}
	return list
}

// field reads what a field's name stands for: a type, or a mapping of type, stored name and doc.
func (r *reader) field(f *spec.Field, n *yaml.Node, owner string) {
	what := fmt.Sprintf("field %q of %s", f.Name.Text, owner)
	if !isMapping(n) && (n.Kind != yaml.AliasNode || !isMapping(n.Alias)) {
		f.Type = r.typeRef(n, what)
		return
	}
	entries, ok := r.entries(n, what, "{type: string, doc: ...}", true)
	if e, found := union(entries); found {
		r.noUnion(e, what)
		return
	}
	o := r.fill(entries, ok, what, []string{"type", "as", "doc", "default", "was", "personal"})
	o.stored(r, &f.Name)
	f.Doc = r.doc(o)
	f.Was = o.storedName(r, "was")
	f.Personal, _ = r.boolean(o.values["personal"], "personal of "+what)
	f.PersonalPos = r.posOf(o.values["personal"])
	f.NotPersonal = r.written(o.values["personal"]) != nil && !f.Personal
	if node := o.values["default"]; node != nil {
		f.Default = r.scalar(node, "default of "+what)
	}
	switch node := o.values["type"]; {
	case node != nil:
		f.Type = r.typeRef(node, what)
	case o.ok:
		r.report(n, diagnostic.NoType, `%s has no type; write it like "{type: string, doc: ...}"`, what)
	}
}

// scalar returns a text, a number or a boolean as it is written.
func (r *reader) scalar(n *yaml.Node, what string) spec.Name {
	at := r.pos(n)
	n = r.resolve(n)
	if n != nil && (n.Kind != yaml.ScalarNode || isNull(n)) {
		r.report(n, diagnostic.BadDefault, "%s must be a text, a number or a boolean, not %s", what, found(n))
		n = nil
	}
	if n == nil {
		return spec.Name{Pos: at}
	}
	return spec.Name{Text: n.Value, Pos: at}
}

// allowed reads the changes that are meant.
func (r *reader) allowed(n *yaml.Node) []spec.Allowance {
	var list []spec.Allowance
	for _, e := range r.section(n, "allow", "IF3103 event Paid.cents: It was never stored.") {
		if e.key.Text == "" {
			continue
		}
		code, subject, _ := strings.Cut(e.key.Text, " ")
		list = append(list, spec.Allowance{
			Code: code, Subject: subject, Pos: e.key.Pos,
			Reason: r.text(e.value, fmt.Sprintf("the reason of %q", e.key.Text)),
		})
	}
	return list
}

// unique reads the unique keys.
func (r *reader) unique(n *yaml.Node) []spec.UniqueKey {
	var list []spec.UniqueKey
	for _, e := range r.section(n, "unique", "Create: customer_id") {
		if e.key.Text != "" {
			field := r.name(e.value, fmt.Sprintf("the unique key of %q", e.key.Text))
			list = append(list, spec.UniqueKey{Input: e.key, Field: field})
		}
	}
	return list
}
