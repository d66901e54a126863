package spec

import (
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// SearchField is a field by whose values instances can be found.
type SearchField struct {
	Stored string // the name that its values are stored under
	State  *Field // the field of the state; nil if the inputs have it
	Inputs []SearchInput
}

// SearchInput is an input that has a search field.
type SearchInput struct {
	Input *Message
	Field *Field
}

// SearchFields returns the search fields of a workflow that Validate found no mistake in.
func (w *Workflow) SearchFields() (fields []SearchField) {
	for _, name := range w.Search {
		if found := w.searchField(name.Text); found.Stored != "" {
			fields = append(fields, found)
		}
	}
	return fields
}

// searchField looks a search field up. Its Stored is empty if there is none.
func (w *Workflow) searchField(name string) (found SearchField) {
	if f, _ := field(w.State, name); f != nil {
		return SearchField{Stored: f.Name.Stored(), State: f}
	}
	for _, m := range w.Inputs {
		if f, _ := field(m.Fields, name); f != nil {
			found.Inputs = append(found.Inputs, SearchInput{m, f})
			if found.Stored == "" {
				found.Stored = f.Name.Stored()
			}
		}
	}
	return found
}

// searchFields checks that each search field is one, and that its type has values to look for.
func (c *checker) searchFields() {
	seen := make(map[string]Pos)
	for _, name := range c.w.Search {
		if name.Text == "" {
			continue
		}
		if first, again := seen[name.Text]; again {
			c.d.Report(name.Pos, diagnostic.NoSearchField, "search field %q is listed at %s already; list it once", name.Text, first).
				Relate(first, "the first entry")
			continue
		}
		seen[name.Text] = name.Pos
		found := c.w.searchField(name.Text)
		if found.Stored == "" {
			known := fieldNames(c.w.State)
			for _, m := range c.w.Inputs {
				known = append(known, fieldNames(m.Fields)...)
			}
			_, hint := Suggest(name.Text, known)
			c.d.Report(name.Pos, diagnostic.NoSearchField, "neither the state nor an input has a field %q; %s", name.Text, hint)
			continue
		}
		fields := []*Field{found.State}
		if found.State == nil {
			fields = nil
			for _, in := range found.Inputs {
				fields = append(fields, in.Field)
			}
		}
		for _, f := range fields {
			if !searchable(f.Type) {
				c.d.Report(name.Pos, diagnostic.SearchType, "field %q is a search field, and its type has no text to look for; use a string, a number, a bool, a time, a duration or an enum", name.Text)
				break
			}
		}
	}
}

// searchable reports whether values of a type can be looked for. A type that has a mistake of its own can.
func searchable(t TypeRef) bool {
	switch t.Kind {
	case Scalar:
		return !slices.Contains([]string{"json", "bytes", "float64"}, t.Name)
	case Optional:
		return t.Elem != nil && t.Elem.Kind != Optional && searchable(*t.Elem)
	case Declared:
		return t.Decl == nil || t.Decl.Kind == Enum
	}
	return t.Kind == 0
}
