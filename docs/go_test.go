package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// surroundings are what the Go of the documentation takes for granted.
const surroundings = `package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/docs/snippets/order"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/console"
	contract "github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
)

var (
	_ = errors.New
	_ = fmt.Print
	_ atomic.Bool
	_ testing.TB
	_ = http.Handle
	_ = time.Now
	_ pgx.Tx
	_ httpapi.Error
	_ admin.FindQuery
	_ cells.Config
	_ = admin.New
	_ = console.New
	_ = sqlite.Open
	_ = memory.New
	_ = ironflowtest.Simulate
	_ = synctest.Wait
	_ = io.EOF
	_ = log.Print
	_ = transfer.Export
	_ = admin.New

	ctx       context.Context
	pool      *pgxpool.Pool
	store     *postgres.Store
	from, to  contract.Store
	first     contract.Store
	second    contract.Store
	third     contract.Store
	file      *os.File
	workflow  *runtime.Workflow
	engine    *runtime.Engine
	router    *cells.Router
	config    runtime.Config
	position  runtime.FeedPosition
	client    *order.Client
	in        order.Pay
	requestID string
	gateway   order.Gateway
	page      runtime.Page[contract.DeadLetter]
	archive   func(context.Context, []runtime.ArchivedInstance) ([]runtime.InstanceKey, error)
)

func publish(runtime.StoredEvent) {}

func main() {}
`

// yours are the files of the package order that the README leaves to its reader, around the methods that it shows.
const yours = `package order

import (
	"context"
	"errors"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

type Decider struct{ InputDecider }

type Evolver struct{ EventEvolver }

type Handler struct {
	EffectHandler
	Gateway Gateway
}

type Gateway interface {
	Charge(ctx context.Context, key, card string, cents int64) error
}

var ErrDeclined = errors.New("declined")

`

var (
	wholeYAML = regexp.MustCompile("(?ms)^```yaml\n(ironflow: 1\n.*?^package: (\\w+)\n.*?)^```$")
	fencedGo  = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	declared  = regexp.MustCompile(`(?m)^(\w+(?:, \w+)*) := `)
	loops     = strings.NewReplacer(
		"for _, i := range page.Items { ... }", "for _, i := range page.Items { _ = i }",
		"for event, err := range engine.Subscribe(ctx, position) { ... }", "for event, err := range engine.Subscribe(ctx, position) { _, _ = event, err }",
	)
)

// TestGo compiles the Go of the documentation, with what is generated from the first declaration of the README.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles what the pages show")
	}
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	declaration := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindSubmatch(readme)[1]
	generate(t, files, "order", "http: true\n"+string(declaration))
	files["order/yours.go"] = yours
	elsewhere := []string{ // whole programs, what other tests read, and lines without their surroundings
		"tutorial.md", "tutorial-production.md", "recipes.md", "guide/changing.md", "guide/versions.md", "guide/testing.md", "guide/time.md", "operate/relay.md",
		"reference/annotated-go.md", "reference/diagnostics.md", "reference/generator.md", "reference/vet.md",
	}
	total := 0
	for _, page := range pages(t) { // README.md first: others may show again what it shows
		if slices.Contains(elsewhere, page) {
			continue
		}
		doc, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		source, n := surroundings, 0
		declares := "order" // the package whose methods the page shows
		if own := wholeYAML.FindSubmatch(doc); own != nil && page != "../README.md" && strings.Contains(string(doc), "```go\nfunc (Decider)") {
			declares = string(own[2])
			generate(t, files, declares, string(own[1]))
			files[declares+"/yours.go"] = "package " + declares + "\n\nimport \"time\"\n\ntype Decider struct{ InputDecider }\n\ntype Evolver struct{ EventEvolver }\n\n"
		}
		for _, block := range fencedGo.FindAllStringSubmatch(string(doc), -1) {
			code := block[1]
			switch {
			case strings.Contains(code, "//ironflow:"): // which package gospec reads
				continue
			case strings.Contains(code, "ironflow/runtime/otel"): // which that module compiles
				continue
			case strings.HasPrefix(code, "func (Decider)") && strings.Contains(files[declares+"/yours.go"], code):
			case strings.Contains(code, "kit.Given"): // which the example runs, see TestTestingGuide
				continue
			case strings.HasPrefix(code, "func (Decider)"):
				files[declares+"/yours.go"] += code
			default:
				source += snippet(code, n)
			}
			n++
		}
		total += n
		if n == 0 {
			continue
		}
		files[strings.TrimSuffix(filepath.Base(page), ".md")+"/main.go"] = source
	}
	if total < 36 {
		t.Errorf("the pages have %d blocks of Go", total)
	}
	compile(t, files)
}

// generate adds the files that a declaration leads to.
func generate(t *testing.T, files map[string]string, name, declaration string) {
	t.Helper()
	w, err := yamlspec.Parse(name+".ironflow.yaml", []byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	generated, err := emit.Files(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range generated {
		if !strings.HasSuffix(f.Name, "_test.go") {
			files[name+"/"+f.Name] = string(f.Content)
		}
	}
}

// snippet makes a function of a block, below what the block declares for the whole file.
func snippet(code string, n int) string {
	source := ""
	if strings.HasPrefix(code, "func ") || strings.HasPrefix(code, "//") {
		declarations, statements := code, ""
		if i := strings.LastIndex(code, "\n}\n"); i >= 0 {
			declarations, statements = code[:i+3], code[i+3:]
		}
		if strings.Contains(declarations, "func (board)") && !strings.Contains(declarations, "type board ") {
			source += "type board struct{ order.EventProjector[pgx.Tx] }\n\n"
		}
		source, code = source+declarations, statements
	}
	code = loops.Replace(code)
	used := make(map[string]bool)
	for _, names := range declared.FindAllStringSubmatch(code, -1) {
		for name := range strings.SplitSeq(names[1], ", ") {
			used[name] = true
		}
	}
	source += fmt.Sprintf("\nfunc _() error {\n\tvar err error\n\t_ = err\n{\n%s\n", code)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		source += "\t_ = " + name + "\n"
	}
	return source + "}\n\treturn nil\n}\n"
}

// compile builds packages below docs/snippets, where they are for the compiler only.
func compile(t *testing.T, files map[string]string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := make(map[string]string)
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, "docs", "snippets", filepath.FromSlash(name))] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlayFile, "./docs/snippets/...")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
