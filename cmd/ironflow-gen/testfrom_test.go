package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/gate"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

const orderPackage = "../../examples/order/order"

// TestTestfrom makes tests from what stores hold, and runs them.
func TestTestfrom(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "orders.db")
	onFile, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	placeOrder(t, onFile)
	if err := onFile.Close(); err != nil {
		t.Fatal(err)
	}

	database := pgserver.Database(t)
	pool, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := postgres.Migrate(t.Context(), pool, postgres.WithSchema("shop")); err != nil {
		t.Fatal(err)
	}
	onServer, err := postgres.New(t.Context(), pool, postgres.WithSchema("shop"))
	if err != nil {
		t.Fatal(err)
	}
	placeOrder(t, onServer)

	for name, args := range map[string][]string{
		"sqlite":   {"-store", file},
		"postgres": {"-store", database, "-schema", "shop"},
	} {
		t.Run(name, func(t *testing.T) {
			written := writtenTest(t, append(args, orderPackage, "o-2")...)
			for _, want := range []string{`"sku":"text-1"`, `"email":"text-2"`, `HasStatus("awaiting_payment")`, `TryStored("PaymentTimeout"`} {
				if !strings.Contains(written, want) {
					t.Errorf("the test lacks %s:\n%s", want, written)
				}
			}
			if strings.Contains(written, "ada@example.com") {
				t.Errorf("the test has a customer's address:\n%s", written)
			}
			if out, err := runWith(t, written); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			history := writtenTest(t, append(args, "-history", orderPackage, "o-2")...)
			if strings.Contains(history, "ada@example.com") || strings.Contains(history, "c-1") || !strings.Contains(history, `"sku":"text-1"`) ||
				!strings.Contains(history, `{"timer":{"version":1,"key":"payment_timeout"`) {
				t.Errorf("the history is\n%s", history)
			}
			if out, code := replayed(t, history); code != gate.OK {
				t.Errorf("the history cannot be replayed: %s", out)
			}
			if out, code := replayed(t, strings.Replace(history, `"items":[{`, `"items":[{"quantity":"x",`, 1)); code != gate.Problems || !strings.Contains(out, "items[0].quantity") {
				t.Errorf("a history of another type gives %d: %s", code, out)
			}
			kept := writtenTest(t, append(args, "-keep", "email", "-at", "1", orderPackage, "o-2")...)
			if !strings.Contains(kept, `"email":"ada@example.com"`) || !strings.Contains(kept, `"sku":"text-1"`) {
				t.Errorf("with -keep email:\n%s", kept)
			}
		})
	}

	// What this code cannot replay, the test cannot either.
	broken := filepath.Join(t.TempDir(), "broken.jsonl")
	export := `{"instance":{"workflow":"order","id":"o-2"}}
{"event":{"version":1,"type":"Created","recorded_at":"2026-01-02T03:04:05Z","payload":{"items":7,"email":"a"}}}
`
	if err := os.WriteFile(broken, []byte(export), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := runWith(t, writtenTest(t, "-store", broken, orderPackage, "o-2"))
	if err == nil || !strings.Contains(out, "items") {
		t.Errorf("a history with a field of another type gives a test that passes: %v\n%s", err, out)
	}
}

// Of personal fields, a test has texts in place of texts, and nothing in place of others.
func TestTestfromPersonal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "export.jsonl")
	export := `{"instance":{"workflow":"enrolment","id":"e-1"}}
{"event":{"version":1,"type":"Enrolled","recorded_at":"2026-01-02T03:04:05Z","status":"active","payload":{"customer_id":"c-1",` +
		`"email":{"$personal":[0,"c-1","ann@secret.example"]},"guests":[{"name":{"$personal":[0,"c-1","Zebulon"]},"age":7},{"name":"Yorick","age":8}],` +
		`"births":{"$personal":[0,"c-1",{"Quentin":"2001-02-03T00:00:00Z"}]}}}}
{"event":{"version":2,"type":"Moved","recorded_at":"2026-01-02T03:04:06Z","status":"active","payload":{"email":{"$personal":[0,"c-1","ann@secret.example"]}}}}
{"event":{"version":3,"type":"Moved","recorded_at":"2026-01-02T03:04:07Z","status":"active","payload":{"email":{"$personal":[0,"c-1"]}}}}
{"timer":{"version":1,"key":"reminder","kind":"Remind","due_at":"2026-01-02T04:04:05Z","payload":{"enrolment_id":"e-1","email":{"$personal":[0,"c-1","ann@secret.example"]}}}}
`
	if err := os.WriteFile(file, []byte(export), 0o644); err != nil {
		t.Fatal(err)
	}
	const dir = "../../runtime/internal/enrolment"
	for _, text := range []string{writtenTest(t, "-store", file, dir, "e-1"), writtenTest(t, "-store", file, "-history", dir, "e-1")} {
		for _, secret := range []string{"secret.example", "Zebulon", "Yorick", "Quentin", "2001", "$personal"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in\n%s", secret, text)
			}
		}
		for _, want := range []string{
			`{"customer_id":"text-1","email":"text-2","guests":[{"name":"text-3","age":7},{"name":"text-4","age":8}]}`, `{"email":"text-2"}`, `{}`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
	kept := writtenTest(t, "-store", file, "-keep", "births", dir, "e-1")
	if !strings.Contains(kept, `"births":{"Quentin":"2001-02-03T00:00:00Z"}`) || strings.Contains(kept, "secret.example") {
		t.Errorf("with -keep births:\n%s", kept)
	}
}

// replayed reads a history as the generated test does.
func replayed(t *testing.T, history string) (string, int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "o-2.history.jsonl")
	if err := os.WriteFile(file, []byte(history), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := gate.Run(t.Context(), []string{"-read", file}, &out, &out, nil, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	return out.String(), code
}

func placeOrder(t *testing.T, store runtime.Store) {
	t.Helper()
	engine, err := runtime.NewEngine(store, runtime.Config{}, order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := order.NewClient(engine).Create(t.Context(), order.Create{
		OrderID: "o-2", CartID: "c-1", Email: "ada@example.com", Card: "4242", Items: []order.Item{{Sku: "tea", Quantity: 1, PriceCents: 300}},
	})
	if err != nil || !outcome.Accepted() {
		t.Fatalf("%+v, %v", outcome, err)
	}
}

// writtenTest returns the test that the command writes.
func writtenTest(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if exit := Run(append([]string{"testfrom", "-o", "-"}, args...), strings.NewReader(""), &out, &errOut); exit != exitOK {
		t.Fatalf("exit %d: %s", exit, errOut.String())
	}
	return out.String()
}

// runWith runs the tests of histories in the package of orders as if there were one more file.
func runWith(t *testing.T, content string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	written := filepath.Join(dir, "history_test.go")
	if err := os.WriteFile(written, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Abs(filepath.Join(orderPackage, "history_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{there: written}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-overlay", file, "-run", "TestHistory", orderPackage).CombinedOutput()
	return string(out), err
}
