package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAskInit answers the questions of init.
func TestAskInit(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("there/below", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("there", "go.mod"), []byte("module example.org/there\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, answers string
		flags         initFlags
		given         []string
		want          initFlags
		wantName      string
		wantErr       error
		says          []string
	}{
		{
			name: "defaults", answers: "shop\n\n\n\n", flags: initFlags{dir: ".", form: "yaml"},
			want: initFlags{dir: ".", module: "example.com/shop", form: "yaml"}, wantName: "shop",
			says: []string{"Name of the new package, like orders: ", "Directory of the module [.]: ", "Path of the new module [example.com/shop]: "},
		},
		{
			name: "wrong answers", answers: "Shop\n\nfunc\nshop\nnew\nno path\nexample.org/x\njson\ngo\n", flags: initFlags{dir: ".", form: "yaml"},
			want: initFlags{dir: "new", module: "example.org/x", form: "go"}, wantName: "shop",
			says: []string{`"Shop" cannot name a Go package`, "the name is empty", `"func" is a keyword`, "write a path like", `the form "json" is not known`},
		},
		{
			name: "module is there", answers: "shop\nthere/below\ngo\n", flags: initFlags{dir: "."},
			want: initFlags{dir: "there/below", form: "go"}, wantName: "shop",
		},
		{
			name: "flags", answers: "shop", flags: initFlags{dir: "new", module: "example.org/y"}, given: []string{"dir", "module", "form"},
			want: initFlags{dir: "new", module: "example.org/y"}, wantName: "shop",
		},
		{name: "end", answers: "shop\n", flags: initFlags{dir: "."}, wantErr: errNoAnswer},
		{name: "nothing", answers: "", flags: initFlags{dir: "."}, wantErr: errNoAnswer},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			c := call{in: strings.NewReader(test.answers), out: &out}
			given := make(map[string]bool)
			for _, name := range test.given {
				given[name] = true
			}
			err := askInit(&c, &test.flags, given)
			if !errors.Is(err, test.wantErr) {
				t.Fatalf("got the error %v, want %v", err, test.wantErr)
			}
			if err != nil {
				return
			}
			if test.flags != test.want || !slices.Equal(c.args, []string{test.wantName}) {
				t.Errorf("got %+v and %q", test.flags, c.args)
			}
			for _, text := range test.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is not asked or said:\n%s", text, out.String())
				}
			}
		})
	}
}
