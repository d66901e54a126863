package openapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// read parses a document and follows its references.
func read(document string) (validator.Validator, error) {
	v, err := readAs(document)
	if err != nil && strings.Contains(err.Error(), "infinite circular reference") {
		// A struct may have a list of itself, which the library lets be only where the type is no list of types. That "null" is
		// allowed too makes it no less finite.
		v, err = readAs(nullableArray.ReplaceAllString(document, `"array"`))
	}
	return v, err
}

var nullableArray = regexp.MustCompile(`\[\s*"array",\s*"null"\s*\]`)

func readAs(document string) (validator.Validator, error) {
	parsed, err := libopenapi.NewDocumentWithConfiguration([]byte(document), &datamodel.DocumentConfiguration{
		IgnoreArrayCircularReferences: true,
		Logger:                        slog.New(slog.DiscardHandler), // all is in the errors
	})
	if err != nil {
		return nil, err
	}
	if _, err := parsed.BuildV3Model(); err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(parsed, config.WithFormatAssertions(), config.WithContentAssertions())
	return v, errors.Join(errs...)
}

// check compares a document with OpenAPI 3.1, and the schemas in it with JSON Schema 2020-12, of which OpenAPI's own schema
// knows only that they are objects.
func check(document string) error {
	v, err := read(document)
	if err != nil {
		return err
	}
	defer v.Release()
	var problems []error
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			problems = append(problems, fmt.Errorf("%s: %s: %v", err.Message, err.Reason, err.SchemaValidationErrors))
		}
	}
	const url = "https://ironflow.example/openapi.json"
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return err
	}
	if root.(map[string]any)["openapi"] != "3.1.0" {
		problems = append(problems, fmt.Errorf("the version is %v", root.(map[string]any)["openapi"]))
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource(url, root); err != nil {
		return err
	}
	for name := range root.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := compiler.Compile(url + "#/components/schemas/" + name); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func wantValid(t *testing.T, document string) {
	t.Helper()
	if err := check(document); err != nil {
		t.Error(err)
	}
}

// openAPI generates from a declaration, as if it had said "http: true", and returns the document.
func openAPI(t *testing.T, name string, declaration []byte) (document string, valid bool) {
	t.Helper()
	w, err := yamlspec.Parse(name, declaration)
	if err != nil {
		return "", false
	}
	w.HTTP = true
	files, err := emit.Files(w)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(files, func(f emit.File) bool { return f.Name == "openapi_ironflow.go" })
	file, err := parser.ParseFile(token.NewFileSet(), files[at].Name, files[at].Content, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, is := n.(*ast.BasicLit); is {
			if document, err = strconv.Unquote(literal.Value); err != nil {
				t.Fatal(err)
			}
		}
		return true
	})
	return document, true
}

// The document of every declaration in the repository is a valid one of OpenAPI 3.1, whose references all lead somewhere.
func TestDeclarationsOfTheRepository(t *testing.T) {
	t.Parallel()
	valid := 0
	declarations := corpus.Declarations(t, "../../../..", ".ironflow.yaml", ".yaml", ".yml")
	for _, name := range slices.Sorted(maps.Keys(declarations)) {
		if document, ok := openAPI(t, "x.ironflow.yaml", declarations[name]); ok {
			valid++
			t.Run(name[strings.LastIndexByte(name, '/')+1:], func(t *testing.T) { wantValid(t, document) })
		}
	}
	if valid < 40 {
		t.Errorf("only %d of %d declarations could be read", valid, len(declarations))
	}
}

func TestRandomDeclarations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		source := randomspec.YAML(rand.New(rand.NewPCG(seed, 7)), "random")
		document, ok := openAPI(t, "random.ironflow.yaml", []byte(source))
		if !ok {
			t.Fatalf("seed %d: not a declaration:\n%s", seed, source)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { wantValid(t, document) })
	}
}

// The library refuses documents that are not as they have to be: these tests can fail.
func TestBrokenDocuments(t *testing.T) {
	t.Parallel()
	declarations := corpus.Declarations(t, "../booking")
	var good string
	for name, declaration := range declarations {
		good, _ = openAPI(t, name, declaration)
	}
	type object = map[string]any
	at := func(o object, path ...string) object {
		for _, key := range path {
			o = o[key].(object)
		}
		return o
	}
	for name, breaks := range map[string]func(object){
		"no info":        func(d object) { delete(d, "info") },
		"no description": func(d object) { delete(at(d, "components", "responses", "422"), "description") },
		"parameter":      func(d object) { at(d, "components", "parameters", "IdempotencyKey")["in"] = "head" },
		"type":           func(d object) { at(d, "components", "schemas", "Guest")["type"] = "struct" },
		"reference": func(d object) {
			at(d, "components", "schemas", "ironflow.Error", "properties", "mistakes", "items")["$ref"] = "#/components/schemas/Nothing"
		},
		"unknown key": func(d object) { at(d, "paths", "/booking/{id}", "get")["answers"] = object{} },
	} {
		t.Run(name, func(t *testing.T) {
			var document object
			if err := json.Unmarshal([]byte(good), &document); err != nil {
				t.Fatal(err)
			}
			breaks(document)
			text, _ := json.Marshal(document)
			if check(string(text)) == nil {
				t.Error("it is taken for a valid one")
			}
		})
	}
}
