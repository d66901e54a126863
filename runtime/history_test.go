package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
)

// What one engine remembers of an instance is of no use once the database has another history: it was set back by a failover, or
// from a backup, or the instance was deleted and created again. Versions do not tell.

// otherHistory replaces the last event of an account by another one of the same version.
func (b *bed) otherHistory(account string, version, amount int64) {
	b.Helper()
	b.exec(fmt.Sprintf(`UPDATE {p}events SET payload = '{"amount":%d}', commit_id = commit_id - 1 WHERE instance = '%s' AND version = %d`,
		amount, account, version))
}

// deletedAndCreatedAgain replaces an account, which has one event, by a new one with another amount.
func (b *bed) deletedAndCreatedAgain(account string, amount int64) {
	b.Helper()
	for _, table := range []string{"events", "snapshots", "instances"} {
		b.exec("DELETE FROM {p}" + table + " WHERE instance = '" + account + "'")
	}
	out, err := b.ledgerClient(b.realConfig(), limited).Add(b.Context(), ledger.Add{Account: account, Amount: amount})
	must(b, out, err)
}

// That a database lost events which it had confirmed is said, and what is no loss is not.
func TestLostEventsAreLogged(t *testing.T) {
	onStores(t, func(b *bed) {
		client := b.ledgerClient(b.realConfig(), limited)
		add := func(account string, amount int64) {
			b.Helper()
			out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: amount})
			if err != nil || !out.Accepted() {
				b.Fatalf("got %+v, error %v", out, err)
			}
		}
		add("a", 1)
		add("a", 1)
		add("b", 1)
		other := b.ledgerClient(b.realConfig(), limited)
		if _, err := other.Add(b.Context(), ledger.Add{Account: "a", Amount: 1}); err != nil {
			b.Fatal(err)
		}
		add("a", 1) // which the other engine was faster than
		b.deletedAndCreatedAgain("b", 1)
		add("b", 1)
		if b.log.contains("set back") {
			b.Error("nothing is lost, and the log says that the database was set back")
		}
		b.exec("DELETE FROM {p}events WHERE instance = 'a' AND version > 2")
		add("a", 1)
		add("a", 1)
		if n := b.log.count("set back", "instance=a version=2 confirmed=4"); n != 1 || b.log.count("set back") != 1 {
			b.Errorf("events were lost, and the log says so %d times", n)
		}
	})
}

func TestStateOfALostHistoryIsNotUsed(t *testing.T) {
	add := func(b *bed, client *ledger.Client, account string, amount int64) ledger.AddOutcome {
		b.Helper()
		out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: amount})
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	total := func(b *bed, account string, want int64) {
		b.Helper()
		view, err := b.ledgerClient(b.realConfig(), limited).State(b.Context(), account)
		if err != nil || view.State.Total != want {
			b.Errorf("the total of %s is %d, error %v, want %d", account, view.State.Total, err, want)
		}
	}
	for name, replace := range map[string]func(b *bed, amount int64){
		"set back":                   func(b *bed, amount int64) { b.otherHistory("a", 1, amount) },
		"deleted, and created again": func(b *bed, amount int64) { b.deletedAndCreatedAgain("a", amount) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("accepted", func(t *testing.T) {
				onStores(t, func(b *bed) {
					client := b.ledgerClient(b.realConfig(), limited)
					add(b, client, "a", 1)
					replace(b, 9) // of which the engine still thinks that it is 1
					if out := add(b, client, "a", 2); !out.Rejected() {
						b.Errorf("got %+v, want a rejection: 9 and 2 are more than 10", out)
					}
					if out := add(b, client, "a", 1); !out.Accepted() || out.Version != 2 {
						b.Errorf("got %+v", out)
					}
					total(b, "a", 10)
				})
			})
			t.Run("rejected", func(t *testing.T) {
				onStores(t, func(b *bed) {
					client := b.ledgerClient(b.realConfig(), limited)
					add(b, client, "a", 9)
					replace(b, 1)
					if out := add(b, client, "a", 5); !out.Accepted() {
						b.Errorf("got %+v, want it to be accepted: 1 and 5 are not more than 10", out)
					}
					total(b, "a", 6)
				})
			})
			t.Run("among others", func(t *testing.T) {
				onStores(t, func(b *bed) {
					client := b.ledgerClient(b.realConfig(), limited)
					for _, account := range []string{"a", "b", "c"} {
						add(b, client, account, 1)
					}
					replace(b, 10)
					var callers sync.WaitGroup
					for _, account := range []string{"b", "a", "c"} {
						callers.Go(func() {
							out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: 1})
							if err != nil || out.Rejected() != (account == "a") {
								b.Errorf("%s: got %+v, error %v", account, out, err)
							}
						})
					}
					callers.Wait()
					total(b, "a", 10)
				})
			})
		})
	}
}

// An engine that reads its instances first, because it lost a race, must not replay the new events on a state of another history.
func TestEventsOfAnotherHistoryAreNotAddedToAState(t *testing.T) {
	onStores(t, func(b *bed) {
		one, two := b.ledgerClient(b.realConfig(), limited), b.ledgerClient(b.realConfig(), limited)
		add := func(client *ledger.Client, account string, amount int64) ledger.AddOutcome {
			b.Helper()
			out, err := client.Add(b.Context(), ledger.Add{Account: account, Amount: amount})
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		for _, account := range []string{"a", "race"} {
			must(b, add(one, account, 1), error(nil))
		}
		must(b, add(two, "race", 1), nil)
		must(b, add(one, "race", 1), nil) // a lost race: one reads before it decides now
		b.otherHistory("a", 1, 8)
		must(b, add(two, "a", 1), nil) // 9
		if out := add(one, "a", 2); !out.Rejected() {
			b.Errorf("got %+v, want a rejection: 9 and 2 are more than 10", out)
		}
	})
}

// A snapshot of a lost history is neither read nor in the way of the next one.
func TestSnapshotOfALostHistoryIsNotUsed(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 4
		one := b.ledgerClient(config, limited)
		for range 5 {
			out, err := one.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			must(b, out, err)
		}
		b.eventuallyTable("version", "snapshots", "", "4")
		// Of the five events the last two are lost, and others come in their place.
		b.exec("DELETE FROM {p}events WHERE version > 3")
		b.exec(`UPDATE {p}snapshots SET state = '` + strings.Replace(b.table("state", "snapshots", "")[0], `"total":4`, `"total":106`, 1) + `'`)
		two := b.ledgerClient(config, limited)
		for n := range 5 {
			out, err := two.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			if got := must(b, out, err).Version; got != int64(n+4) {
				b.Fatalf("version %d, want %d", got, n+4)
			}
		}
		view, err := b.ledgerClient(config, limited).State(b.Context(), "a")
		if err != nil || view.State.Total != 8 || view.Version != 8 {
			b.Errorf("the state is %+v, error %v", view, err)
		}
		b.eventually("the snapshot is of this history", func() bool {
			return !strings.Contains(b.table("state", "snapshots", "")[0], "106")
		})
	})
}

// An effect whose request was lost with the history may have the place and the token of another one, which its result is not for.
func TestResultOfALostEffectIsNotApplied(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount})
		}}
		config := b.realConfig()
		config.Lease = 24 * time.Hour
		begun, finish := make(chan struct{}, 2), make(chan struct{})
		engine := b.engine(config, ledgers(d, ledger.Handler{
			OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
				begun <- struct{}{}
				<-finish
				return ledger.Audited{Entry: e.Entry}, nil
			}}))
		out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
		must(b, out, err)
		b.run(engine)
		wait(b, "the effect is handled", begun)
		// The other history: another amount at the same version, whose effect another process has claimed, and lost.
		b.otherHistory("a", 1, 2)
		b.exec(`UPDATE {p}effects SET payload = '{"entry":2}', commit_id = commit_id - 1`)
		close(finish)
		b.wantLog("lease lost", "instance=a")
		b.wantTable("version, type", "events", "", "1 Added")
		b.exec(`UPDATE {p}effects SET run_at = claimed_at`) // the lease ends
		b.eventuallyTable("version, payload", "events", "ORDER BY version", `1 {"amount":2}`, `2 {"entry":2}`)
	})
}
