package fold

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strings"
)

// canonical writes a node as a text that says what the code is, and nothing of its comments and layout.
func canonical(node ast.Node) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(node))
	return b.String()
}

func write(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteByte('-')
			return
		}
		write(b, v.Elem())
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			write(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Struct:
		writeStruct(b, v)
	case reflect.String:
		fmt.Fprintf(b, "%q ", v.String())
	default:
		fmt.Fprintf(b, "%v ", v.Interface())
	}
}

// writeStruct writes a kind of node. The places of two tokens say that they are there: "=" in an alias and "..." in a call.
func writeStruct(b *strings.Builder, v reflect.Value) {
	t := v.Type()
	b.WriteString(t.Name() + "{")
	for i := range v.NumField() {
		field := t.Field(i)
		if field.Name == "Obj" || field.Name == "Scope" { // what the parser resolved
			continue
		}
		switch v.Field(i).Interface().(type) {
		case *ast.CommentGroup:
			continue
		case token.Pos:
			if field.Name == "Assign" || t == reflect.TypeFor[ast.CallExpr]() && field.Name == "Ellipsis" {
				fmt.Fprintf(b, "%s %t ", field.Name, v.Field(i).Interface() != token.NoPos)
			}
		default:
			write(b, v.Field(i))
		}
	}
	b.WriteByte('}')
}
