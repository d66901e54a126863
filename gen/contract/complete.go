package contract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Complete adds to a declaration what its lock knows and generated code needs: the older versions of messages with the types that they have, and
// where retired events lead. lock is nil when there is none.
func Complete(w *spec.Workflow, lock *Set) error {
	var list diagnostic.List
	c := completer{w: w, lock: lock}
	complete := func(kind string, m *spec.Message) {
		m.Older = nil
		for v := 1; v < m.Version(); v++ {
			path := []string{kind, m.Name.Stored(), strconv.Itoa(v)}
			if lock == nil || lock.at(path...) == nil {
				list.Report(m.SchemaPos, diagnostic.VersionOrder, `version %d of %s %q is in no lock, so nobody knows how to read it; restore the lock, or leave "version" out if none is stored`, v, kind, m.Name.Text)
				break
			}
			old := &spec.Older{Version: v, Name: fmt.Sprintf("%sV%d", m.Name.Text, v), Fields: c.fields(path...)}
			if sample, ok := lock.sample(kind, m.Name.Stored(), v); ok {
				old.Samples = append(old.Samples, sample)
				if less := withoutOptional(sample, old.Fields); less != "" {
					old.Samples = append(old.Samples, less)
				}
			}
			m.Older = append(m.Older, old)
		}
	}
	for _, m := range w.Events {
		complete("event", m)
	}
	for _, m := range w.Inputs {
		complete("input", m)
	}
	for _, e := range w.Effects {
		complete("effect", &e.Message)
	}
	for _, m := range w.Rejections {
		complete("rejection", m)
	}
	if lock != nil {
		all := Of(w).With(lock)
		for _, m := range w.Events {
			for _, from := range w.States {
				to := all.value("move", from.Name.Stored(), m.Name.Stored())
				if m.Retired && to != "" {
					w.Moves = append(w.Moves, spec.Move{From: from.Name.Stored(), Event: m.Name.Stored(), To: to, Derived: true})
				}
			}
		}
	}
	return list.Err()
}

// completer makes parts of a model of facts in the lock.
type completer struct {
	w    *spec.Workflow
	lock *Set
}

func (c *completer) fields(path ...string) []*spec.Field {
	var fields []*spec.Field
	for _, f := range c.lock.below(join(path, "field")...) {
		name := f.Path[len(f.Path)-1]
		v := parseValue(f.Value)
		fields = append(fields, &spec.Field{
			Name: spec.Name{Text: name, Pos: f.Pos}, GoName: spec.GoName(name), Type: c.ref(parseType(v.typeText)),
			Default: spec.Name{Text: v.byDefault, Pos: f.Pos}, Was: spec.Name{Text: v.was, Pos: f.Pos},
		})
	}
	return fields
}

func (c *completer) ref(t *typeOf) spec.TypeRef {
	kinds := map[string]spec.Kind{"optional": spec.Optional, "list": spec.List, "map": spec.Map}
	switch {
	case t.elem != nil:
		elem := c.ref(t.elem)
		return spec.TypeRef{Kind: kinds[t.container], Elem: &elem}
	case c.lock.at("type", t.name) != nil:
		return spec.TypeRef{Kind: spec.Declared, Name: t.name, Decl: c.declared(t.name)}
	}
	return spec.TypeRef{Kind: spec.Scalar, Name: t.name}
}

// declared returns the type of a name: that of the declaration, which Compare has found to read what is stored, or one from the lock.
func (c *completer) declared(name string) *spec.Type {
	for _, t := range c.w.Types {
		if t.Name.Text == name {
			return t
		}
	}
	t := &spec.Type{Name: spec.Name{Text: name, Pos: c.lock.Pos}, Locked: true, Pos: c.lock.Pos}
	c.w.Types = append(c.w.Types, t)
	kind, goName, _ := strings.Cut(c.lock.value("type", name), " ")
	switch kind {
	case "struct":
		t.Kind, t.Fields = spec.Struct, c.fields("type", name)
	case "enum":
		t.Kind = spec.Enum
		for _, f := range c.lock.below("type", name, "value") {
			value := f.Path[3]
			t.Values = append(t.Values, spec.EnumValue{Name: spec.Name{Text: value, Pos: f.Pos}, GoName: spec.EnumValueName(name, value)})
		}
	default:
		t.Kind = spec.Imported
		dot := strings.LastIndexByte(goName, '.')
		t.Go = spec.GoType{Path: goName[:max(dot, 0)], Name: goName[dot+1:]}
	}
	return t
}
