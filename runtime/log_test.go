package runtime_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every attribute that is logged is one of those that docs/operate/telemetry.md lists.
func TestLogAttributesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operate/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, logs, _ := strings.Cut(string(page), "\n## Logs\n")
	logs, _, _ = strings.Cut(logs, "\n## ")
	documented := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\|").FindAllString(logs, -1) {
		names, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " |")
		for _, name := range strings.Split(names, ", ") {
			documented[strings.Trim(name, "`")] = true
		}
	}
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go", "internal/*/*.go", "relay/*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			for _, key := range loggedKeys(n) {
				if seen[key] = true; !documented[key] {
					t.Errorf("%s: the attribute %q is not in docs/operate/telemetry.md", set.Position(n.Pos()), key)
				}
			}
			return true
		})
	}
	for key := range documented {
		if !seen[key] {
			t.Errorf("docs/operate/telemetry.md has the attribute %q, which is not logged", key)
		}
	}
}

// loggedKeys returns the names of attributes in a call of a logger or of slog.String and the like, and in what becomes a variable
// attrs of attributes.
func loggedKeys(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if to, ok := n.Lhs[0].(*ast.Ident); ok && to.Name == "attrs" {
			switch value := n.Rhs[0].(type) {
			case *ast.CompositeLit:
				return keysOf(value.Elts)
			case *ast.CallExpr: // append
				return keysOf(value.Args[1:])
			}
		}
	case *ast.CallExpr:
		method, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return nil
		}
		if of, ok := method.X.(*ast.Ident); ok && of.Name == "slog" && len(n.Args) == 2 {
			return keysOf(n.Args)
		}
		switch method.Sel.Name {
		case "DebugContext", "InfoContext", "WarnContext", "ErrorContext":
			return keysOf(n.Args[2:])
		case "Log":
			return keysOf(n.Args[3:])
		case "Debug", "Info", "Warn", "Error":
			if len(n.Args) > 0 { // err.Error() has none
				return keysOf(n.Args[1:])
			}
		}
	}
	return nil
}

// keysOf returns each other of some expressions that is a string.
func keysOf(list []ast.Expr) (keys []string) {
	for i := 0; i+1 < len(list); i += 2 {
		if literal, ok := list[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if key, err := strconv.Unquote(literal.Value); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
