package convert_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	suite "golang.org/x/tools/go/analysis/suite/vet"

	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/vet"
)

var (
	declarations = flag.Int("declarations", 60, "how many random declarations are checked")
	compiled     = flag.Int("compiled", 3, "how many of them are also built and vetted by the go command, which takes a second or more for each")
	firstSeed    = flag.Uint64("seed", 0, "the seed of the first of them; those after it count on")
)

// batchSize is how many declarations are read at once.
const batchSize = 50

// TestRandomDeclarations makes random declarations, and of each two packages: in YAML, and converted to Go. With the skeletons
// that users get, the packages must compile, and the passes of "go vet" and of "ironflow-gen vet" must find nothing in them but
// methods that are not written yet.
//
// Types are checked and passes run in the process of the test, which finds what the commands find. The first packages are
// given to the commands as well.
func TestRandomDeclarations(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module")
	}
	t.Parallel()
	module := usermodule.New(t, "../..")
	end := *firstSeed + uint64(*declarations)
	lines := 0
	for seed := *firstSeed; seed < end; seed += batchSize {
		next := min(seed+batchSize, end)
		lines += checkBatch(t, module, seed, next)
		if t.Failed() {
			return
		}
		t.Logf("%d of %d declarations", next-*firstSeed, *declarations)
	}
	t.Logf("%d random declarations, seeds %d to %d, each in YAML and in Go: %d packages with %d lines compile and vet clean; %d of them built and vetted by the go command",
		*declarations, *firstSeed, end-1, 2**declarations, lines, 2*min(*compiled, *declarations))
}

// checkBatch checks the declarations of some seeds, and returns how many lines of Go the packages have.
func checkBatch(t *testing.T, module usermodule.Module, first, next uint64) (lines int) {
	t.Helper()
	batch := fmt.Sprint("from", first)
	var list []declaration
	for seed := first; seed < next; seed++ {
		list = append(list, randomDeclaration(batch, seed))
	}
	passes := slices.DeleteFunc(append(slices.Clone(suite.Suite), vet.Analyzers()...), func(a *analysis.Analyzer) bool { return a.Name == "unfinished" })
	var build []string
	for i, w := range addForms(t, module, list) {
		d := list[i]
		yaml := parse(t, d.source)
		var mistakes spec.Diagnostics
		if spec.ValidateTogether([]*spec.Workflow{yaml}, nil, &mistakes); mistakes.Err() != nil {
			t.Fatalf("%v\n%s", mistakes.Err(), d.source)
		}
		converted, err := os.ReadFile(filepath.Join(module.Dir, d.name, "declaration.go"))
		if err != nil {
			t.Fatal(err)
		}
		for dir, form := range map[string]struct {
			w   *spec.Workflow
			own map[string][]byte
		}{
			d.name:          {w, map[string][]byte{"declaration.go": converted}},
			d.name + "yaml": {yaml, nil},
		} {
			files, err := typecheck.Render(form.w, form.own)
			if err != nil {
				t.Fatalf("%s: %v\n%s", dir, err, d.source)
			}
			if err := typecheck.Analyze("example.com/user/"+dir, files, passes); err != nil {
				t.Errorf("%s: %v\n%s", dir, err, d.source)
			}
			isBuilt := first+uint64(i)-*firstSeed < uint64(*compiled)
			for name, content := range files {
				lines += bytes.Count(content, []byte("\n"))
				if isBuilt {
					module.Write(t, filepath.Join(dir, name), content)
				}
			}
			if isBuilt {
				build = append(build, "./"+dir)
			}
		}
	}
	if len(build) > 0 && !t.Failed() {
		checkCommands(t, module, build)
	}
	return lines
}

// checkCommands builds and vets packages as users do.
func checkCommands(t *testing.T, module usermodule.Module, packages []string) {
	t.Helper()
	module.Run(t, append([]string{"build"}, packages...)...)
	module.Run(t, append([]string{"vet"}, packages...)...)
	findings, err := vet.Check(t.Context(), packages, vet.Options{Dir: module.Dir})
	findings = slices.DeleteFunc(findings, func(f vet.Finding) bool { return f.Analyzer == "unfinished" })
	if err == nil {
		err = findings.Err()
	}
	if err != nil {
		t.Errorf("ironflow-gen vet: %v", err)
	}
}

// randomDeclaration makes the declaration of a seed. Its package may have a name that its code needs for another one.
func randomDeclaration(batch string, seed uint64) declaration {
	r := rand.New(rand.NewPCG(seed, 21))
	name := fmt.Sprint("random", seed)
	source := randomspec.YAML(r, name)
	if names := []string{"runtime", "codec", "time", "string", "error", "context", "json", "w", "a_b", "http"}; r.IntN(3) == 0 {
		source = strings.Replace(source, "\npackage: "+name+"\n", "\npackage: "+names[r.IntN(len(names))]+"\n", 1)
	}
	return declaration{path.Join(batch, name), []byte(source), false}
}
