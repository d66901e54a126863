package emit_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// stateDeclarations is how many random declarations have their state sent through its codec; each is a program of its own.
const stateDeclarations = 4

// TestZeroStates generates packages from random declarations and runs a test in them.
func TestZeroStates(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module")
	}
	t.Parallel()
	module := usermodule.New(t, "../..")
	tested := []string{"test"}
	for seed := range uint64(stateDeclarations) {
		name := fmt.Sprintf("random%d", seed)
		source := randomspec.YAML(rand.New(rand.NewPCG(seed, 7)), name)
		add(t, module, name, source)
		module.Write(t, filepath.Join(name, "state_test.go"), []byte("package "+name+stateTest))
		tested = append(tested, "./"+name)
	}
	module.Run(t, tested...)
}

// stateTest is the rest of a file that sends the zero state of any workflow through its codec, as a snapshot does.
const stateTest = `

import (
	"reflect"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

func TestZeroState(t *testing.T) {
	e := codec.NewEncoder()
	encodeState(e, State{})
	data, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d := codec.NewStrictDecoder(data)
	state := decodeState(d)
	if err := d.End(); err != nil || !reflect.DeepEqual(state, State{}) {
		t.Fatalf("%s decodes to %+v, %v", data, state, err)
	}
}
`

// add generates a package from a declaration.
func add(t *testing.T, m usermodule.Module, name, source string) {
	t.Helper()
	m.Write(t, filepath.Join(name, name+".ironflow.yaml"), []byte(source))
	w, err := yamlspec.Parse(name+".ironflow.yaml", []byte(source))
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	files, err := emit.Files(w)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	for _, f := range files {
		m.Write(t, filepath.Join(name, f.Name), f.Content)
	}
}
