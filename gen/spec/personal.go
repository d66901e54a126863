package spec

import (
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// HasPersonal reports whether a payload of the workflow has a personal field.
func (w *Workflow) HasPersonal() bool {
	return len(PersonalPaths(w.State)) > 0 || slices.ContainsFunc(w.Messages(), func(m *Message) bool { return len(PersonalPaths(m.Fields)) > 0 })
}

// PersonalPaths returns the paths of the personal fields among fields, by their stored names, as in guests.*.name; those below a personal field
// belong to it. A dot or a backslash in a name follows a backslash. It does not look into a type that contains itself.
func PersonalPaths(fields []*Field) (paths []string) {
	personalPaths(fields, "", nil, func(path string, _ *Field) { paths = append(paths, path) })
	return paths
}

func personalPaths(fields []*Field, below string, in []*Type, found func(path string, f *Field)) {
	escape := strings.NewReplacer(`\`, `\\`, ".", `\.`)
	for _, f := range fields {
		path := below + escape.Replace(f.Name.Stored())
		if f.Personal {
			found(path, f)
			continue
		}
		ref := &f.Type
		for ; ref.Elem != nil; ref = ref.Elem {
			if ref.Kind == List || ref.Kind == Map {
				path += ".*"
			}
		}
		if t := ref.Decl; t != nil && !slices.Contains(in, t) && t.hasPersonal(make(map[*Type]bool)) {
			personalPaths(t.Fields, path+".", append(slices.Clip(in), t), found)
		}
	}
}

// hasPersonal reports whether a struct, or what it contains, has a personal field.
func (t *Type) hasPersonal(seen map[*Type]bool) bool {
	seen[t] = true
	return slices.ContainsFunc(t.Fields, func(f *Field) bool {
		inner := f.Type.Innermost().Decl
		return f.Personal || inner != nil && !seen[inner] && inner.hasPersonal(seen)
	})
}

// personal checks the personal fields, and the field that names their subject.
func (c *checker) personal() {
	each := func(owner string, fields []*Field) {
		for _, f := range fields {
			if f.Personal && !isUnknown(&f.Type) && f.Type.Kind != Optional && !c.hasZero(&f.Type) {
				c.d.Report(f.PersonalPos, diagnostic.PersonalType, "field %q of %s is personal and of type %s, which has no empty value to read once the subject is forgotten; make it optional",
					f.Name.Text, owner, c.w.Form.typeText(&f.Type))
			}
		}
	}
	each("the state", c.w.State)
	for _, m := range c.w.Messages() {
		each(quote(m.Name.Text), m.Fields)
	}
	for _, t := range c.w.Types {
		each("type "+quote(t.Name.Text), t.Fields)
		c.recursivePersonal(t)
	}
	for _, m := range c.w.Inputs {
		c.notPersonal(m.Fields, m.ID, "the id of input "+quote(m.Name.Text))
	}
	for _, u := range c.w.Unique {
		if in := c.inputs.items[u.Input.Text]; in != nil {
			c.notPersonal(in.Fields, u.Field, "the unique key of input "+quote(u.Input.Text))
		}
	}
	for _, e := range c.w.Effects {
		if e.Limit != nil {
			c.notPersonal(e.Fields, e.Limit.Key, "the key of the limit of effect "+quote(e.Name.Text))
		}
	}
	for _, name := range c.w.Search {
		found := c.w.searchField(name.Text)
		what := "the search field " + quote(name.Text)
		if found.State != nil {
			c.notPersonal(c.w.State, found.State.Name, what)
		}
		for _, in := range found.Inputs {
			c.notPersonal(in.Input.Fields, in.Field.Name, what)
		}
	}
	c.subject()
}

// notPersonal reports a personal field that is used where values are stored in plain text.
func (c *checker) notPersonal(fields []*Field, name Name, what string) {
	if f, _ := field(fields, name.Text); f != nil && f.Personal && name.Text != "" {
		c.d.Report(f.PersonalPos, diagnostic.PersonalKey, "field %q is personal and is %s, which is stored and logged as it is; use another field, like a number that your system gives out",
			name.Text, what)
	}
}

// exposes returns the path of a personal value in a field that is in plain text in another field of the same name, which gets a copy of it; ""
// for none.
func exposes(from, to *Field) string {
	kept := PersonalPaths([]*Field{to})
	for _, path := range PersonalPaths([]*Field{from}) {
		if !slices.ContainsFunc(kept, func(k string) bool { return path == k || strings.HasPrefix(path, k+".") }) {
			return path
		}
	}
	return ""
}

// exposed reports a personal field that the engine would copy into one that is not. to says what gets the copy.
func exposed(d *Diagnostics, from, to *Field, owner, what string) {
	if path := exposes(from, to); path != "" {
		d.Report(to.Name.Pos, diagnostic.PersonalKey, "%q of %s is personal, and is copied into field %q of %s, which is stored as it is; make it personal there as well",
			path, owner, to.Name.Text, what).Relate(from.Name.Pos, "the personal field")
	}
}

// PlainCopies warns of fields that are stored in plain text and have the name and the type of a personal field elsewhere in the declaration: a
// decision that copies the one into the other stores a value that Forget does not erase. An optional type counts as the type itself. Fields of
// declared types, of what is retired, and those that are NotPersonal are left out. The declaration has no mistakes.
func PlainCopies(w *Workflow) diagnostic.Errors {
	type owned struct {
		*Field
		owner string
	}
	var all []owned
	add := func(owner string, fields []*Field) {
		for _, f := range fields {
			all = append(all, owned{f, owner})
		}
	}
	add("the state", w.State)
	each := func(kind string, m *Message) {
		if !m.Retired {
			add(kind+" "+quote(m.Name.Text), m.Fields)
		}
	}
	for _, m := range w.Inputs {
		each("input", m)
	}
	for _, m := range w.Events {
		each("event", m)
	}
	for _, e := range w.Effects {
		each("effect", &e.Message)
	}
	for _, m := range w.Rejections {
		each("rejection", m)
	}
	var d Diagnostics
	for _, to := range all {
		i := slices.IndexFunc(all, func(from owned) bool {
			return from.Name.Text == to.Name.Text && sameType(present(&from.Type), present(&to.Type)) && exposes(from.Field, to.Field) != ""
		})
		if i < 0 || to.NotPersonal {
			continue
		}
		d.Report(to.Name.Pos, diagnostic.PlainCopy,
			"%q of %s is personal, and field %q of %s is stored as it is, so that Forget would not erase a copy; make the field personal as well, or say %s if it has other values",
			to.Name.Text, all[i].owner, to.Name.Text, to.owner, w.Form.notPersonalEntry()).Relate(all[i].Name.Pos, "the personal field")
	}
	return d.Sorted()
}

// present is the type of a value that is there.
func present(ref *TypeRef) *TypeRef {
	if ref.Kind == Optional {
		return ref.Elem
	}
	return ref
}

// recursivePersonal reports personal fields in a type that contains itself: there is no end to their paths.
func (c *checker) recursivePersonal(t *Type) {
	var personal *Field
	again := false
	seen := make(map[*Type]bool)
	var visit func(of *Type)
	visit = func(of *Type) {
		seen[of] = true
		for _, f := range of.Fields {
			inner := f.Type.Innermost().Decl
			switch {
			case f.Personal:
				personal = f
			case inner == t:
				again = true
			case inner != nil && !seen[inner]:
				visit(inner)
			}
		}
	}
	if visit(t); again && personal != nil {
		c.d.Report(personal.PersonalPos, diagnostic.PersonalType, "field %q is personal, and type %q contains itself; make the fields of type %q personal as a whole",
			personal.Name.Text, t.Name.Text, t.Name.Text)
	}
}

// subject checks the field that names the subject.
func (c *checker) subject() {
	name := c.w.Subject
	if name.Text == "" {
		return
	}
	f, open := field(c.w.State, name.Text)
	switch {
	case f == nil && open:
	case f == nil:
		_, hint := Suggest(name.Text, fieldNames(c.w.State))
		c.d.Report(name.Pos, diagnostic.BadSubject, "subject is %q, and the state has no such field; %s", name.Text, hint)
	case !isUnknown(&f.Type) && !sameType(&f.Type, stringType):
		c.d.Report(name.Pos, diagnostic.BadSubject, "subject is field %q of type %s; a subject is a string", name.Text, c.w.Form.typeText(&f.Type))
	case f.Personal:
		c.notPersonal(c.w.State, name, "the subject")
	case !c.w.HasPersonal():
		c.d.Report(name.Pos, diagnostic.BadSubject, "subject is %q, and no field is personal; remove it, or mark a field like %q", name.Text, c.w.Form.personalEntry())
	}
	if f == nil {
		return
	}
	for _, m := range c.w.Inputs {
		in, _ := storedField(m.Fields, f.Name.Stored())
		switch {
		case in == nil || isUnknown(&in.Type):
		case !sameType(&in.Type, stringType):
			c.d.Report(in.Name.Pos, diagnostic.BadSubject, "field %q of input %q names the subject, as in the state, and is of type %s; make it a string, or rename it",
				in.Name.Text, m.Name.Text, c.w.Form.typeText(&in.Type))
		case in.Personal:
			c.notPersonal(m.Fields, in.Name, "the subject")
		}
	}
}

// SubjectField returns the field of a message that names the subject, nil for none.
func (w *Workflow) SubjectField(fields []*Field) *Field {
	state, _ := field(w.State, w.Subject.Text)
	if w.Subject.Text == "" || state == nil {
		return nil
	}
	f, _ := storedField(fields, state.Name.Stored())
	return f
}
