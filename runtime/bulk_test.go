package runtime_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// bulkVariable has this test binary, run again as a child, do a bulk run on the store of childVariable.
const bulkVariable = "IRONFLOW_ENGINE_TEST_BULK"

// bulkSize is how many instances get the input. The 100,000: set the variable.
func bulkSize() int { return cmp.Or(number(os.Getenv("IRONFLOW_BULK_INSTANCES")), 2000) }

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func correction() runtime.Bulk {
	return runtime.Bulk{
		ID: "recount", By: "ann", Reason: "the scale was wrong", Filter: runtime.InstanceFilter{Workflow: "ledger"}, Input: ledger.Correct{Total: 9},
	}
}

// workInBulk does the run, and prints a line for each decision, stored or not.
func workInBulk(where string) error {
	st, _, err := openWhere(context.Background(), where)
	if err != nil {
		return err
	}
	engine, err := runtime.NewEngine(st, runtime.Config{}, ledgers(ledger.Decider{OnCorrect: func(_ time.Time, _ ledger.State, in ledger.Correct) ledger.CorrectDecision {
		fmt.Println("decided")
		return ledger.AcceptCorrect(ledger.Corrected{Total: in.Total})
	}}, ledger.Handler{}))
	if err != nil {
		return err
	}
	_, err = engine.RunBulk(context.Background(), correction())
	return err
}

// fillLedgers opens n accounts, and closes the first few.
func (b *bed) fillLedgers(client *ledger.Client, n, closed int) {
	b.Helper()
	var wait sync.WaitGroup
	for part := range 64 {
		wait.Go(func() {
			for i := part; i < n; i += 64 {
				id := fmt.Sprint(i)
				out, err := client.Add(b.Context(), ledger.Add{Account: id, Amount: int64(i)})
				if err == nil && i < closed {
					_, err = client.Close(b.Context(), ledger.Close{Account: id})
				}
				if err != nil || !out.Accepted() {
					b.Errorf("account %d: %+v, error %v", i, out, err)
				}
			}
		})
	}
	wait.Wait()
}

// A bulk run whose process is killed three times has each instance decide once, and its record has all of it.
func TestBulkRunIsKilled(t *testing.T) {
	onStores(t, func(b *bed) {
		n := bulkSize()
		self, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		engine := b.engine(b.config(ownTime{}), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.fillLedgers(ledger.NewClient(engine), n+10, 10)
		for round := range 3 {
			cmd := exec.CommandContext(b.Context(), self)
			cmd.Env = append(os.Environ(), childVariable+"="+b.url, bulkVariable+"=1")
			output, err := cmd.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			lines := bufio.NewScanner(output)
			for decided := 1; lines.Scan(); decided++ {
				if lines.Text() != "decided" {
					b.Errorf("the child says %q", lines.Text())
				}
				if decided == n/5+97*round {
					if err := cmd.Process.Kill(); err != nil {
						b.Error(err)
					}
				}
			}
			if cmd.Wait() == nil {
				b.Error("the child was not killed")
			}
			if r := b.audits(engine, store.AuditFilter{ID: "recount"}); len(r) != 1 || !r[0].EndedAt.IsZero() || r[0].Count >= int64(n) {
				b.Errorf("after a kill: %+v", r)
			}
		}
		report, err := engine.RunBulk(b.Context(), correction())
		if err != nil || !report.Ended || report.Sent != int64(n) || report.Count("accepted") != int64(n) || len(report.Groups) != 1 ||
			strings.Join(report.Groups[0].Events, " ") != "Corrected" {
			b.Errorf("got %+v, error %v", report, err)
		}
		b.wantTable("count(*), count(DISTINCT instance)", "events", "WHERE type = 'Corrected'", fmt.Sprintf("%d %[1]d", n))
		b.wantTable("count(*)", "events", `WHERE type = 'Corrected' AND CAST(cause AS text) LIKE '%"by":"ann","reason":"the scale was wrong"%'`, fmt.Sprint(n))
		r := b.audits(engine, store.AuditFilter{})
		if len(r) != 1 || r[0].ID != "recount" || r[0].By != "ann" || r[0].Reason != "the scale was wrong" || r[0].Operation != store.OpBulk ||
			r[0].Workflow != "ledger" || r[0].Input != "Correct" || r[0].Target != "activity active" || r[0].Count != int64(n) || r[0].EndedAt.IsZero() {
			b.Errorf("got %+v", r)
		}

		// A run that has ended is not done again.
		b.unchanged(func() {
			if again, err := engine.RunBulk(b.Context(), correction()); err != nil || !again.Ended || again.Sent != int64(n) {
				b.Errorf("got %+v, error %v", again, err)
			}
		})
	})
}

// A plan says what a run would lead to, by group, and changes nothing. A run counts what it leads to.
func TestBulkReport(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnCorrect: func(_ time.Time, s ledger.State, in ledger.Correct) ledger.CorrectDecision {
			switch {
			case s.Total == 7:
				panic("seven")
			case s.Total%2 == 1:
				return ledger.RejectCorrect(ledger.Negative{Amount: 1})
			}
			return ledger.AcceptCorrect(ledger.Corrected{Total: in.Total})
		}}
		engine := b.engine(b.config(ownTime{}), ledgers(d, ledger.Handler{}))
		b.fillLedgers(ledger.NewClient(engine), 23, 3)
		want := map[string]int64{"accepted": 10, "rejected": 9, "failed": 1}
		check := func(report runtime.BulkReport, err error) {
			b.Helper()
			if err != nil || !report.Ended || report.Sent != 20 || len(report.Groups) != 3 {
				b.Errorf("got %+v, error %v", report, err)
			}
			for _, g := range report.Groups {
				if g.Count != want[g.Outcome] || g.Example == "" || (g.Outcome == "rejected") != (g.Rejection == "Negative") ||
					(g.Outcome == "failed") != strings.Contains(g.Error, "panic") {
					b.Errorf("got group %+v", g)
				}
			}
		}
		b.unchanged(func() {
			plan, err := engine.PlanBulk(b.Context(), correction(), 0)
			check(plan, err)
			if some, err := engine.PlanBulk(b.Context(), correction(), 5); err != nil || some.Sent != 5 || some.Ended {
				b.Errorf("got %+v, error %v", some, err)
			}
		})
		fast := correction()
		fast.Rate = 1000
		began := time.Now()
		report, err := engine.RunBulk(b.Context(), fast)
		check(report, err)
		if took := time.Since(began); took < 19*time.Millisecond {
			b.Errorf("20 inputs took %v at 1000 a second", took)
		}
	})
}

// A rate so low that no duration has its pauses is not the highest one.
func TestBulkRunIsSlow(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.fillLedgers(ledger.NewClient(engine), 5, 0)
		slow := correction()
		slow.Rate = 1e-12
		ctx, cancel := context.WithTimeout(b.Context(), 300*time.Millisecond)
		defer cancel()
		if report, err := engine.RunBulk(ctx, slow); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("got %+v, error %v", report, err)
		}
		b.wantTable("count(*)", "events", "WHERE type = 'Corrected'", "1")
	})
}

// auditedFaulty is a store that fails, with an audit log that does not.
type auditedFaulty struct {
	*faulty
	store.AuditLog
}

// A run on a store that fails ends with the error. It has not ended, and goes on when it is started again.
func TestBulkRunOnAStoreThatFails(t *testing.T) {
	onStores(t, func(b *bed) {
		st := &faulty{Store: b.store}
		engine := b.engineOn(auditedFaulty{st, b.store.(store.AuditLog)}, b.realConfig(), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.fillLedgers(ledger.NewClient(engine), 20, 0)
		st.setCommit(func(context.Context, func(context.Context) error) error { return errBroken })
		if report, err := engine.RunBulk(b.Context(), correction()); !errors.Is(err, errBroken) || report.Ended {
			b.Errorf("got %+v, error %v", report, err)
		}
		st.setCommit(nil)
		if report, err := engine.RunBulk(b.Context(), correction()); err != nil || !report.Ended || report.Count("accepted") != 20 {
			b.Errorf("got %+v, error %v", report, err)
		}
	})
}

// Of two processes that do one run, the first one ends when the second has begun, and nothing is counted twice.
func TestBulkRunIsTakenOver(t *testing.T) {
	onStores(t, func(b *bed) {
		const n = 600 // more than a page
		wf := ledgers(ledger.Decider{}, ledger.Handler{})
		engine, other := b.engine(b.config(ownTime{}), wf), b.engine(b.config(ownTime{}), wf)
		b.fillLedgers(ledger.NewClient(engine), n, 0)
		first := correction()
		var once sync.Once
		first.Progressed = func(r runtime.BulkReport) {
			if r.Sent == 0 {
				return
			}
			once.Do(func() {
				if report, err := other.RunBulk(b.Context(), correction()); err != nil || report.Count("accepted") != n {
					b.Errorf("the second process: %+v, error %v", report, err)
				}
			})
		}
		if _, err := engine.RunBulk(b.Context(), first); err == nil || !strings.Contains(err.Error(), "another process") {
			b.Errorf("the first process: %v", err)
		}
		b.wantTable("count(*), count(DISTINCT instance)", "events", "WHERE type = 'Corrected'", fmt.Sprintf("%d %[1]d", n))
		if r := b.audits(engine, store.AuditFilter{}); len(r) != 1 || r[0].Count != n {
			b.Errorf("got %+v", r)
		}
	})
}

func TestBulkMistakes(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(ownTime{}), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.fillLedgers(ledger.NewClient(engine), 1, 0)
		b.unchanged(func() {
			for what, change := range map[string]func(*runtime.Bulk){
				"no ID":             func(r *runtime.Bulk) { r.ID = "" },
				"a long ID":         func(r *runtime.Bulk) { r.ID = strings.Repeat("x", 201) },
				"an invalid ID":     func(r *runtime.Bulk) { r.ID = "\x00" },
				"nobody":            func(r *runtime.Bulk) { r.By = "" },
				"no reason":         func(r *runtime.Bulk) { r.Reason = " " },
				"no workflow":       func(r *runtime.Bulk) { r.Filter.Workflow = "" },
				"another workflow":  func(r *runtime.Bulk) { r.Filter.Workflow = "order" },
				"completed ones":    func(r *runtime.Bulk) { r.Filter.Activity = store.OnlyCompleted },
				"a negative rate":   func(r *runtime.Bulk) { r.Rate = -1 },
				"no rate":           func(r *runtime.Bulk) { r.Rate = math.NaN() },
				"no input":          func(r *runtime.Bulk) { r.Input = nil },
				"no input of it":    func(r *runtime.Bulk) { r.Input = 7 },
				"an input with id":  func(r *runtime.Bulk) { r.Input = ledger.Correct{Account: "a"} },
				"a pointer, though": func(r *runtime.Bulk) { r.Input = &ledger.Correct{} },
			} {
				r := correction()
				change(&r)
				if _, err := engine.RunBulk(b.Context(), r); err == nil {
					b.Errorf("%s: no error", what)
				}
				if _, err := engine.PlanBulk(b.Context(), r, 0); err == nil {
					b.Errorf("%s: no error of the plan", what)
				}
			}
		})
		if _, err := engine.RunBulk(b.Context(), correction()); err != nil {
			b.Fatal(err)
		}
		other := correction()
		other.Input = ledger.Correct{Total: 10}
		if _, err := engine.RunBulk(b.Context(), other); err == nil || !strings.Contains(err.Error(), "another filter or input") {
			b.Errorf("another input: %v", err)
		}
		other = correction()
		other.Filter.CreatedBefore = time.Now()
		if _, err := engine.RunBulk(b.Context(), other); err == nil || !strings.Contains(err.Error(), "another filter or input") {
			b.Errorf("another filter: %v", err)
		}
		ended, cancel := context.WithCancel(b.Context())
		cancel()
		other = correction()
		other.ID = "two"
		if _, err := engine.RunBulk(ended, other); !errors.Is(err, context.Canceled) {
			b.Errorf("got %v", err)
		}
	})
}
