package format_test

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/format"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestSource runs the cases of testdata/*.txtar: name.in becomes name.out, or gives the error in name.err. What is in
// name.out stays as it is.
func TestSource(t *testing.T) {
	corpus.Archives(t, "testdata/*.txtar", func(t *testing.T, path string, archive *txtar.Archive) {
		got := &txtar.Archive{Comment: archive.Comment}
		want := make(map[string]string)
		for _, f := range archive.Files {
			name, isCase := strings.CutSuffix(f.Name, ".in")
			if !isCase {
				want[f.Name] = string(f.Data)
				continue
			}
			result := txtar.File{Name: name + ".out"}
			var err error
			if result.Data, err = format.Source(name, f.Data); err != nil {
				result = txtar.File{Name: name + ".err", Data: []byte(err.Error() + "\n")}
			} else {
				stays(t, name, result.Data)
			}
			got.Files = append(got.Files, f, result)
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		for _, f := range got.Files {
			if !strings.HasSuffix(f.Name, ".in") && want[f.Name] != string(f.Data) {
				t.Errorf("%s differs; got:\n%s", f.Name, f.Data)
			}
		}
	})
}

// TestLineEnds has the cases that a text file cannot hold well.
func TestLineEnds(t *testing.T) {
	for src, want := range map[string]string{
		"a: 1\nb: 2 # x\u2028y\n": "f:2:9: the character U+2028 (LS, line separator) ends a line for YAML and not for editors; replace it by a line feed or a space [IF0121]",
		"a: 1\rb: 2\n":            "f:1:5: a carriage return alone ends a line",
		"a: \u0085\n":             "f:1:4: the character U+0085 (NEL, next line) ends a line",
	} {
		if _, err := format.Source("f", []byte(src)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q gives %v, want %s", src, err, want)
		}
	}
	for src, want := range map[string]string{"a: |\n b": "a: |-\n  b\n", "a: |+\n b": "a: |-\n  b\n", "a: |+\n ": "a: |+\n",
		"a: |+1\n\n ": "a: |+\n\n", "a: |+2\n\n ": "a: |+\n\n", "a: |+\n\n ": "a: |+\n\n", "a: |1\n \tb": "a: |2-\n  \tb\n",
		"{a:\nb:}": "a: \"b:\"\n", "a:\n- - #c\n   - 0\n": "a:\n  #c\n  - - - 0\n", "a: {b: !c }": "a: {b: !c }\n", "{a: b\n:}": "a: \"b :\"\n", "a: |1\n   ": "a: |2-\n    \n", "a: |-": "a: |-\n", "a: >\n b\n": "a: >\n  b\n"} {
		if out, err := format.Source("f", []byte(src)); err != nil || string(out) != want {
			t.Errorf("%q gives %q, %v, want %q", src, out, err, want)
		}
	}
	for _, src := range []string{"\ufeffa: 1\r\nb: 2\r\n", "a: 1\r\nb: 2"} {
		if out, err := format.Source("f", []byte(src)); err != nil || string(out) != "a: 1\nb: 2\n" {
			t.Errorf("%q gives %q, %v", src, out, err)
		}
	}
}

// declarations returns all declarations of this repository that are YAML.
func declarations(t testing.TB) map[string][]byte {
	return corpus.Declarations(t, "../..", ".yaml", ".in", ".out")
}

// stays checks that a formatted declaration is not changed any more.
func stays(t *testing.T, name string, out []byte) {
	t.Helper()
	again, err := format.Source(name, out)
	if err != nil {
		t.Errorf("%s, formatted, gives %v\n%s", name, err, out)
	} else if !bytes.Equal(again, out) {
		t.Errorf("%s changes when it is formatted again; from:\n%s\nto:\n%s", name, out, again)
	}
}

// TestAllDeclarations formats every declaration of the repository, valid or not. What is valid has the same model after
// it, but for positions.
func TestAllDeclarations(t *testing.T) {
	valid := 0
	for name, src := range declarations(t) {
		if _, err := yamlspec.Decode(name, src); err != nil {
			continue
		}
		out, err := format.Source(name, src)
		if err != nil {
			if strings.Contains(err.Error(), "a mistake in it") {
				t.Errorf("%v\n%s", err, src)
			}
			continue
		}
		stays(t, name, out)
		before, err := yamlspec.Parse(name, src)
		if err != nil {
			continue
		}
		valid++
		after, err := yamlspec.Parse(name, out)
		if err != nil {
			t.Errorf("%s has a mistake when it is formatted: %v", name, err)
			continue
		}
		forget(reflect.ValueOf(before), make(map[any]bool))
		forget(reflect.ValueOf(after), make(map[any]bool))
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s says something else when it is formatted", name)
		}
	}
	if valid < 20 {
		t.Errorf("only %d declarations are valid", valid)
	}
}

// forget removes the positions from a model.
func forget(v reflect.Value, seen map[any]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Interface()] {
			seen[v.Interface()] = true
			forget(v.Elem(), seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i), seen)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[spec.Pos]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			forget(v.Field(i), seen)
		}
	}
}

// FuzzSource formats whatever is YAML, and checks that it says the same and stays as it is.
func FuzzSource(f *testing.F) {
	for _, src := range declarations(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := yamlspec.Decode("fuzz.yaml", src); err != nil {
			return
		}
		out, err := format.Source("fuzz.yaml", src)
		if err != nil {
			if strings.Contains(err.Error(), "a mistake in it") {
				t.Fatal(err)
			}
			return
		}
		stays(t, "fuzz.yaml", out)
	})
}
