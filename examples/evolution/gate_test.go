package evolution_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/evolution/v1"
	"github.com/ironflow-gen/ironflow/examples/evolution/v2"
	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

// toolDir is where buildTool builds; empty before.
var toolDir string

// buildTool builds ironflow-gen once.
var buildTool = sync.OnceValues(func() (_ string, err error) {
	if toolDir, err = os.MkdirTemp("", "ironflow-evolution-"); err != nil {
		return "", err
	}
	tool := filepath.Join(toolDir, "ironflow-gen")
	_, err = run(context.Background(), ".", "go", "build", "-o", tool, "github.com/ironflow-gen/ironflow/cmd/ironflow-gen")
	return tool, err
})

func tool(t *testing.T) string {
	t.Helper()
	name, err := buildTool()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs a command in a directory. Its error has what the command printed.
func run(ctx context.Context, dir string, command ...string) (string, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir
	output, err := c.CombinedOutput()
	if err != nil {
		err = &failure{err, string(output)}
	}
	return string(output), err
}

type failure struct {
	error
	output string
}

func (f *failure) Error() string { return f.error.Error() + "\n" + f.output }

// wrong are the four changes as they should not be made: what the code of the first version becomes, and what the gate says of the killed program's
// instance.
var wrong = map[string]struct {
	code *strings.Replacer
	says string
}{
	"event": {strings.NewReplacer("PriceCents: in.PriceCents}).", "MonthlyCents: in.PriceCents}).", "= e.PriceCents", "= e.MonthlyCents"),
		`missing field: subscription event Subscribed.monthly_cents: 1, as in "old": it has no default, and is read as zero [IF3105]`},
	"effect": {strings.NewReplacer("Charge{Cents:", "Charge{AmountCents:", "effect.Cents", "effect.AmountCents"),
		`missing field: subscription effect Charge.amount_cents: 1, as in "old": it has no default, and is read as zero [IF3302]`},
	"timer": {strings.NewReplacer("Renew(", "RenewalDue(", "Renew)", "RenewalDue)", "RenewDecision", "RenewalDueDecision", "AcceptRenew(", "AcceptRenewalDue("),
		`orphaned timer: subscription Renew: 1, as in "old" [IF3303]`},
	"decimal": {strings.NewReplacer("PriceCents: in.PriceCents}).", `PriceCents: in.PriceCents, Discount: "0"}).`),
		`missing field: subscription event Subscribed.discount: 1, as in "old": it has no default, and is read as zero [IF3105]`},
}

// writeWrong makes a module of programs with the four changes.
func writeWrong(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", strings.Replace(read("../../go.mod"), "module github.com/ironflow-gen/ironflow\n", "module example.com/wrong\n", 1)+
		"\nrequire github.com/ironflow-gen/ironflow v0.0.0\n\nreplace github.com/ironflow-gen/ironflow => "+root+"\n")
	write("go.sum", read("../../go.sum"))
	for name, change := range wrong {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(name+"/subscription.ironflow.yaml", read("testdata/"+name+"/subscription.ironflow.yaml"))
		write(name+"/decider.go", change.code.Replace(read("v1/decider.go")))
		if _, err := run(t.Context(), filepath.Join(dir, name), tool(t)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGate lets the gate read what the killed program has left, with the code of the four changes as they should not be made, and as they should.
func TestGate(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	dir := writeWrong(t)
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		ctx := t.Context()
		place := database + file
		st, closeStore, err := open(ctx, place)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(closeStore)
		kill(t, place)

		output, err := run(ctx, dir, tool(t), "gate", "-store", place, "./...")
		if err == nil {
			t.Errorf("the gate accepts the changes:\n%s", output)
		}
		for name, change := range wrong {
			_, of, _ := strings.Cut(output, "example.com/wrong/"+name+": ")
			of, _, _ = strings.Cut(of, "example.com/wrong/")
			if !strings.Contains(of, "1 instances, 1 events") || strings.TrimSpace(of[strings.Index(of, "\n")+1:]) != change.says {
				t.Errorf("%s: got %s\nwant %s", name, of, change.says)
			}
		}
		if output, err := run(ctx, ".", tool(t), "gate", "-store", place, "./v2"); err != nil {
			t.Errorf("the gate refuses the right change: %v\n%s", err, output)
		}

		// The gate has changed nothing: both versions finish what was begun.
		bank := &bank{paid: make(map[string]int64)}
		running, stop := context.WithCancel(ctx)
		var engines sync.WaitGroup
		t.Cleanup(func() { stop(); engines.Wait() })
		second, err := runtime.NewEngine(st, config(), v2.NewWorkflow(v2.Decider{}, v2.Evolver{}, v2.Handler{Pay: bank.pay}))
		if err != nil {
			t.Fatal(err)
		}
		first, err := runtime.NewEngine(st, config(), v1.NewWorkflow(v1.Decider{}, v1.Evolver{}, v1.Handler{Pay: bank.pay}))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*runtime.Engine{first, second} {
			engines.Go(func() {
				if err := e.Run(running); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			view, err := v2.NewClient(second).State(ctx, "old")
			if err != nil {
				t.Fatal(err)
			}
			if view.State.BilledCents == 60000 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("billed %d", view.State.BilledCents)
			}
		}
	})
}
