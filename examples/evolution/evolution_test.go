package evolution_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/evolution/v1"
	"github.com/ironflow-gen/ironflow/examples/evolution/v2"
	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// killed makes this program the one that is killed: the URL or the file of its store.
const killed = "IRONFLOW_EVOLUTION_KILLED"

func TestMain(m *testing.M) {
	if place := os.Getenv(killed); place != "" {
		killedProgram(place)
	}
	code := pgserver.Main(m)
	os.RemoveAll(toolDir)
	os.Exit(code)
}

// open opens the store of a place.
func open(ctx context.Context, place string) (runtime.Store, func(), error) {
	if strings.Contains(place, "://") {
		return storage.Open(ctx, place, "")
	}
	return storage.Open(ctx, "", place)
}

// killedProgram is a program of the first version that dies while it takes money.
func killedProgram(place string) {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	st, _, err := open(ctx, place)
	check(err)
	pay := func(context.Context, int64, string) error {
		self, err := os.FindProcess(os.Getpid())
		check(err)
		check(self.Kill())
		select {}
	}
	engine, err := runtime.NewEngine(st, config(), v1.NewWorkflow(v1.Decider{}, v1.Evolver{}, v1.Handler{Pay: pay}))
	check(err)
	_, err = v1.NewClient(engine).Subscribe(ctx, v1.Subscribe{SubscriptionID: "old", PriceCents: 30000})
	check(err)
	check(engine.Run(ctx))
}

// kill runs the program until it kills itself.
func kill(t *testing.T, place string) {
	t.Helper()
	program := exec.CommandContext(t.Context(), os.Args[0])
	program.Env = append(os.Environ(), killed+"="+place)
	if output, err := program.CombinedOutput(); err == nil || program.ProcessState.Exited() {
		t.Fatalf("the program was not killed: %v\n%s", err, output)
	}
}

func config() runtime.Config {
	return runtime.Config{Lease: 2 * time.Second, PollInterval: 50 * time.Millisecond}
}

// bank keeps what was paid, once for each key.
type bank struct {
	sync.Mutex
	paid map[string]int64
}

func (b *bank) pay(_ context.Context, cents int64, key string) error {
	b.Lock()
	defer b.Unlock()
	b.paid[key] = cents
	return nil
}

func TestEvolution(t *testing.T) {
	t.Parallel()
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		ctx := t.Context()
		place := database + file // one of them is empty
		st, closeStore, err := open(ctx, place)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(closeStore)

		// The first version writes, and is killed.
		kill(t, place)

		// The second version goes on, and another first one beside it.
		bank := &bank{paid: make(map[string]int64)}
		first, err := runtime.NewEngine(st, config(), v1.NewWorkflow(v1.Decider{}, v1.Evolver{}, v1.Handler{Pay: bank.pay}))
		if err != nil {
			t.Fatal(err)
		}
		second, err := runtime.NewEngine(st, config(), v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, v2.Handler{Pay: bank.pay}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v1.NewClient(first).Subscribe(ctx, v1.Subscribe{SubscriptionID: "of the first", PriceCents: 10000}); err != nil {
			t.Fatal(err)
		}
		if _, err := v2.NewClient(second).Subscribe(ctx, v2.Subscribe{SubscriptionID: "of the second", PriceCents: 20000}); err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(ctx)
		var engines sync.WaitGroup
		for _, e := range []*runtime.Engine{first, second} {
			engines.Go(func() {
				if err := e.Run(running); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
		t.Cleanup(func() { stop(); engines.Wait() })

		want := map[string]int64{"old": 60000, "of the first": 20000, "of the second": 40000} // two periods each
		deadline := time.Now().Add(time.Minute)
		for id, cents := range want {
			for {
				old, err := v1.NewClient(first).State(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				view, err := v2.NewClient(second).State(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				if view.State.BilledCents == cents && old.State.BilledCents == cents {
					if view.State.PriceCents != cents/2 || old.State.PriceCents != cents/2 {
						t.Errorf("%s: the price is %d to the second version and %d to the first", id, view.State.PriceCents, old.State.PriceCents)
					}
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: billed %d, want %d", id, view.State.BilledCents, cents)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		bank.Lock()
		defer bank.Unlock()
		sum := int64(0)
		for _, cents := range bank.paid {
			sum += cents
		}
		if len(bank.paid) != 6 || sum != 120000 {
			t.Errorf("paid %v", bank.paid)
		}
	})
}

// TestRefused compares the four changes as they should not be made with the first version.
func TestRefused(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		"testdata/event":   `event Subscribed.price_cents is gone, and stored events have it; if "monthly_cents" is its new name, keep the stored one with "as: price_cents" [IF3103]`,
		"testdata/effect":  `effect Charge.cents is gone, and effects in the outbox have it; if "amount_cents" is its new name, keep the stored one with "as: cents" [IF3302]`,
		"testdata/timer":   `input "Renew" is gone, and the effect or timer that delivers one waits for ever; keep it, and reject it in the decider; or keep the stored name with "as: Renew" [IF3303]`,
		"testdata/decimal": `event Subscribed.discount is new, and stored events do not have it, so it would be read as zero; add "default", or make it optional [IF3105]`,
		"v2":               "",
	} {
		output, err := run(t.Context(), ".", tool(t), "breaking", "-against", "v1/subscription.ironflow.lock", "./"+change)
		if (err != nil) != (want != "") || !strings.Contains(output, want) {
			t.Errorf("%s: %v\n%s\nwant %s", change, err, output, want)
		}
	}
}

// While both versions run, the console says what they declare in different ways, and what that means.
func TestSkew(t *testing.T) {
	t.Parallel()
	var programs []admin.Program
	for i, w := range []*runtime.Workflow{v1.NewWorkflow(v1.Decider{}, v1.Evolver{}, v1.Handler{}), v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, v2.Handler{})} {
		m := &workflow.Manifest{Workflows: []workflow.WorkflowManifest{w.Describe()}}
		_, digest := m.Encode()
		programs = append(programs, admin.Program{Program: store.Program{Digest: digest, StartedAt: time.Unix(int64(i), 0)}, Running: true, Manifest: m})
	}
	skews := admin.Skews(programs)
	if len(skews) != 1 || len(skews[0].Differences) != 2 {
		t.Fatalf("got %+v", skews)
	}
	if d := skews[0].Differences[0]; d.What != "event Subscribed.discount: only the newer program has it" || d.Class != admin.SkewSafe || d.Means != "The older program skips it." {
		t.Errorf("got %+v", d)
	}
}
