package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/transfer"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// seededHistory is a mistake, and what has happened to one of its instances.
type seededHistory struct {
	mistake string
	inputs  []string // of clients, or results of effects; "ID" stands for the id of the instance
	handles *workflow.Workflow
	until   string // status that the handlers of handles lead to

	at    string // version to stop at; empty for the newest one
	input string // what the test gives to the decider
	want  string // how the test fails; empty if it passes, as production did
}

const (
	createOrder = `{"type":"Create","order_id":"ID","cart_id":"cart-ID","email":"ada@example.com","card":"4242","items":[{"sku":"tea","quantity":2,"price_cents":50}]}`
	payOrder    = `{"type":"Pay","order_id":"ID","amount_cents":100}`
	planTrip    = `{"type":"Plan","trip_id":"ID"}`
	bookFlight  = `{"type":"FlightBooked","trip_id":"ID","flight":"LX 38"}`
	missHotel   = `{"type":"HotelFailed","trip_id":"ID","error":"full"}`
)

// manyItems is an order with so many items that a map of them has another order each time.
func manyItems() string {
	var items []string
	for n := range 20 {
		items = append(items, fmt.Sprintf(`{"sku":"item %d","quantity":1,"price_cents":%d}`, n, 1<<n))
	}
	return strings.Replace(createOrder, `{"sku":"tea","quantity":2,"price_cents":50}`, strings.Join(items, ","), 1)
}

func seededHistories() []seededHistory {
	empty := strings.Replace(createOrder, `[{"sku":"tea","quantity":2,"price_cents":50}]`, "[]", 1)
	failed := `{"type":"PaymentFailed","order_id":"ID","reason":"declined"}`
	tooLittle := `{"type":"Pay","order_id":"ID","amount_cents":1}`
	decisions := []seededHistory{
		{mistake: "index of an empty list", inputs: []string{empty}, at: "0", input: empty, want: "index out of range"},
		{mistake: "no decision", inputs: []string{createOrder, failed}, input: failed, want: "the decision is empty"},
		{mistake: "clock read", inputs: []string{createOrder, payOrder}, at: "1", input: payOrder, want: "answers one question in two ways"},
		{mistake: "global counter", inputs: []string{createOrder}, at: "0", input: createOrder, want: "answers one question in two ways"},
		{mistake: "map order", inputs: []string{manyItems()}, at: "0", input: manyItems(), want: "answers one question in two ways"},
		{mistake: "off by one on a deadline", inputs: []string{createOrder, payOrder}, at: "1", input: payOrder},
		{mistake: "endless loop", inputs: []string{createOrder, payOrder}, input: payOrder, want: "does not return"},
		{mistake: "goroutine in a decider", inputs: []string{createOrder, payOrder}, at: "1", input: payOrder, want: "starts a goroutine"},
		{mistake: "aliasing", inputs: []string{createOrder, payOrder}, at: "1", input: payOrder, want: "changes the state that it is given"},
		{mistake: "forgotten field", inputs: []string{createOrder, tooLittle}, at: "1", input: tooLittle},
		{mistake: "forgotten effect", inputs: []string{planTrip}, at: "0", input: planTrip},
		{mistake: "compensation skipped", inputs: []string{planTrip, bookFlight, missHotel}, at: "2", input: missHotel},
		{mistake: "stuck after a refusal", inputs: []string{planTrip, bookFlight}, input: bookFlight},
	}
	// What is wrong with a handler is not in the history: its test takes the decisions that followed, as production did.
	charge := func(name string) *workflow.Workflow {
		return order.NewWorkflow(order.Decider{}, order.Evolver{}, &oneAnswerLost{charge: seeded.Charges[name]})
	}
	trip := func(a *seeded.Agency) *workflow.Workflow {
		return compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{Agency: a})
	}
	lost, refunds := 0, 0
	loseFirst := func(string) { lost++ }
	paid := func(mistake string) seededHistory {
		return seededHistory{mistake: mistake, inputs: []string{createOrder}, handles: charge(mistake), until: "paid", at: "1", input: payOrder}
	}
	double := seededHistory{
		mistake: "paid by card and by client", inputs: []string{createOrder, payOrder}, handles: charge("right"), until: "paid", at: "1", input: payOrder,
	}
	receipt := paid("receipt sent twice")
	receipt.handles = charge("right")
	return append(decisions,
		paid("double charge after a crash"), paid("a key for each attempt"), paid("retry taken for done"), receipt, double,
		seededHistory{
			mistake: "answer for another instance", inputs: []string{createOrder}, handles: charge("answer for another instance"),
			until: "awaiting_payment", input: payOrder,
		},
		seededHistory{
			mistake: "lost update on retry", inputs: []string{planTrip}, handles: trip(&seeded.Agency{Book: loseFirst}), until: "booked",
			at: "1", input: bookFlight,
		},
		seededHistory{
			mistake: "flight left behind", inputs: []string{planTrip}, handles: trip(&seeded.Agency{
				Book: loseFirst, Name: func() string { return fmt.Sprint("flight ", lost) }, Hotel: errors.New("full"),
			}), until: "cancelled", at: "2", input: missHotel,
		},
		seededHistory{
			mistake: "compensation fails when repeated", inputs: []string{planTrip}, handles: trip(&seeded.Agency{
				Hotel: errors.New("full"), Cancel: func(string) error {
					if refunds++; refunds > 1 {
						return workflow.Permanent(errors.New("there is no such flight"))
					}
					return errors.New("the answer is lost")
				},
			}), until: "cancelling_flight", at: "2", input: missHotel,
		},
	)
}

// oneAnswerLost charges, and loses the answer to each first attempt.
type oneAnswerLost struct {
	bank   seeded.Bank
	charge seeded.Charge
}

func (h *oneAnswerLost) ChargeCard(_ context.Context, e order.ChargeCard, call runtime.EffectCall) (order.ChargeCardResult, error) {
	result, err := h.charge(&h.bank, e, call)
	if call.Attempt == 1 {
		return nil, errors.New("the answer is lost")
	}
	return result, err
}

func (h *oneAnswerLost) SendReceipt(_ context.Context, _ order.SendReceipt, call runtime.EffectCall) error {
	if call.Attempt == 1 {
		return errors.New("the answer is lost")
	}
	return nil
}

func (s *seededHistory) id() string { return strings.ReplaceAll(s.mistake, " ", "_") }

func (s *seededHistory) named(input string) string { return strings.ReplaceAll(input, "ID", s.id()) }

func (s *seededHistory) workflow() *workflow.Workflow {
	if s.handles != nil {
		return s.handles
	}
	return seeded.Decisions[s.mistake]
}

// atTheEnd is a clock that shows when the sale ends.
type atTheEnd struct{ store.SystemClock }

func (atTheEnd) Now() time.Time { return seeded.SaleEnds }

// happen lets the mistake happen on a store of its own, and returns the export of its instance.
func (s *seededHistory) happen(t *testing.T) []byte {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	config := runtime.Config{Logger: slog.New(slog.DiscardHandler), DecideTimeout: 200 * time.Millisecond}
	if s.mistake == "off by one on a deadline" {
		config.Clock = atTheEnd{}
	}
	w := s.workflow()
	engine, err := runtime.NewEngine(st, config, w)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range s.inputs {
		_, _ = engine.ExecuteDynamic(t.Context(), w.Name(), []byte(s.named(input))) // some fail: that is what went wrong
	}
	key := store.InstanceKey{Workflow: w.Name(), ID: s.id()}
	if s.handles != nil {
		s.handle(t, st, engine, key)
	}
	var export bytes.Buffer
	_, err = transfer.Export(t.Context(), st, &export, transfer.ExportOptions{Instances: []store.InstanceKey{key}})
	if _, none := errors.AsType[*store.UnknownInstance](err); err != nil && !none {
		t.Fatal(err)
	}
	return export.Bytes()
}

// handle runs the handlers until the instance has the status, and for two attempts at least.
func (s *seededHistory) handle(t *testing.T, st *sqlite.Store, engine *runtime.Engine, key store.InstanceKey) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		i, err := st.Summary(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if i.Status == s.until {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: it is %s, want %s", s.mistake, i.Status, s.until)
		}
	}
	time.Sleep(50 * time.Millisecond)
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// seededPackages are the packages of the tests: their kit has the workflow of the mistake that the environment names.
var seededPackages = map[string]struct{ declaration, kit string }{
	"order": {"../../examples/order/order/order.ironflow.yaml", `package seededorder

import (
	"os"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

type Kit = ironflowtest.Kit[order.State, order.Input, order.Event, order.Effect, order.Rejection]

var kit = NewKit(seeded.Decisions[os.Getenv("SEEDED")])

func NewKit(w *workflow.Workflow) *Kit {
	if w == nil {
		w = order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{})
	}
	return ironflowtest.NewKit[order.State, order.Input, order.Event, order.Effect, order.Rejection](w)
}
`},
	"compensate": {"../../examples/recipes/compensate/compensate.ironflow.yaml", `package seededcompensate

import (
	"os"

	"github.com/ironflow-gen/ironflow/examples/recipes/compensate"
	"github.com/ironflow-gen/ironflow/internal/seeded"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

type Kit = ironflowtest.Kit[compensate.State, compensate.Input, compensate.Event, compensate.Effect, compensate.Rejection]

var kit = NewKit(seeded.Decisions[os.Getenv("SEEDED")])

func NewKit(w *workflow.Workflow) *Kit {
	if w == nil {
		w = compensate.NewWorkflow(compensate.Decider{}, compensate.Evolver{}, compensate.Handler{})
	}
	return ironflowtest.NewKit[compensate.State, compensate.Input, compensate.Event, compensate.Effect, compensate.Rejection](w)
}
`},
}

// TestTestfromSeeded lets each of the seeded mistakes happen on SQLite, makes a test of its history by testfrom, and runs the test with the code
// that has the mistake: it fails or passes as production did.
func TestTestfromSeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	root := t.TempDir()
	files := make(map[string]string) // those that an overlay adds to the module
	add := func(name, file, content string) {
		written := filepath.Join(root, name, file)
		if err := os.WriteFile(written, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		there, err := filepath.Abs(filepath.Join("../../internal/seeded/seeded"+name, file))
		if err != nil {
			t.Fatal(err)
		}
		files[there] = written
	}
	for name, p := range seededPackages {
		declaration, err := os.ReadFile(p.declaration)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		renamed := strings.Replace(string(declaration), "package: "+name, "package: seeded"+name, 1)
		if err := os.WriteFile(filepath.Join(root, name, name+".ironflow.yaml"), []byte(renamed), 0o644); err != nil {
			t.Fatal(err)
		}
		add(name, "kit_test.go", p.kit)
	}

	histories := seededHistories()
	for i := range histories {
		s := &histories[i]
		name := s.workflow().Name()
		export := filepath.Join(root, s.id()+".jsonl")
		if err := os.WriteFile(export, s.happen(t), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"-store", export}
		if s.at != "" {
			args = append(args, "-at", s.at)
		}
		if s.input != "" {
			args = append(args, "-input", s.named(s.input))
		}
		add(name, "history_"+s.id()+"_test.go", writtenTest(t, append(args, filepath.Join(root, name), s.id())...))
	}

	overlay, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(root, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	for name := range seededPackages {
		out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", overlayFile, "-o", filepath.Join(root, name+".test"), "../../internal/seeded/seeded"+name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	shown := make(map[string]bool)
	for i := range histories {
		s := &histories[i]
		run := exec.CommandContext(t.Context(), filepath.Join(root, s.workflow().Name()+".test"), "-test.run", "^TestHistory_"+s.id()+"$", "-test.v")
		run.Env = append(os.Environ(), "SEEDED="+s.mistake)
		out, err := run.CombinedOutput()
		text := string(out)
		switch {
		case !strings.Contains(text, "=== RUN"):
			t.Errorf("%s: the test was not run: %v\n%s", s.mistake, err, text)
		case s.want == "" && err != nil:
			t.Errorf("%s: the test fails, production has taken it: %s", s.mistake, text)
		case s.want != "" && (err == nil || !strings.Contains(text, s.want)):
			t.Errorf("%s: the test does not say %q: %v\n%s", s.mistake, s.want, err, text)
		default:
			shown[s.mistake] = true
			t.Logf("%-32s %s", s.mistake, map[bool]string{true: "passes as production did", false: "fails: " + s.want}[s.want == ""])
		}
	}
	if len(shown) < 20 {
		t.Errorf("%d of 20 are shown", len(shown))
	}
}
