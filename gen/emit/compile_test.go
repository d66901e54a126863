package emit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// randomDeclarations is how many declarations TestRandomDeclarationsCompile generates.
const randomDeclarations = 60

// stateDeclarations is how many of them also have their state sent through its codec; each is a program of its own.
const stateDeclarations = 4

// TestRandomDeclarationsCompile generates packages from random declarations and vets them all. In some it runs a test too.
func TestRandomDeclarationsCompile(t *testing.T) {
	t.Parallel()
	module := newModule(t)
	tested := []string{"test"}
	for seed := range uint64(randomDeclarations) {
		name := fmt.Sprintf("random%d", seed)
		source := randomspec.YAML(rand.New(rand.NewPCG(seed, 7)), name)
		module.add(t, name, source)
		if seed < stateDeclarations {
			module.write(t, filepath.Join(name, "state_test.go"), "package "+name+stateTest)
			tested = append(tested, "./"+name)
		}
	}
	module.run(t, "vet", "./...")
	module.run(t, tested...)
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

// module is a user's module outside this one, as users have it.
type module struct{ dir string }

func newModule(t *testing.T) module {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	m := module{t.TempDir()}
	m.write(t, "go.mod", fmt.Sprintf(`module example.com/user

go 1.26.0

require github.com/ironflow-gen/ironflow v0.0.0

replace github.com/ironflow-gen/ironflow => %s
`, root))
	return m
}

func (m module) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add generates a package from a declaration.
func (m module) add(t *testing.T, name, source string) {
	t.Helper()
	m.write(t, filepath.Join(name, name+".ironflow.yaml"), source)
	w, err := yamlspec.Parse(name+".ironflow.yaml", []byte(source))
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	files, err := emit.Files(w)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	for _, f := range files {
		m.write(t, filepath.Join(name, f.Name), string(f.Content))
	}
}

// run runs the go command in the module.
func (m module) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}
