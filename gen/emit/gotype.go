package emit

import (
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
	"float64":  {jen.Float64(), "Float64"},
	"time":     {jen.Qual("time", "Time"), "Time"},
	"duration": {jen.Qual("time", "Duration"), "Duration"},
	"bytes":    {jen.Index().Byte(), "Binary"},
	"decimal":  {jen.String(), "Decimal"},
	"json":     {jen.Qual("encoding/json", "RawMessage"), "JSON"},
}

// goType renders a type of the declaration.
func goType(ref *spec.TypeRef) *jen.Statement {
	switch ref.Kind {
	case spec.Scalar:
		return scalars[ref.Name].goType.Clone()
	case spec.Optional:
		return jen.Op("*").Add(goType(ref.Elem))
	case spec.List:
		return jen.Index().Add(goType(ref.Elem))
	case spec.Map:
		return jen.Map(jen.String()).Add(goType(ref.Elem))
	default:
		return jen.Id(ref.Name)
	}
}

// structFields renders the fields of a generated struct.
func structFields(g *jen.Group, fields []*spec.Field) {
	for _, f := range fields {
		if f.Doc != "" {
			g.Add(comment(f.Doc))
		}
		g.Id(spec.GoName(f.Name.Text)).Add(goType(&f.Type))
	}
}

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
