package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// maxSize is how many bytes a struct may take with all structs that it holds by value. Generated code passes structs by value, and
// the skeleton writes all fields of one.
const maxSize = 64 << 10

// tooLarge is any size above maxSize.
const tooLarge = maxSize + 1

// scalarSizes are the bytes of the built-in types, those of Imported types being unknown.
var scalarSizes = map[string]int{"bool": 1, "int32": 4, "uint32": 4, "time": 24, "bytes": 24, "json": 24, "string": 16, "decimal": 16}

// sizes reports the structs that are too large, each with the field that makes it so. A struct that only holds one of these is not
// reported as well.
func (c *checker) sizes() {
	known := make(map[*Type]int)
	for _, t := range c.w.Types {
		c.sizeOf(t, known)
	}
	check := func(what string, fields []*Field) { c.sizeOfFields(what, fields, known) }
	check("the state", c.w.State)
	for _, m := range c.w.Messages() {
		check(quote(m.Name.Text), m.Fields)
	}
}

// sizeOf returns the bytes that a value of a declared type takes, tooLarge at most.
func (c *checker) sizeOf(t *Type, known map[*Type]int) int {
	switch t.Kind {
	case Enum:
		return 16
	case Imported:
		return 8
	}
	if size, ok := known[t]; ok {
		return size
	}
	known[t] = 0 // while it is looked into; one that contains itself is reported elsewhere
	known[t] = c.sizeOfFields("type "+quote(t.Name.Text), t.Fields, known)
	return known[t]
}

func (c *checker) sizeOfFields(what string, fields []*Field, known map[*Type]int) int {
	size := 0
	for _, f := range fields {
		inner := c.sizeOfRef(&f.Type, known)
		if inner == tooLarge { // which is reported
			return tooLarge
		}
		if size += inner; size > maxSize {
			c.d.Report(f.Type.Pos, diagnostic.LargeStruct,
				"%s takes more than %d bytes with the structs that it holds by value; hold some of them in %s or %s",
				what, maxSize, c.w.Form.typeText(&TypeRef{Kind: Optional, Elem: &f.Type}), c.w.Form.typeText(&TypeRef{Kind: List, Elem: &f.Type}))
			return tooLarge
		}
	}
	return size
}

func (c *checker) sizeOfRef(ref *TypeRef, known map[*Type]int) int {
	switch ref.Kind {
	case Scalar:
		if size := scalarSizes[ref.Name]; size > 0 {
			return size
		}
	case List:
		return 24
	case Declared:
		if ref.Decl != nil {
			return c.sizeOf(ref.Decl, known)
		}
	}
	return 8
}
