package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// messages checks the fields of everything that has some.
func (c *checker) messages() {
	c.stateFields()
	for _, m := range c.w.Inputs {
		c.message("input", m)
		for _, f := range m.Fields {
			if f.Name.Stored() == "type" && f.Name.StoredAs == "" {
				c.d.Report(f.Name.Pos, diagnostic.ReservedField, `field "type" is reserved in inputs: their JSON is flat and names the input there; rename the field`)
			}
		}
	}
	for _, m := range c.w.Events {
		c.message("event", m)
	}
	for _, e := range c.w.Effects {
		c.message("effect", &e.Message)
	}
	for _, m := range c.w.Rejections {
		c.message("rejection", m)
	}
}

func (c *checker) message(kind string, m *Message) {
	c.fields(kind+" "+quote(m.Name.Text), m.Fields)
	c.was(kind, m)
	for _, f := range m.Fields {
		if f.Name.Stored() == versionKey {
			c.d.Report(f.Name.Pos, diagnostic.ReservedField, `field %q is reserved: what is stored of a version after the first has it there; rename the field`, versionKey)
		}
	}
}

// versionKey is the key of the version in stored inputs, effects and rejections. See workflow.Codec.
const versionKey = "@version"

func (c *checker) stateFields() {
	c.fields("the state", c.w.State)
	for _, f := range c.w.State {
		if f.Name.Text == statusField && (f.Name.StoredAs == "" || f.GoName == c.w.StatusField) && c.w.HasStates() {
			c.d.Report(f.Name.Pos, diagnostic.ReservedField, `field "status" is reserved: the state holds the current one of states there; rename the field`)
		}
	}
}

// fields checks the fields of one record. owner names it, as in `event "Paid"`.
func (c *checker) fields(owner string, fields []*Field) {
	names, goNames := make(map[string]Name, len(fields)), make(map[string]Name, len(fields))
	for _, f := range fields {
		c.typeRef(&f.Type)
		c.byDefault(owner, f)
		switch {
		case snakeForm.valid(f.Name.Text):
		case c.w.Form == Go: // a name of the user's structs, which may be stored but not be declared in YAML
			checkStored(c.d, "field", f.Name)
		default:
			snakeForm.check(c.d, "field", f.Name)
			continue
		}
		if f.Name.Text == "" {
			continue
		}
		if first, again := names[f.Name.Text]; again {
			c.d.Report(f.Name.Pos, diagnostic.DuplicateField, "%s already has a field %q at %s; delete one of them", owner, f.Name.Text, first.Pos).
				Relate(first.Pos, "the first field")
			continue
		}
		if other, again := goNames[f.GoName]; again {
			c.d.Report(f.Name.Pos, diagnostic.FieldCollision, "fields %q and %q (at %s) of %s would both be generated as %s; rename one of them",
				f.Name.Text, other.Text, other.Pos, owner, f.GoName).Relate(other.Pos, "the other field")
		}
		names[f.Name.Text], goNames[f.GoName] = f.Name, f.Name
	}
}

// field finds a field by name. When there is none, open tells that it may be one of those that could not be read.
func field(fields []*Field, name string) (f *Field, open bool) {
	for _, f := range fields {
		if f.Name.Text == name {
			return f, false
		}
		open = open || f.Name.Text == ""
	}
	return nil, open
}

// storedField is field for a stored name.
func storedField(fields []*Field, stored string) (f *Field, open bool) {
	for _, f := range fields {
		if f.Name.Stored() == stored {
			return f, false
		}
		open = open || f.Name.Text == ""
	}
	return nil, open
}

// fieldNames lists the fields for suggestions.
func fieldNames(fields []*Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name.Text
	}
	return names
}

func storedFieldNames(fields []*Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name.Stored()
	}
	return names
}

// isString reports whether a field holds exactly a string, or has a type that is a mistake in itself.
func isString(f *Field) bool {
	switch f.Type.Kind {
	case Scalar:
		return f.Type.Name == "string"
	case Declared:
		return f.Type.Decl == nil
	}
	return f.Type.Kind == 0
}

// instanceIDs finds the field of each input that names its instance.
func (c *checker) instanceIDs() {
	if c.w.ID.unread() {
		return
	}
	if c.missingEverywhere() {
		return
	}
	for _, m := range c.w.Inputs {
		own := m.ID != Name{}
		if !own {
			m.ID = c.w.ID
		}
		if m.ID.Text == "" || m.Name.Text == "" {
			continue
		}
		f, open := field(m.Fields, m.ID.Text)
		switch {
		case open:
		case f == nil && own:
			_, hint := Suggest(m.ID.Text, fieldNames(m.Fields))
			c.d.Report(m.ID.Pos, diagnostic.NoIDField, "input %q has no field %q; %s", m.Name.Text, m.ID.Text, hint)
		case f == nil:
			c.d.Report(m.Name.Pos, diagnostic.NoIDField, `input %q has no field %q to name its instance; add %q to its fields, or name another field with id`,
				m.Name.Text, m.ID.Text, c.w.Form.fieldEntry(m.ID.Text, stringType))
		case !isString(f):
			c.d.Report(f.Type.Pos, diagnostic.IDNotString, "field %q of input %q names the instance, so its type must be string", f.Name.Text, m.Name.Text)
		}
	}
}

// missingEverywhere reports an id of the workflow that no input can follow, which is one mistake and not one for each
// input: it is not written, or no input has such a field.
func (c *checker) missingEverywhere() bool {
	var known []string
	for _, m := range c.w.Inputs {
		if m.ID != (Name{}) || m.Name.Text == "" {
			continue
		}
		if c.w.ID.Text == "" {
			c.d.Report(c.w.Pos, diagnostic.NoID, `the workflow has no id, and input %q has none of its own; name the input field that tells instances apart, like %q`,
				m.Name.Text, c.w.Form.entry("id", "order_id"))
			return true
		}
		if f, open := field(m.Fields, c.w.ID.Text); f != nil || open {
			return false
		}
		known = append(known, fieldNames(m.Fields)...)
	}
	if len(known) == 0 {
		return false
	}
	_, hint := Suggest(c.w.ID.Text, known)
	c.d.Report(c.w.ID.Pos, diagnostic.NoIDField, "no input has a field %q to name its instance; %s", c.w.ID.Text, hint)
	return true
}

// uniqueKeys checks that each key is a string field of an input.
func (c *checker) uniqueKeys() {
	seen := make(map[string]Pos)
	for _, u := range c.w.Unique {
		m, _ := c.inputs.find(c, u.Input)
		if m == nil {
			continue
		}
		if first, again := seen[u.Input.Text]; again {
			c.d.Report(u.Input.Pos, diagnostic.UniqueTwice, "input %q already has a unique key at %s; an input has one at most", u.Input.Text, first).
				Relate(first, "the first unique key")
			continue
		}
		seen[u.Input.Text] = u.Input.Pos
		f, open := field(m.Fields, u.Field.Text)
		switch {
		case open || u.Field.Text == "":
		case f == nil:
			_, hint := Suggest(u.Field.Text, fieldNames(m.Fields))
			c.d.Report(u.Field.Pos, diagnostic.NoUniqueField, "input %q has no field %q; %s", u.Input.Text, u.Field.Text, hint)
		case !isString(f):
			c.d.Report(u.Field.Pos, diagnostic.UniqueNotString, "field %q of input %q is a unique key, so its type must be string", u.Field.Text, u.Input.Text)
		}
	}
}
