package generate_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// TestGoTypes imports types from YAML that do not exist, that the package may not import, or that must not be copied, beside
// usable ones.
func TestGoTypes(t *testing.T) {
	t.Parallel()
	const declaration = `ironflow: 1
workflow: door
package: door
id: door_id
types:
  T: {go: TYPE}
inputs: {Open: {fields: {door_id: string, t: T}}}
events: {Opened: {}}
`
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                       "module example.com/user\n\ngo 1.26.0\n",
		"money/money.go":               "package money\n\ntype Money struct{ Cents int64 }\n\ntype Generic[T any] struct{ Of T }\n\nfunc Parse() {}\n",
		"money/money_plan9.go":         "package money\n\ntype Elsewhere int\n",
		"money/money_test.go":          "package money\n\ntype Tested int\n",
		"money/tool.go":                "//go:build ignore\n\npackage main\n\ntype Tool int\n",
		"internal/own/own.go":          "package own\n\ntype Own int\n",
		"other/internal/theirs/own.go": "package theirs\n\ntype Theirs int\n",
		"tool/main.go":                 "package main\n\ntype T int\n",
		"broken/broken.go":             "package broken\n\ntype (\n",
		"hotel/hotel.ironflow.yaml":    strings.NewReplacer("door", "hotel", "TYPE", "time.Month").Replace(declaration),
		"inn/inn.go":                   "package inn\n\n//ironflow:workflow type=inn id=ID\ntype State struct{}\n\n//ironflow:input\ntype Book struct{ ID string }\n\n//ironflow:event\ntype Booked struct{}\n",
	} {
		write(t, root, name, content)
	}
	for goType, want := range map[string]string{
		"net/url.URL":                                   "",
		"math/big.Int":                                  "",
		"sync.Locker":                                   "",
		"github.com/nobody/knows.Type":                  "",
		"github.com/nobody/internal.Type":               `package "github.com/nobody/internal" is internal, so that "example.com/user/door" cannot import it; use a type of another package`,
		"example.com/user/money.Money":                  "",
		"example.com/user/money.Elsewhere":              "",
		"example.com/user/gone.Type":                    "",
		"example.com/user/broken.Type":                  "",
		"example.com/user/hotel.T":                      "",
		"example.com/user/hotel.Opened":                 "",
		"example.com/user/hotel.Openned":                `package "example.com/user/hotel" declares no type "Openned"; did you mean "Opened"?`,
		"example.com/user/inn.BookDecision":             "",
		"example.com/user/internal/own.Own":             "",
		"net/url.Nope":                                  `package "net/url" declares no type "Nope"; expected "Error", "EscapeError", "InvalidHostError", "URL", "Userinfo" or "Values"`,
		"net/url.Userinf":                               `package "net/url" declares no type "Userinf"; did you mean "Userinfo"?`,
		"net/url.Parse":                                 `"Parse" is no type, but a constant, a variable or a function of package "net/url"; name a type`,
		"example.com/user/money.Mony":                   `package "example.com/user/money" declares no type "Mony"; did you mean "Money"?`,
		"example.com/user/money.Tested":                 `package "example.com/user/money" declares no type "Tested"; expected "Elsewhere", "Generic" or "Money"`,
		"example.com/user/money.Generic":                `the Go type of "T" has type parameters; YAML cannot give them, so name the type in its package, like "type Numbers = Generic[int]", and use that`,
		"main.T":                                        `Go type "main.T" belongs to package main, which cannot be imported; move the type to another package`,
		"example.com/user/tool.T":                       `package "example.com/user/tool" is a program, which cannot be imported; move T to another package`,
		"internal/abi.Type":                             `package "internal/abi" is internal, so that "example.com/user/door" cannot import it; use a type of another package`,
		"net/http/internal/ascii.Type":                  `package "net/http/internal/ascii" is internal, so that "example.com/user/door" cannot import it; use a type of another package`,
		"example.com/user/other/internal/theirs.Theirs": `package "example.com/user/other/internal/theirs" is internal, so that "example.com/user/door" cannot import it; use a type of another package`,
		"sync.Mutex":                                    `values of the Go type "sync.Mutex" must not be copied, and generated code copies them; use a type that only holds data`,
		"sync/atomic.Int64":                             `values of the Go type "sync/atomic.Int64" must not be copied, and generated code copies them; use a type that only holds data`,
	} {
		write(t, root, "door/door.ironflow.yaml", strings.ReplaceAll(declaration, "TYPE", goType))
		_, err := generate.New([]string{filepath.Join(root, "door")}, generate.Options{})
		if want != "" {
			want = filepath.Join(root, "door", "door.ironflow.yaml") + ":6:11: " + want + " [IF0406]"
		}
		if got := text(err); got != want {
			t.Errorf("%s: got %q, want %q", goType, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
