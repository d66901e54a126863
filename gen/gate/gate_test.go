package gate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/gen/gate"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

func run(t *testing.T, o gate.Options) (fine bool, out, errOut string, err error) {
	t.Helper()
	var printed, told bytes.Buffer
	o.Out, o.Err = &printed, &told
	fine, err = gate.Run(t.Context(), o)
	return fine, printed.String(), told.String(), err
}

// The program of a package reads a store of SQLite.
func TestStore(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "orders.db")
	st, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	e, err := runtime.NewEngine(st, runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	client := order.NewClient(e)
	out, err := client.Create(t.Context(), order.Create{
		OrderID: "o-1", CartID: "c-1", Email: "a@b.c", Items: []order.Item{{Sku: "ink", Quantity: 1, PriceCents: 700}},
	})
	if err != nil || !out.Accepted() {
		t.Fatalf("got %v, error %v", out, err)
	}
	options := gate.Options{Packages: []string{"../../examples/order/order"}, Store: filepath.Join(t.TempDir(), "empty.db")}
	if err := os.WriteFile(options.Store, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if fine, text, told, err := run(t, options); fine || err == nil || !strings.Contains(text+told+err.Error(), "no tables of ironflow") {
		t.Errorf("a file that is no store: got %v, error %v\n%s%s", fine, err, text, told)
	}
	options.Store = file
	fine, text, told, err := run(t, options)
	if err != nil || !fine || !strings.Contains(text, "/order/order: 1 instances, 1 events, ") {
		t.Errorf("got %v, error %v\n%s%s", fine, err, text, told)
	}
	if _, err := st.DB().Exec("UPDATE ironflow_events SET type = 'Placed'"); err != nil {
		t.Fatal(err)
	}
	options.JSON = true
	fine, text, told, err = run(t, options)
	var report struct {
		Packages []struct {
			Package string
			Store   struct {
				Problems []struct{ Kind, Name string }
			}
		}
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &report)
	}
	if err != nil || fine || len(report.Packages) != 1 || len(report.Packages[0].Store.Problems) != 1 || report.Packages[0].Store.Problems[0].Name != "Placed" {
		t.Errorf("got %v, error %v\n%s%s", fine, err, text, told)
	}
	options.Store = filepath.Join(t.TempDir(), "missing.db")
	if _, _, told, err := run(t, options); err == nil || !strings.Contains(told, "a file of SQLite") {
		t.Errorf("a missing file: got error %v\n%s", err, told)
	}
	if _, err := os.Stat(options.Store); err == nil {
		t.Error("the missing file was created")
	}
}

// door is a declaration with the given events, and doors are its user's files.
func door(events, accepts string) string {
	return "ironflow: 1\nworkflow: door\npackage: door\nid: door_id\ninputs: {Open: {fields: {door_id: string}}}\nevents: {" + events +
		"}\nstates:\n  shut: {accepts: {Open: {" + accepts + "}}}\n  open: {terminal: true}\n"
}

// The program of a revision reads what the program of today writes, or does not.
func TestRollback(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		command := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@y.z"}, args...)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	generated := func() {
		t.Helper()
		plan, err := generate.New([]string{dir}, generate.Options{})
		if err == nil {
			err = plan.Apply()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	module := strings.Replace(string(mod), "module github.com/ironflow-gen/ironflow\n", "module example.com/door\n", 1)
	write("go.mod", module+"\nrequire github.com/ironflow-gen/ironflow v0.0.0\n\nreplace github.com/ironflow-gen/ironflow => "+root+"\n")
	write("go.sum", string(sums))
	write("door.ironflow.yaml", door("Opened: {}", "Opened: open"))
	generated()
	evolver := "package door\n\nimport \"time\"\n\ntype Decider struct{}\n\nfunc (Decider) Open(time.Time, State, Open) OpenDecision { return AcceptOpen(Opened{}) }\n\n" +
		"type Evolver struct{}\n\nfunc (Evolver) Opened(s State, _ Opened) State { return s }\n"
	write("decider.go", evolver)
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "one")

	options := gate.Options{Packages: []string{dir}, Against: "git:HEAD"}
	t.Chdir(dir)
	fine, text, told, err := run(t, options)
	if err != nil || !fine || !strings.Contains(text, "example.com/door, read by git:HEAD: ") {
		t.Fatalf("got %v, error %v\n%s%s", fine, err, text, told)
	}
	write("door.ironflow.yaml", door("Opened: {}, Forced: {}", "Opened: open, Forced: open"))
	write("decider.go", evolver+"\nfunc (Evolver) Forced(s State, _ Forced) State { return s }\n")
	generated()
	fine, text, told, err = run(t, options)
	if err != nil || fine || !strings.Contains(text, "unreadable history: door Forced: ") {
		t.Errorf("got %v, error %v\n%s%s", fine, err, text, told)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "gate") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	for against, want := range map[string]string{"git:nope": "fetch the revision first", "HEAD": "write git:REF", "git:--help": "write git:REF"} {
		options.Against = against
		if _, _, _, err := run(t, options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v", against, err)
		}
	}
	options.Against = "git:HEAD"
	write("decider.go", strings.ReplaceAll(evolver, "Evolver", "Folder")+"\nfunc (Folder) Forced(s State, _ Forced) State { return s }\n")
	if _, _, _, err := run(t, options); err == nil || !strings.Contains(err.Error(), "does not declare Evolver") {
		t.Errorf("another name: got error %v", err)
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]gate.Options{
		"name the store":                 {Packages: []string{"../../examples/order/order"}},
		"no package of . has a workflow": {Packages: []string{"."}, Store: "x.db"},
		"go list":                        {Packages: []string{"./none"}, Store: "x.db"},
	} {
		if _, _, _, err := run(t, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}
