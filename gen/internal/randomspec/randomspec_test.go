package randomspec_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// onlyInGo are the fields of the model that a declaration in YAML leaves empty, or that leave the rest of the model empty.
var onlyInGo = map[string]bool{
	"Workflow.Form": true, "TypeRef.As": true, "Type.As": true, "GoType.Args": true,
	"Workflow.ImportPath": true,                               // is not declared; whoever reads the declaration sets it
	"Workflow.Evolver":    true,                               // the same
	"Workflow.Histories":  true,                               // the same
	"Message.Older":       true,                               // of the lock
	"Type.Locked":         true,                               // the same
	"Workflow.External":   true, "Workflow.ExternalPos": true, // leave the rest empty
}

// TestWholeGrammar checks that random declarations are valid, and that among a few hundred of them each field of the model is
// used. So what is added to the grammar has to be added to them.
func TestWholeGrammar(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for seed := range uint64(300) {
		source := randomspec.YAML(rand.New(rand.NewPCG(seed, 1)), "random")
		w, err := yamlspec.Parse("random.ironflow.yaml", []byte(source))
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		note(used, reflect.ValueOf(w), make(map[any]bool))
	}
	for _, name := range kinds() {
		if !used[name] {
			used[name] = false // of which there is none to note
		}
	}
	if !used["Workflow.Moves"] {
		t.Fatal("the model was not looked at")
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !used[name] && !onlyInGo[name] {
			t.Errorf("no declaration has %s", name)
		}
	}
}

// note notes the fields of all structs in a model, and whether they are used anywhere. Values of the kinds of types count as
// fields do.
func note(used map[string]bool, v reflect.Value, seen map[any]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Interface()] {
			seen[v.Interface()] = true
			note(used, v.Elem(), seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			note(used, v.Index(i), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			used[name] = used[name] || !v.Field(i).IsZero()
			note(used, v.Field(i), seen)
		}
	case reflect.Int:
		switch kind := v.Interface().(type) {
		case spec.Kind:
			used[kindName(kind)] = true
		case spec.TypeKind:
			used[kindName(kind)] = true
		case spec.Source:
			used[kindName(kind)] = true
		}
	}
}

// kinds are the kinds of types, and the sources of what the engine fills in, as note notes them.
func kinds() []string {
	var list []string
	for kind := spec.Scalar; kind <= spec.Map; kind++ {
		list = append(list, kindName(kind))
	}
	for kind := spec.Struct; kind <= spec.Imported; kind++ {
		list = append(list, kindName(kind))
	}
	for source := spec.FromEffect; source <= spec.FromDetails; source++ {
		list = append(list, kindName(source))
	}
	return list
}

func kindName[K ~int](kind K) string { return fmt.Sprintf("%T %d", kind, kind) }
