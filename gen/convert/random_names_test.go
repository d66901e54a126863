package convert_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var named = flag.Int("named", 100, "how many random declarations have users with hostile names; a tenth of them is also made of Go types")

// TestRandomNames makes random declarations for packages whose users have the names of generated code: in a file beside the declaration and,
// for a tenth of them, for the Go types that are the declaration. What is accepted must compile. What is refused has a place in a file of the
// user's.
func TestRandomNames(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles what is imported")
	}
	t.Parallel()
	module := usermodule.New(t, "../..")
	var next atomic.Uint64
	next.Store(*firstSeed)
	end := *firstSeed + uint64(*named)
	var yaml, ofGo tally
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !t.Failed() {
				first := next.Add(batchSize) - batchSize
				if first >= end {
					return
				}
				checkNamed(t, module, first, min(first+batchSize, end), &yaml, &ofGo)
			}
		})
	}
	workers.Wait()
	t.Logf("%d random packages in YAML with hostile names: %d accepted, %d refused; %d of Go types: %d accepted, %d refused; 0 accepted that do not compile",
		yaml.all(), yaml.accepted.Load(), yaml.refused.Load(), ofGo.all(), ofGo.accepted.Load(), ofGo.refused.Load())
	if yaml.accepted.Load() == 0 || yaml.refused.Load() == 0 || ofGo.accepted.Load() == 0 {
		t.Error("nothing was accepted, or nothing refused")
	}
}

// tally counts packages.
type tally struct{ accepted, refused atomic.Int64 }

func (c *tally) all() int64 { return c.accepted.Load() + c.refused.Load() }

// checkNamed checks the declarations of some seeds.
func checkNamed(t *testing.T, module usermodule.Module, first, next uint64, yaml, ofGo *tally) {
	var packages []gospec.Package
	var owns [][]byte
	for seed := first; seed < next; seed++ {
		r := rand.New(rand.NewPCG(seed, 34))
		source := []byte(randomspec.YAML(r, "random"))
		w, err := yamlspec.Parse("w.ironflow.yaml", source)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, source)
			return
		}
		own := randomspec.HostileFile(r, "random", func(string) bool { return false })
		if err := checkNames(w, map[string][]byte{"own.go": own}, yaml); err != nil {
			t.Errorf("seed %d: %v\n%s\n%s", seed, err, source, own)
		}
		if seed%10 != 0 {
			continue
		}
		code, err := convert.Go(w)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			return
		}
		code = renameTypes(r, code)
		packages = append(packages, gospec.Package{Dir: filepath.Join(module.Dir, fmt.Sprint("named", seed)), Files: []gospec.File{{Name: "w.go", Content: code}}})
		owns = append(owns, randomspec.HostileFile(r, "random", func(name string) bool {
			return regexp.MustCompile(`\b` + name + `\b`).Match(code)
		}))
	}
	for i, result := range gospec.Load(packages) {
		code := packages[i].Files[0].Content
		if result.Err != nil {
			var list diagnostic.Errors
			if !errors.As(result.Err, &list) || slices.ContainsFunc(list, func(d diagnostic.Diagnostic) bool { return d.Pos.Line < 1 }) {
				t.Errorf("%s: %v", packages[i].Dir, result.Err)
			}
			ofGo.refused.Add(1)
			continue
		}
		for _, own := range [][]byte{owns[i], []byte("package random\n")} {
			if err := checkNames(result.Workflow, map[string][]byte{"w.go": code, "own.go": own}, ofGo); err != nil {
				t.Errorf("%s: %v\n%s\n%s", packages[i].Dir, err, code, own)
			}
		}
	}
}

// checkNames generates a package beside files of the user's, and compiles it unless it is refused.
func checkNames(w *spec.Workflow, own map[string][]byte, c *tally) error {
	var sources []scaffold.Source
	for _, name := range slices.Sorted(maps.Keys(own)) {
		sources = append(sources, scaffold.Source{Path: name, Content: own[name]})
	}
	files, err := typecheck.Render(w, own)
	if err == nil {
		err = findings(w, files, own, sources)
	}
	if err != nil {
		var list diagnostic.Errors
		if !errors.As(err, &list) {
			return err
		}
		for _, d := range list {
			if own[d.Pos.File] == nil || d.Pos.Line < 1 || d.Pos.Col < 1 {
				return fmt.Errorf("a mistake without a place: %v", d)
			}
		}
		c.refused.Add(1)
		return nil
	}
	c.accepted.Add(1)
	return typecheck.Package("example.com/user/random", files)
}

// findings returns what ironflow-gen finds in the user's files.
func findings(w *spec.Workflow, files, own map[string][]byte, sources []scaffold.Source) error {
	var generated []scaffold.Source
	for name, content := range files {
		if own[name] == nil && bytes.HasPrefix(content, []byte("// Code generated")) {
			generated = append(generated, scaffold.Source{Path: name, Content: content})
		}
	}
	code, err := scaffold.Read(w, generated, sources)
	if err != nil {
		return err
	}
	growth, err := code.Grow()
	if err != nil || !growth.Findings.Failed() {
		return err
	}
	return growth.Findings
}

// renameTypes gives hostile names to some of the types and constants that a declaration of Go types declares, but not to its messages, whose
// names are stored.
func renameTypes(r *rand.Rand, source []byte) []byte {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	names := make(map[any]string) // by the object that an identifier denotes
	hostile := r.Perm(len(randomspec.HostileNames))
	rename := func(id *ast.Ident) {
		if r.IntN(2) == 0 && len(hostile) > 0 && id.Obj != nil {
			names[id.Obj], hostile = randomspec.HostileNames[hostile[0]], hostile[1:]
		}
	}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range gen.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if !hasMessageDirective(gen.Doc) && !hasMessageDirective(s.Doc) {
					rename(s.Name)
				}
			case *ast.ValueSpec:
				rename(s.Names[0])
			}
		}
	}
	var b bytes.Buffer
	at := 0
	for n := range ast.Preorder(file) {
		if id, ok := n.(*ast.Ident); ok && id.Obj != nil && names[id.Obj] != "" && file.Scope.Objects[id.Name] == id.Obj {
			start := set.Position(id.Pos()).Offset
			b.Write(source[at:start])
			b.WriteString(names[id.Obj])
			at = start + len(id.Name)
		}
	}
	b.Write(source[at:])
	return b.Bytes()
}

func hasMessageDirective(group *ast.CommentGroup) bool {
	if group == nil {
		return false
	}
	return slices.ContainsFunc(group.List, func(c *ast.Comment) bool {
		for _, kind := range []string{"input", "event", "effect", "rejection"} {
			if strings.HasPrefix(c.Text, "//ironflow:"+kind) {
				return true
			}
		}
		return false
	})
}
