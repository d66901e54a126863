package emit

import (
	"go/token"
	"go/types"
	"regexp"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// scalar says how a built-in type looks in Go, and by which method of codec's Encoder and Decoder it travels.
type scalar struct {
	goType *jen.Statement
	method string
}

var scalars = map[string]scalar{
	"string":   {jen.String(), "String"},
	"bool":     {jen.Bool(), "Bool"},
	"int":      {jen.Int(), "Int"},
	"int32":    {jen.Int32(), "Int32"},
	"int64":    {jen.Int64(), "Int64"},
	"uint32":   {jen.Uint32(), "Uint32"},
	"uint64":   {jen.Uint64(), "Uint64"},
	"float64":  {jen.Float64(), "Float64"},
	"time":     {jen.Qual("time", "Time"), "Time"},
	"duration": {jen.Qual("time", "Duration"), "Duration"},
	"bytes":    {jen.Index().Byte(), "Binary"},
	"decimal":  {jen.String(), "Decimal"},
	"json":     {jen.Qual("encoding/json", "RawMessage"), "JSON"},
}

// goType renders a type of the declaration.
func goType(ref *spec.TypeRef) *jen.Statement {
	switch {
	case ref.As != nil:
		return namedType(ref.As)
	case ref.Kind == spec.Scalar:
		return scalars[ref.Name].goType.Clone()
	case ref.Kind == spec.Optional:
		return jen.Op("*").Add(goType(ref.Elem))
	case ref.Kind == spec.List:
		return jen.Index().Add(goType(ref.Elem))
	case ref.Kind == spec.Map:
		return jen.Map(jen.String()).Add(goType(ref.Elem))
	default:
		return declaredGoType(ref.Decl)
	}
}

// declaredGoType renders a declared type.
func declaredGoType(t *spec.Type) *jen.Statement {
	if t.As != nil {
		return namedType(t.As)
	}
	return jen.Id(t.Name.Text)
}

// namedType renders a Go type as the user's code writes it.
func namedType(t *spec.GoType) *jen.Statement {
	var args []jen.Code
	for _, arg := range t.Args {
		args = append(args, namedType(arg))
	}
	switch {
	case t.Path != "":
		s := jen.Qual(t.Path, t.Name)
		if len(args) > 0 {
			s.Types(args...)
		}
		return s
	case t.Name == "map":
		return jen.Map(args[0]).Add(args[1])
	case token.IsIdentifier(t.Name) && len(args) > 0:
		return usersID(t.Name).Types(args...)
	case token.IsIdentifier(t.Name) && types.Universe.Lookup(t.Name) == nil:
		return usersID(t.Name)
	default: // an operator in front of its operand, or a name alone
		return jen.Id(t.Name).Add(args...)
	}
}

// importPaths collects the packages of a Go type and its arguments.
func importPaths(t *spec.GoType, add func(path string)) {
	if t.Path != "" {
		add(t.Path)
	}
	for _, arg := range t.Args {
		importPaths(arg, add)
	}
}

// goField selects a field of a message in Go.
func goField(m *spec.Message, field spec.Name) string { return m.Field(field.Text).GoName }

// structFields renders the fields of a generated struct, tagged with the names that they are stored under.
func structFields(g *jen.Group, fields []*spec.Field) {
	for _, f := range fields {
		if f.Doc != "" {
			g.Add(comment(f.Doc))
		}
		g.Id(f.GoName).Add(goType(&f.Type)).Add(jsonTag(f.Name.Stored()))
	}
}

// jsonTag names a field in JSON as its codec does, so that what encoding/json writes of a generated type has the stored
// names.
func jsonTag(stored string) *jen.Statement { return jen.Tag(map[string]string{"json": stored}) }

var versionSuffix = regexp.MustCompile(`^v[0-9]+$|\.v[0-9]+$`)

// importAlias names the import of a user's type. It always differs from the parameters of generated functions, which have
// no underscore at the end, so that none of them hides it.
func importAlias(path string) string {
	elements := strings.Split(path, "/")
	name := elements[len(elements)-1]
	if versionSuffix.MatchString(name) && len(elements) > 1 && name[0] == 'v' {
		name = elements[len(elements)-2]
	}
	name = versionSuffix.ReplaceAllString(name, "")
	name = strings.TrimPrefix(name, "go-")
	name = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	return "pkg" + name
}
