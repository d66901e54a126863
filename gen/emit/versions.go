package emit

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// versionedUnion is a sealed interface some of whose variants have versions before the declared one.
type versionedUnion struct {
	of       string // as in Event
	messages []*spec.Message
}

// versioned returns the unions that have older versions.
func (e *emitter) versioned() []versionedUnion {
	all := []versionedUnion{
		{"Input", e.w.Inputs}, {"Event", e.w.Events}, {"Effect", effectMessages(e.w)}, {"Rejection", e.w.Rejections},
	}
	return slices.DeleteFunc(all, func(u versionedUnion) bool {
		return !slices.ContainsFunc(u.messages, func(m *spec.Message) bool { return len(m.Older) > 0 })
	})
}

// step is the way from one version of a message to the next.
type step struct {
	from   *spec.Older
	to     string // Go type
	fields []*spec.Field
}

func stepsOf(m *spec.Message) []step {
	var steps []step
	for i, old := range m.Older {
		s := step{from: old, to: m.Name.Text, fields: m.Fields}
		if i+1 < len(m.Older) {
			s.to, s.fields = m.Older[i+1].Name, m.Older[i+1].Fields
		}
		steps = append(steps, s)
	}
	return steps
}

// upcasterInterface emits what the user writes where a version does not follow from the one before.
func (e *emitter) upcasterInterface(f *file) {
	var methods []jen.Code
	for _, u := range e.versioned() {
		for _, m := range u.messages {
			for _, s := range stepsOf(m) {
				if _, follows := s.values(); !follows {
					methods = append(methods,
						comment(fmt.Sprintf("%s converts a stored %s %s to the next version.", s.from.Name, unexported(u.of), m.Name.Text)),
						jen.Id(s.from.Name).Params(jen.Id("old").Id(s.from.Name)).Id(s.to))
				}
			}
		}
	}
	if len(methods) == 0 {
		return
	}
	f.comment("VersionUpcaster converts stored values of older versions to the next version. Its methods are pure and never fail.")
	f.decl().Type().Id("VersionUpcaster").Interface(methods...)
	f.decl().Var().Id("upcaster").Id("VersionUpcaster").Op("=").Id("Upcaster").Values()
}

// versions emits the older versions of messages, and what makes the declared ones of them.
func (e *emitter) versions(f *file) {
	for _, u := range e.versioned() {
		e.unionVersions(f, u)
	}
	for _, u := range e.versioned() {
		for _, m := range u.messages {
			for _, s := range stepsOf(m) {
				s.emit(f, unexported(u.of), m.Name.Text)
			}
		}
	}
}

func (e *emitter) unionVersions(f *file, u versionedUnion) {
	lower := unexported(u.of)
	f.comment(fmt.Sprintf("%sVersions has the versions of %ss that have more than one.", lower, lower))
	f.decl().Var().Id(lower + "Versions").Op("=").Map(jen.String()).Int().Values(jen.DictFunc(func(d jen.Dict) {
		for _, m := range u.messages {
			if m.Version() > 1 {
				d[jen.Lit(m.Name.Stored())] = jen.Lit(m.Version())
			}
		}
	}))
	f.comment(fmt.Sprintf("decodeOld%s decodes an older version of %s and converts it to the declared version.", u.of, article(lower)))
	f.decl().Func().Id("decodeOld"+u.of).Params(decoderParam.Clone(), jen.Id("name").String(), jen.Id("version").Int()).
		Params(jen.Id(lower).Id(u.of), jen.Err().Error()).Block(
		jen.Switch(jen.Id("name")).BlockFunc(func(g *jen.Group) {
			for _, m := range u.messages {
				if len(m.Older) > 0 {
					g.Case(jen.Lit(m.Name.Stored())).Block(decodeVersions(m))
				}
			}
		}),
		jen.Return(jen.Nil(), jen.Qual("fmt", "Errorf").Call(jen.Lit(lower+" %s has no version %d"), jen.Id("name"), jen.Id("version"))),
	)
}

// article returns the kind of a message with its article.
func article(kind string) string {
	if kind == "rejection" {
		return "a " + kind
	}
	return "an " + kind
}

// emit emits an older version with the step to the next one.
func (s step) emit(f *file, kind, name string) {
	f.comment(wrap(fmt.Sprintf("%s is the stored version %d of the %s %s. New ones have a later version.", s.from.Name, s.from.Version, kind, name)))
	f.decl().Type().Id(s.from.Name).StructFunc(func(g *jen.Group) { structFields(g, s.from.Fields) })
	structDecoder(f, record{name: s.from.Name, members: members(s.from.Fields)})
	values, follows := s.values()
	body := jen.Return(jen.Id(s.to).Values(values...))
	if !follows {
		body = jen.Return(jen.Id("upcaster").Dot(s.from.Name).Call(jen.Id("old")))
	} else if len(values) > 1 {
		body = jen.Return(jen.Id(s.to).Custom(multiline, values...))
	}
	f.decl().Func().Id("upcast" + s.from.Name).Params(jen.Id("old").Id(s.from.Name)).Id(s.to).Block(body)
}

// decodeVersions renders a switch over the versions of one message. A payload that cannot be decoded is not upcast.
func decodeVersions(m *spec.Message) *jen.Statement {
	return jen.Switch(jen.Id("version")).BlockFunc(func(g *jen.Group) {
		for i, old := range m.Older {
			value := jen.Id("old")
			for _, later := range m.Older[i:] {
				value = jen.Id("upcast" + later.Name).Call(value)
			}
			g.Case(jen.Lit(old.Version)).Block(
				jen.Id("old").Op(":=").Id("decode"+old.Name).Call(jen.Id("d")),
				jen.If(jen.Err().Op("=").Id("d").Dot("Err").Call(), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
				jen.Return(value, jen.Nil()),
			)
		}
	})
}

// values renders the fields of the next version, each of the one before that has its name or that it was, by its default, or empty. follows is
// false when that is not known of a field.
func (s step) values() (values []jen.Code, follows bool) {
	before := make(map[string]*spec.Field)
	for _, f := range s.from.Fields {
		before[f.Name.Stored()] = f
	}
	for _, f := range s.fields {
		name := f.Name.Stored()
		if f.Was.Text != "" {
			name = f.Was.Text
		}
		old := before[name]
		switch {
		case old != nil:
			value := convertField(&old.Type, &f.Type, jen.Id("old").Dot(old.GoName))
			if value == nil {
				return nil, false
			}
			values = append(values, keyed(f.GoName, value))
		case f.Was.Text != "":
			return nil, false
		case f.Default.Text != "":
			values = append(values, keyed(f.GoName, byDefault(f)))
		case f.Type.Kind == spec.Optional || f.Type.Kind == spec.Scalar && f.Type.Name == "json":
		default:
			return nil, false
		}
	}
	return values, true
}

// widerNumbers are the conversions of numbers that lose nothing.
var widerNumbers = map[[2]string]bool{
	{"int32", "int"}: true, {"int32", "int64"}: true, {"int", "int64"}: true, {"uint32", "uint64"}: true, {"uint32", "int64"}: true,
}

// convertField renders a value of one type as another, nil where that takes thought.
func convertField(from, to *spec.TypeRef, value *jen.Statement) *jen.Statement {
	switch {
	case to.Kind == spec.Optional && from.Kind != spec.Optional:
		if spec.TypeText(from) != spec.TypeText(to.Elem) || to.Elem.As != nil {
			return nil
		}
		return jen.Op("&").Add(value)
	case spec.TypeText(from) == spec.TypeText(to):
		if to.Innermost().As != nil || to.As != nil {
			if to.Kind != spec.Scalar {
				return nil
			}
			return goType(to).Call(value)
		}
		return value
	case from.Kind == spec.Scalar && to.Kind == spec.Scalar && widerNumbers[[2]string{from.Name, to.Name}]:
		return goType(to).Call(value)
	}
	return nil
}
