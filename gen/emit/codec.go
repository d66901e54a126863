package emit

import (
	"go/token"
	"slices"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// codec emits the JSON codec of everything that is stored or sent: first the sealed interfaces, then their variants and
// the state, then the types of their fields.
func (e *emitter) codec(f *file) {
	e.union(f, "Input", e.w.Inputs)
	if !e.w.External {
		e.union(f, "Event", e.w.Events)
	}
	if e.hasEffects() {
		e.union(f, "Effect", effectMessages(e.w))
	}
	if rejections := e.rejections(); len(rejections) > 0 {
		e.union(f, "Rejection", rejections)
	}

	for _, m := range e.w.Inputs {
		structCodec(f, record{name: m.Name.Text, input: m.Name.Stored(), members: members(m.Fields)})
	}
	for _, messages := range [][]*spec.Message{e.w.Events, effectMessages(e.w), e.w.Rejections} {
		for _, m := range messages {
			structCodec(f, record{name: m.Name.Text, members: members(m.Fields)})
		}
	}
	if e.hasNotAccepted() {
		structCodec(f, record{name: "NotAccepted", members: []member{stringMember("input", "Input"), e.statusMember("state", "State")}})
	}
	if !e.w.External {
		state := record{name: "State", as: e.stateType(), state: true, members: members(e.w.State)}
		if e.w.HasStates() {
			state.members = slices.Insert(state.members, 0, e.statusMember("status", e.w.StatusField))
		}
		f.comment("encodeState encodes a state for a snapshot. Enums and decimals that no event has set yet may be empty.")
		structCodec(f, state)
	}
	for _, t := range e.w.Types {
		if !e.uses.coded[t] {
			continue
		}
		switch t.Kind {
		case spec.Struct:
			structCodec(f, record{name: t.Name.Text, as: declaredGoType(t), members: members(t.Fields)})
		case spec.Enum:
			enumCodec(f, t)
		}
	}
	e.register(f)
}

// register emits the registration of the types that other packages can use in declarations of theirs.
func (e *emitter) register(f *file) {
	var calls []jen.Code
	for _, t := range e.w.Types {
		isOwn := t.As == nil || t.As.Path == "" && len(t.As.Args) == 0 && token.IsExported(t.As.Name)
		if isOwn && e.uses.coded[t] && t.Kind != spec.Imported {
			calls = append(calls, jen.Qual(codecPath, "Register").Call(jen.Id("encode"+t.Name.Text), jen.Id("decode"+t.Name.Text)))
		}
	}
	if len(calls) > 0 {
		f.comment("Other packages encode and decode these types with these functions.")
		f.decl().Func().Id("init").Params().Block(calls...)
	}
}

// notAccepted is the generated rejection, as one of the variants of Rejection.
var notAccepted = &spec.Message{Name: spec.Name{Text: "NotAccepted"}}

// rejections are the variants of Rejection.
func (e *emitter) rejections() []*spec.Message {
	if !e.hasNotAccepted() {
		return e.w.Rejections
	}
	return append(slices.Clip(e.w.Rejections), notAccepted)
}

var (
	encoderParam = jen.Id("e").Op("*").Qual(codecPath, "Encoder")
	decoderParam = jen.Id("d").Op("*").Qual(codecPath, "Decoder")
)

// union emits the functions that tell the variants of a sealed interface apart.
func (e *emitter) union(f *file, of string, variants []*spec.Message) {
	lower := unexported(of)
	f.decl().Func().Id(lower+"Name").Params(jen.Id("v").Id(of)).String().Block(
		jen.Switch(jen.Id("v").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
			for _, m := range variants {
				g.Case(jen.Id(m.Name.Text)).Block(jen.Return(jen.Lit(m.Name.Stored())))
			}
		}),
		jen.Return(jen.Lit("")),
	)
	f.decl().Func().Id("encode"+of).Params(encoderParam.Clone(), jen.Id("v").Id(of)).Block(
		jen.Switch(jen.Id("v").Op(":=").Id("v").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
			for _, m := range variants {
				g.Case(jen.Id(m.Name.Text)).Block(jen.Id("encode"+m.Name.Text).Call(jen.Id("e"), jen.Id("v")))
			}
			g.Default().Block(jen.Id("e").Dot("Fail").Call(jen.Lit("%T is not declared as one of the "+lower+"s"), jen.Id("v")))
		}),
	)
	f.decl().Func().Id("decode"+of).Params(decoderParam.Clone(), jen.Id("name").String()).Params(jen.Id(of), jen.Error()).Block(
		jen.Switch(jen.Id("name")).BlockFunc(func(g *jen.Group) {
			for _, m := range variants {
				g.Case(jen.Lit(m.Name.Stored())).Block(
					jen.Return(jen.Id("decode"+m.Name.Text).Call(jen.Id("d")), jen.Nil()),
				)
			}
		}),
		jen.Return(jen.Nil(), jen.Op("&").Qual(codecPath, "UnknownTypeError").Custom(multiline,
			keyed("Workflow", jen.Id("WorkflowName")),
			keyed("Kind", jen.Lit(lower)),
			jen.Id("Type").Op(":").Id("name"),
			keyed("Known", stringList(storedNames(variants))),
		)),
	)
}

var (
	// oneline and multiline render a composite literal, the latter with a line for each element.
	oneline   = jen.Options{Open: "{", Close: "}", Separator: ","}
	multiline = jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}

	// inline renders the body of a function that is one statement.
	inline = jen.Options{Open: "{ ", Close: " }"}
)

func unexported(name string) string { return string(name[0]-'A'+'a') + name[1:] }

// record is a struct to emit the codec of.
type record struct {
	name    string
	as      *jen.Statement // the Go type; nil for one of this name
	input   string         // the stored name that an input carries in the object, as the first member
	state   bool           // is the folded state
	members []member
}

func (r *record) goType() *jen.Statement {
	if r.as != nil {
		return r.as.Clone()
	}
	return jen.Id(r.name)
}

func (r *record) begin() string {
	if r.state {
		return "BeginState"
	}
	return "BeginObject"
}

// member is a field of a record as its codec sees it.
type member struct {
	key      string
	goName   string
	required bool
	encode   *jen.Statement // of v.Field
	decode   *jen.Statement // to v.Field

	byDefault *jen.Statement // of v.Field where it is missing; nil for none
}

func (m *member) field() *jen.Statement { return fieldOf(m.goName) }

func fieldOf(goName string) *jen.Statement { return jen.Id("v").Dot(goName) }

func members(fields []*spec.Field) []member {
	var list []member
	for _, f := range fields {
		list = append(list, member{
			key: f.Name.Stored(), goName: f.GoName, required: required(f),
			encode: encodeValue(&f.Type, fieldOf(f.GoName)), decode: decodeValue(&f.Type), byDefault: byDefault(f),
		})
	}
	return list
}

func required(f *spec.Field) bool {
	return f.Default.Text == "" && f.Type.Kind != spec.Optional && (f.Type.Kind != spec.Scalar || f.Type.Name != "json")
}

// byDefault renders the default of a field, nil when it has none.
func byDefault(f *spec.Field) *jen.Statement {
	switch {
	case f.Default.Text == "":
		return nil
	case f.Type.Kind == spec.Declared:
		for _, v := range f.Type.Decl.Values {
			if v.Name.Stored() == f.DefaultText() {
				return usersID(v.GoName)
			}
		}
		return nil
	case f.Type.Name == "duration":
		d, _ := time.ParseDuration(f.DefaultText()) // which Validate has written
		return duration(d)
	case f.Default.Text[0] == '"':
		return jen.Lit(f.DefaultText())
	}
	return jen.Op(f.Default.Text)
}

func stringMember(key, goName string) member {
	return member{key: key, goName: goName, required: true, encode: jen.Id("e").Dot("String").Call(fieldOf(goName)), decode: jen.Id("d").Dot("String").Call()}
}

// statusMember is a field of the status's type.
func (e *emitter) statusMember(key, goName string) member {
	return member{
		key: key, goName: goName, required: true,
		encode: jen.Id("e").Dot("String").Call(jen.String().Call(fieldOf(goName))),
		decode: e.notAcceptedState().Call(jen.Id("d").Dot("String").Call()),
	}
}

func structCodec(f *file, r record) {
	encodeRecord(f, &r)
	structDecoder(f, r)
}

func structDecoder(f *file, r record) {
	if len(r.members) == 0 {
		f.decl().Func().Id("decode"+r.name).Params(decoderParam.Clone()).Add(r.goType()).Block(
			jen.For(jen.Id("d").Dot(r.begin()).Call(), jen.Id("d").Dot("NextField").Call(), jen.Empty()).Block(
				jen.Id("d").Dot("Skip").Call(),
			),
			jen.Return(r.goType().Values()),
		)
		return
	}
	decodeRecord(f, &r)
}

func encodeRecord(f *file, r *record) {
	value := "v"
	if len(r.members) == 0 {
		value = "_"
	}
	f.decl().Func().Id("encode"+r.name).Params(encoderParam.Clone(), jen.Id(value).Add(r.goType())).BlockFunc(func(g *jen.Group) {
		g.Id("e").Dot(r.begin()).Call()
		if r.input != "" {
			g.Id("e").Dot("Key").Call(jen.Lit("type"))
			g.Id("e").Dot("String").Call(jen.Lit(r.input))
		}
		for _, m := range r.members {
			g.Id("e").Dot("Key").Call(jen.Lit(m.key))
			g.Add(m.encode)
		}
		g.Id("e").Dot("EndObject").Call()
	})
}

func decodeRecord(f *file, r *record) {
	numbers, requiredKeys := numberMembers(r.members)
	f.decl().Func().Id("decode" + r.name).Params(decoderParam.Clone()).Add(r.goType()).BlockFunc(func(g *jen.Group) {
		g.Var().Id("v").Add(r.goType())
		g.Var().Id("seen").Qual(codecPath, "Fields")
		g.For(jen.Id("d").Dot(r.begin()).Call(), jen.Id("d").Dot("NextField").Call(), jen.Empty()).Block(
			jen.Switch(jen.String().Call(jen.Id("d").Dot("Key").Call())).BlockFunc(func(g *jen.Group) {
				for i, m := range r.members {
					g.Case(jen.Lit(m.key)).Block(
						jen.Id("d").Dot("Seen").Call(jen.Op("&").Id("seen"), jen.Lit(numbers[i])),
						m.field().Op("=").Add(m.decode),
					)
				}
				g.Default().Block(jen.Id("d").Dot("Skip").Call())
			}),
		)
		for i, m := range r.members {
			if m.byDefault != nil {
				g.If(jen.Op("!").Id("seen").Dot("Has").Call(jen.Lit(numbers[i]))).Block(m.field().Op("=").Add(m.byDefault))
			}
		}
		if len(requiredKeys) > 0 {
			g.Id("d").Dot("Require").Call(append([]jen.Code{jen.Id("seen")}, literals(requiredKeys)...)...)
		}
		g.Return(jen.Id("v"))
	})
}

// numberMembers gives each member its number in the set of those seen: the required ones come first, as Require wants it.
func numberMembers(members []member) (numbers []int, requiredKeys []string) {
	for _, m := range members {
		if m.required {
			requiredKeys = append(requiredKeys, m.key)
		}
	}
	next, nextOptional := 0, len(requiredKeys)
	for _, m := range members {
		if m.required {
			numbers = append(numbers, next)
			next++
		} else {
			numbers = append(numbers, nextOptional)
			nextOptional++
		}
	}
	return numbers, requiredKeys
}

func enumCodec(f *file, t *spec.Type) {
	name, goType, values := t.Name.Text, declaredGoType(t), unexported(t.Name.Text)+"Values"
	f.decl().Var().Id(values).Op("=").Index().Add(goType.Clone()).ValuesFunc(func(g *jen.Group) {
		for _, v := range t.Values {
			g.Add(usersID(v.GoName))
		}
	})
	f.decl().Func().Id("encode"+name).Params(encoderParam.Clone(), jen.Id("v").Add(goType.Clone())).Block(
		jen.Qual(codecPath, "EncodeEnum").Call(jen.Id("e"), jen.Id("v"), jen.Id(values)),
	)
	f.decl().Func().Id("decode" + name).Params(decoderParam.Clone()).Add(goType).Block(
		jen.Return(jen.Qual(codecPath, "DecodeEnum").Call(jen.Id("d"), jen.Id(values))),
	)
}

var containerNames = map[spec.Kind]string{spec.Optional: "Optional", spec.List: "List", spec.Map: "Map"}

// encodeValue renders the statement that encodes v.
func encodeValue(ref *spec.TypeRef, v jen.Code) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar && ref.As != nil:
		return jen.Id("e").Dot(scalars[ref.Name].method).Call(scalars[ref.Name].goType.Clone().Call(v))
	case ref.Kind == spec.Scalar:
		return jen.Id("e").Dot(scalars[ref.Name].method).Call(v)
	case ref.Elem != nil:
		return jen.Qual(codecPath, "Encode"+containerNames[ref.Kind]).Call(jen.Id("e"), v, encodeFunc(ref.Elem))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "EncodeGo").Call(jen.Id("e"), v)
	default:
		return jen.Id("encode"+ref.Name).Call(jen.Id("e"), v)
	}
}

// encodeFunc renders a func(*codec.Encoder, T) for the elements of a container.
func encodeFunc(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar && ref.As == nil:
		return jen.Parens(jen.Op("*").Qual(codecPath, "Encoder")).Dot(scalars[ref.Name].method)
	case ref.Kind == spec.Scalar, ref.Elem != nil:
		return jen.Func().Params(encoderParam.Clone(), jen.Id("v").Add(goType(ref))).Block(encodeValue(ref, jen.Id("v")))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "EncodeGo").Types(goType(ref))
	default:
		return jen.Id("encode" + ref.Name)
	}
}

// decodeValue renders the expression that decodes a value.
func decodeValue(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar && ref.As != nil:
		return goType(ref).Call(jen.Id("d").Dot(scalars[ref.Name].method).Call())
	case ref.Kind == spec.Scalar:
		return jen.Id("d").Dot(scalars[ref.Name].method).Call()
	case ref.Elem != nil:
		return jen.Qual(codecPath, "Decode"+containerNames[ref.Kind]).Call(jen.Id("d"), decodeFunc(ref.Elem))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "DecodeGo").Types(goType(ref)).Call(jen.Id("d"))
	default:
		return jen.Id("decode" + ref.Name).Call(jen.Id("d"))
	}
}

// decodeFunc renders a func(*codec.Decoder) T for the elements of a container.
func decodeFunc(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar && ref.As == nil:
		return jen.Parens(jen.Op("*").Qual(codecPath, "Decoder")).Dot(scalars[ref.Name].method)
	case ref.Kind == spec.Scalar, ref.Elem != nil:
		return jen.Func().Params(decoderParam.Clone()).Add(goType(ref)).Block(jen.Return(decodeValue(ref)))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "DecodeGo").Types(goType(ref))
	default:
		return jen.Id("decode" + ref.Name)
	}
}
