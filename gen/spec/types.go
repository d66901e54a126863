package spec

import (
	"go/token"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// scalars are the built-in types, in the order in which messages list them.
var scalars = []string{
	"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "decimal", "time", "duration", "bytes", "json",
}

// IsScalar reports whether a built-in type has this name.
func IsScalar(name string) bool { return slices.Contains(scalars, name) }

// foreignTypes says what types of Go, other languages and formats are called here.
var foreignTypes = map[string]string{
	"any": "json", "object": "json", "interface{}": "json", "json.rawmessage": "json",
	"text": "string", "str": "string", "uuid": "string", "uuid.uuid": "string", "error": "string", "rune": "string", "boolean": "bool",
	"integer": "int64", "long": "int64", "number": "float64", "double": "float64", "float": "float64", "float32": "float64",
	"uint": "uint64", "unsigned": "uint64", "ulong": "uint64", "uintptr": "uint64", "uint16": "uint32", "uint8": "uint32",
	"int16": "int32", "int8": "int32", "short": "int32", "fixed32": "uint32", "fixed64": "uint64", "sint32": "int32", "sint64": "int64",
	"timestamp": "time", "datetime": "time", "date": "time", "time.time": "time", "time.duration": "duration",
	"money": "decimal", "numeric": "decimal", "decimal.decimal": "decimal", "binary": "bytes", "byte": "bytes", "[]byte": "bytes",
}

// ScalarFor returns the built-in type that a name stands for, be it its own or one of Go, another language or a format; ""
// for any other name.
func ScalarFor(name string) string {
	if IsScalar(name) {
		return name
	}
	return foreignTypes[strings.ToLower(name)]
}

// declaredTypes checks the body of every declared type.
func (c *checker) declaredTypes() {
	for _, t := range c.w.Types {
		switch t.Kind {
		case Struct:
			c.fields("type "+quote(t.Name.Text), t.Fields)
		case Enum:
			c.enum(t)
		case Imported:
			c.imported(t)
		}
	}
	c.recursion()
}

func (c *checker) enum(t *Type) {
	if len(t.Values) == 0 {
		c.d.Report(t.Name.Pos, diagnostic.EmptyEnum, "enum %q has no values; list at least one", t.Name.Text)
	}
	for _, v := range t.Values { // in YAML, what stands beside a value is its doc
		of := c.types.items[v.Doc]
		if c.w.Form == YAML && v.Doc != v.Name.Text && (IsScalar(v.Doc) || of != nil && of.Kind != Enum) {
			c.d.Report(v.Name.Pos, diagnostic.UnionType, "value %q of enum %q has the type %s beside it, and a value has no data; %s",
				v.Name.Text, t.Name.Text, v.Doc, Union)
		}
	}
}

// imported checks that an imported type reads like "github.com/shopspring/decimal.Decimal". One of annotated Go is known to
// exist, and may belong to the package itself.
func (c *checker) imported(t *Type) {
	switch {
	case c.w.Form == Go:
	case t.Go.Pos.Line > 0 && t.Go.Path == "" && t.Go.Name == "": // reported by the front end
	case strings.Contains(t.Go.Name, "[") || strings.Contains(t.Go.Path, "["):
		c.d.Report(t.Go.Pos, diagnostic.BadGoType, "the Go type of %q has type arguments; %s", t.Name.Text, NoArguments)
	case t.Go.Path == "C":
		c.d.Report(t.Go.Pos, diagnostic.BadGoType, "the Go type of %q belongs to cgo, which generated code cannot import; use a type of Go, like int64", t.Name.Text)
	case !validImportPath(t.Go.Path) || !token.IsIdentifier(t.Go.Name):
		c.d.Report(t.Go.Pos, diagnostic.BadGoType, `Go type of %q must be an import path and a type, like "github.com/shopspring/decimal.Decimal"`, t.Name.Text)
	case !token.IsExported(t.Go.Name):
		c.d.Report(t.Go.Pos, diagnostic.BadGoType, "Go type %q is not exported by %q; generated code can only use an exported one", t.Go.Name, t.Go.Path)
	}
}

// NoArguments says what to do about a Go type with type arguments.
const NoArguments = `YAML cannot give them, so name the type in its package, like "type Numbers = Generic[int]", and use that`

// validImportPath accepts what the go command does, apart from its rules about dots and reserved names.
func validImportPath(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element == "." || element == ".." {
			return false
		}
		if !all(element, func(b byte) bool { return isLetter(b) || isDigit(b) || strings.IndexByte("-._~+", b) >= 0 }) {
			return false
		}
	}
	return true
}

// typeRef checks one use of a type and resolves it.
func (c *checker) typeRef(ref *TypeRef) {
	switch ref.Kind {
	case Declared:
		if t, ok := c.types.items[ref.Name]; ok {
			ref.Decl = t
		} else if !c.types.unread {
			c.unknownType(ref)
		}
	case Optional:
		if ref.Elem.Kind == Optional {
			c.d.Report(ref.Elem.Pos, diagnostic.DoubleOptional, "%s says nothing more than %s; write it once",
				c.w.Form.typeText(ref), c.w.Form.typeText(ref.Elem))
		}
		c.typeRef(ref.Elem)
	case List, Map:
		c.typeRef(ref.Elem)
	}
}

func (c *checker) unknownType(ref *TypeRef) {
	if c.d.Full() {
		return
	}
	if scalar := ScalarFor(ref.Name); scalar != "" {
		c.d.Report(ref.Pos, diagnostic.UnknownType, "type %q is not known; did you mean %q?", ref.Name, scalar)
		return
	}
	nearest, hint := Suggest(ref.Name, slices.Concat(c.types.order, scalars))
	switch {
	case nearest != "":
	case IsUnionWord(ref.Name):
		hint = Union
	default:
		hint = "declare it under types, or use one of " + strings.Join(scalars, ", ")
	}
	c.d.Report(ref.Pos, diagnostic.UnknownType, "type %q is not known; %s", ref.Name, hint)
}

// recursion reports structs that contain themselves other than through a list, a map or an optional: Go has no value
// that large.
func (c *checker) recursion() {
	const (
		open = iota + 1
		done
	)
	visited := make(map[*Type]int)
	var path []string
	var visit func(t *Type)
	visit = func(t *Type) {
		visited[t] = open
		path = append(path, t.Name.Text)
		for _, f := range t.Fields {
			inner := f.Type.Decl
			if f.Type.Kind != Declared || inner == nil {
				continue
			}
			switch visited[inner] {
			case 0:
				visit(inner)
			case open:
				cycle := append(slices.Clone(path[slices.Index(path, inner.Name.Text):]), inner.Name.Text)
				c.d.Report(f.Type.Pos, diagnostic.RecursiveType, "type %q contains itself (%s); break the circle with optional<%s> or list<%s>",
					inner.Name.Text, strings.Join(cycle, " > "), inner.Name.Text, inner.Name.Text)
			}
		}
		path = path[:len(path)-1]
		visited[t] = done
	}
	for _, t := range c.w.Types {
		if visited[t] == 0 {
			visit(t)
		}
	}
}
