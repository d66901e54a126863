package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// codec emits the JSON codec of everything that is stored or sent: first the sealed interfaces, then their variants,
// then the types of their fields.
func (e *emitter) codec(f *file) {
	e.union(f, "Input", e.w.Inputs)
	e.union(f, "Event", e.w.Events)
	if e.hasEffects() {
		e.union(f, "Effect", effectMessages(e.w))
	}
	rejections := e.w.Rejections
	if e.w.HasStates() {
		rejections = append(rejections[:len(rejections):len(rejections)], notAccepted)
	}
	if len(rejections) > 0 {
		e.union(f, "Rejection", rejections)
	}

	for _, m := range e.w.Inputs {
		structCodec(f, m.Name.Text, m.Fields, m.Name.Text)
	}
	for _, messages := range [][]*spec.Message{e.w.Events, effectMessages(e.w), e.w.Rejections} {
		for _, m := range messages {
			structCodec(f, m.Name.Text, m.Fields, "")
		}
	}
	if e.w.HasStates() {
		notAcceptedCodec(f)
	}
	for _, t := range e.w.Types {
		if !e.uses.coded[t] {
			continue
		}
		switch t.Kind {
		case spec.Struct:
			structCodec(f, t.Name.Text, t.Fields, "")
		case spec.Enum:
			enumCodec(f, t)
		}
	}
}

// notAccepted is the generated rejection as a message; its fields are written by notAcceptedCodec.
var notAccepted = &spec.Message{Name: spec.Name{Text: "NotAccepted"}}

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
				g.Case(jen.Id(m.Name.Text)).Block(jen.Return(jen.Lit(m.Name.Text)))
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
				g.Case(jen.Lit(m.Name.Text)).Block(
					jen.Return(jen.Id("decode"+m.Name.Text).Call(jen.Id("d")), jen.Nil()),
				)
			}
		}),
		jen.Return(jen.Nil(), jen.Op("&").Qual(codecPath, "UnknownTypeError").Custom(multiline,
			keyed("Workflow", jen.Id("WorkflowName")),
			keyed("Kind", jen.Lit(lower)),
			jen.Id("Type").Op(":").Id("name"),
			keyed("Known", stringList(messageNames(variants))),
		)),
	)
}

// multiline renders a composite literal with a line for each element.
var multiline = jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}

func unexported(name string) string { return string(name[0]-'A'+'a') + name[1:] }

// structCodec emits the codec of a struct. Inputs carry their name in the object, as the first member.
func structCodec(f *file, name string, fields []*spec.Field, inputType string) {
	value := "v"
	if len(fields) == 0 {
		value = "_"
	}
	f.decl().Func().Id("encode"+name).Params(encoderParam.Clone(), jen.Id(value).Id(name)).BlockFunc(func(g *jen.Group) {
		g.Id("e").Dot("BeginObject").Call()
		if inputType != "" {
			g.Id("e").Dot("Key").Call(jen.Lit("type"))
			g.Id("e").Dot("String").Call(jen.Lit(inputType))
		}
		for _, field := range fields {
			g.Id("e").Dot("Key").Call(jen.Lit(field.Name.Text))
			g.Add(encodeValue(&field.Type, jen.Id("v").Dot(spec.GoName(field.Name.Text))))
		}
		g.Id("e").Dot("EndObject").Call()
	})
	if len(fields) == 0 {
		f.decl().Func().Id("decode"+name).Params(decoderParam.Clone()).Id(name).Block(
			jen.For(jen.Id("d").Dot("BeginObject").Call(), jen.Id("d").Dot("NextField").Call(), jen.Empty()).Block(
				jen.Id("d").Dot("Skip").Call(),
			),
			jen.Return(jen.Id(name).Values()),
		)
		return
	}
	numbers, requiredNames := numberFields(fields)
	f.decl().Func().Id("decode" + name).Params(decoderParam.Clone()).Id(name).BlockFunc(func(g *jen.Group) {
		g.Var().Id("v").Id(name)
		g.Var().Id("seen").Qual(codecPath, "Fields")
		g.For(jen.Id("d").Dot("BeginObject").Call(), jen.Id("d").Dot("NextField").Call(), jen.Empty()).Block(
			jen.Switch(jen.String().Call(jen.Id("d").Dot("Key").Call())).BlockFunc(func(g *jen.Group) {
				for _, field := range fields {
					g.Case(jen.Lit(field.Name.Text)).Block(
						jen.Id("d").Dot("Seen").Call(jen.Op("&").Id("seen"), jen.Lit(numbers[field])),
						jen.Id("v").Dot(spec.GoName(field.Name.Text)).Op("=").Add(decodeValue(&field.Type)),
					)
				}
				g.Default().Block(jen.Id("d").Dot("Skip").Call())
			}),
		)
		if len(requiredNames) > 0 {
			g.Id("d").Dot("Require").CallFunc(func(g *jen.Group) {
				g.Id("seen")
				for _, name := range requiredNames {
					g.Lit(name)
				}
			})
		}
		g.Return(jen.Id("v"))
	})
}

func required(f *spec.Field) bool {
	return f.Type.Kind != spec.Optional && (f.Type.Kind != spec.Scalar || f.Type.Name != "json")
}

// numberFields gives each field its number in the set of those seen: the required ones come first, as Require wants it.
func numberFields(fields []*spec.Field) (numbers map[*spec.Field]int, requiredNames []string) {
	numbers = make(map[*spec.Field]int)
	for _, f := range fields {
		if required(f) {
			numbers[f] = len(numbers)
			requiredNames = append(requiredNames, f.Name.Text)
		}
	}
	for _, f := range fields {
		if !required(f) {
			numbers[f] = len(numbers)
		}
	}
	return numbers, requiredNames
}

func notAcceptedCodec(f *file) {
	f.decl().Func().Id("encodeNotAccepted").Params(encoderParam.Clone(), jen.Id("v").Id("NotAccepted")).Block(
		jen.Id("e").Dot("BeginObject").Call(),
		jen.Id("e").Dot("Key").Call(jen.Lit("input")),
		jen.Id("e").Dot("String").Call(jen.Id("v").Dot("Input")),
		jen.Id("e").Dot("Key").Call(jen.Lit("state")),
		jen.Id("e").Dot("String").Call(jen.String().Call(jen.Id("v").Dot("State"))),
		jen.Id("e").Dot("EndObject").Call(),
	)
	f.decl().Func().Id("decodeNotAccepted").Params(decoderParam.Clone()).Id("NotAccepted").Block(
		jen.Var().Id("v").Id("NotAccepted"),
		jen.For(jen.Id("d").Dot("BeginObject").Call(), jen.Id("d").Dot("NextField").Call(), jen.Empty()).Block(
			jen.Switch(jen.String().Call(jen.Id("d").Dot("Key").Call())).Block(
				jen.Case(jen.Lit("input")).Block(jen.Id("v").Dot("Input").Op("=").Id("d").Dot("String").Call()),
				jen.Case(jen.Lit("state")).Block(jen.Id("v").Dot("State").Op("=").Id("Status").Call(jen.Id("d").Dot("String").Call())),
				jen.Default().Block(jen.Id("d").Dot("Skip").Call()),
			),
		),
		jen.Return(jen.Id("v")),
	)
}

func enumCodec(f *file, t *spec.Type) {
	name, values := t.Name.Text, unexported(t.Name.Text)+"Values"
	f.decl().Var().Id(values).Op("=").Index().Id(name).ValuesFunc(func(g *jen.Group) {
		for _, v := range t.Values {
			g.Id(spec.EnumValueName(name, v.Name.Text))
		}
	})
	f.decl().Func().Id("encode"+name).Params(encoderParam.Clone(), jen.Id("v").Id(name)).Block(
		jen.Qual(codecPath, "EncodeEnum").Call(jen.Id("e"), jen.Id("v"), jen.Id(values)),
	)
	f.decl().Func().Id("decode" + name).Params(decoderParam.Clone()).Id(name).Block(
		jen.Return(jen.Qual(codecPath, "DecodeEnum").Call(jen.Id("d"), jen.Id(values))),
	)
}

var containerNames = map[spec.Kind]string{spec.Optional: "Optional", spec.List: "List", spec.Map: "Map"}

// encodeValue renders the statement that encodes v.
func encodeValue(ref *spec.TypeRef, v jen.Code) *jen.Statement {
	switch {
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
	case ref.Kind == spec.Scalar:
		return jen.Parens(jen.Op("*").Qual(codecPath, "Encoder")).Dot(scalars[ref.Name].method)
	case ref.Elem != nil:
		return jen.Func().Params(encoderParam.Clone(), jen.Id("v").Add(goType(ref))).Block(encodeValue(ref, jen.Id("v")))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "EncodeGo").Types(jen.Id(ref.Name))
	default:
		return jen.Id("encode" + ref.Name)
	}
}

// decodeValue renders the expression that decodes a value.
func decodeValue(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar:
		return jen.Id("d").Dot(scalars[ref.Name].method).Call()
	case ref.Elem != nil:
		return jen.Qual(codecPath, "Decode"+containerNames[ref.Kind]).Call(jen.Id("d"), decodeFunc(ref.Elem))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "DecodeGo").Types(jen.Id(ref.Name)).Call(jen.Id("d"))
	default:
		return jen.Id("decode" + ref.Name).Call(jen.Id("d"))
	}
}

// decodeFunc renders a func(*codec.Decoder) T for the elements of a container.
func decodeFunc(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.Kind == spec.Scalar:
		return jen.Parens(jen.Op("*").Qual(codecPath, "Decoder")).Dot(scalars[ref.Name].method)
	case ref.Elem != nil:
		return jen.Func().Params(decoderParam.Clone()).Add(goType(ref)).Block(jen.Return(decodeValue(ref)))
	case ref.Decl.Kind == spec.Imported:
		return jen.Qual(codecPath, "DecodeGo").Types(jen.Id(ref.Name))
	default:
		return jen.Id("decode" + ref.Name)
	}
}
