package emit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// TestTags compares, for every declaration of the repository, the tag of each field of a generated struct with the key that
// the struct's codec writes the field under.
func TestTags(t *testing.T) {
	t.Parallel()
	fields := 0
	for name, source := range corpus.Declarations(t, "../..", ".yaml") {
		w, err := yamlspec.Parse("w.ironflow.yaml", source)
		if err != nil {
			continue // a case of a mistake
		}
		files, err := emit.Files(w)
		if err != nil {
			t.Fatal(err)
		}
		tags, keys := make(map[string]string), make(map[string]string)
		for _, f := range files {
			syntax, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Content, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range syntax.Decls {
				switch decl := decl.(type) {
				case *ast.GenDecl:
					noteTags(decl, tags)
				case *ast.FuncDecl:
					noteKeys(decl, keys)
				}
			}
		}
		for field, key := range keys {
			if tags[field] != key {
				t.Errorf("%s: the field %s has the JSON name %q in its tag, and is stored as %q", name, field, tags[field], key)
			}
		}
		fields += len(keys)
	}
	if fields < 100 {
		t.Errorf("only %d fields were compared", fields)
	}
}

// noteTags collects the JSON names in the tags of structs, by type and field.
func noteTags(decl *ast.GenDecl, tags map[string]string) {
	for _, s := range decl.Specs {
		s, ok := s.(*ast.TypeSpec)
		if !ok {
			continue
		}
		structure, ok := s.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range structure.Fields.List {
			if f.Tag == nil {
				continue
			}
			text, _ := strconv.Unquote(f.Tag.Value)
			for _, name := range f.Names {
				tags[s.Name.Name+"."+name.Name] = reflect.StructTag(text).Get("json")
			}
		}
	}
}

// noteKeys collects the keys that a function encodeX writes the fields of its second parameter under.
func noteKeys(decl *ast.FuncDecl, keys map[string]string) {
	if !strings.HasPrefix(decl.Name.Name, "encode") || len(decl.Type.Params.List) != 2 {
		return
	}
	of, ok := decl.Type.Params.List[1].Type.(*ast.Ident)
	if !ok {
		return
	}
	key := ""
	for _, statement := range decl.Body.List {
		call, ok := statement.(*ast.ExprStmt)
		if !ok {
			continue
		}
		ast.Inspect(call.X, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if selector, ok := n.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Key" {
					key, _ = strconv.Unquote(n.Args[0].(*ast.BasicLit).Value)
				}
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && id.Name == "v" && key != "type" {
					keys[of.Name+"."+n.Sel.Name] = key
				}
			}
			return true
		})
	}
}
