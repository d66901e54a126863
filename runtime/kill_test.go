package runtime_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver/pgschema"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// childVariable names, in the environment of this test binary run again, the store for a process that is to be killed:
// a file, or a connection string and a schema.
const childVariable = "IRONFLOW_ENGINE_TEST_STORE"

func runAsChild() bool {
	where := os.Getenv(childVariable)
	if where == "" {
		return false
	}
	do := work
	if os.Getenv(bulkVariable) != "" {
		do = workInBulk
	}
	if err := do(where); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return true
}

const accounts = 60

// work opens accounts and delivers what follows, until it is killed or has opened all. It says so after each.
func work(where string) error {
	ctx := context.Background()
	store, prefix, err := openWhere(ctx, where)
	if err != nil {
		return err
	}
	engine, err := runtime.NewEngine(store, hastyConfig(store, prefix), fourEvents())
	if err != nil {
		return err
	}
	failed := make(chan error, 3)
	go func() { failed <- engine.Run(ctx) }()
	go func() {
		client := ledger.NewClient(engine)
		for n := range accounts {
			id := fmt.Sprint(n)
			var unknown *runtime.UnknownInstance
			if _, err := client.State(ctx, id); errors.As(err, &unknown) {
				if _, err := client.Add(ctx, ledger.Add{Account: id, Amount: 1}); err != nil {
					failed <- err
				}
				fmt.Println(id)
			} else if err != nil {
				failed <- err
			}
		}
		failed <- nil // a busy machine may not have killed it yet
	}()
	return <-failed
}

func openWhere(ctx context.Context, where string) (store Store, prefix string, err error) {
	url, schema, isPostgres := strings.Cut(where, " ")
	if !isPostgres {
		store, err = sqlite.Open(ctx, where, sqlite.SyncNormal())
		return store, "ironflow_", err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, "", err
	}
	pgschema.Use(config, schema)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, "", err
	}
	store, err = postgres.New(ctx, pool, postgres.WithSchema(schema))
	return store, schema + ".", err
}

func hastyConfig(store runtime.Store, prefix string) runtime.Config {
	return runtime.Config{
		Projections: []runtime.AnyProjection{journal{batch: 3}.in(store, prefix)},

		Lease: 300 * time.Millisecond, PollInterval: 10 * time.Millisecond, EffectHandlers: 4,
		// Each kill costs those at work an attempt.
		EffectRetry: runtime.RetryPolicy{MaxAttempts: 100, Base: time.Millisecond, Max: 10 * time.Millisecond},
	}
}

// fourEvents is a workflow that takes an account, by an effect and a timer, from its first input to its end.
func fourEvents() *runtime.Workflow {
	return ledgers(ledger.Decider{
		OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{})
		},
		OnAudited: func(_ time.Time, _ ledger.State, in ledger.Audited) ledger.AuditedDecision {
			return ledger.AcceptAudited(ledger.AuditPassed{Entry: in.Entry}).StartTimer(ledger.TimerBeat{}.In(2 * time.Millisecond))
		},
		OnTick: func(time.Time, ledger.State, ledger.Tick) ledger.TickDecision {
			return ledger.AcceptTick(ledger.Ticked{}, ledger.LedgerClosed{})
		},
	}, ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
		time.Sleep(2 * time.Millisecond) // so that there is always one to be interrupted
		return ledger.Audited{Entry: e.Entry}, nil
	}})
}

// A process that is killed loses nothing that it has acknowledged, and what others then do is done once.
func TestKilledInMidFlight(t *testing.T) {
	onStores(t, func(b *bed) {
		self, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		b.makeJournal()
		acknowledged := make(map[string]bool)
		for round := range 4 {
			cmd := exec.CommandContext(b.Context(), self)
			cmd.Env = append(os.Environ(), childVariable+"="+b.url)
			output, err := cmd.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			lines := bufio.NewScanner(output)
			for n := 1; lines.Scan(); n++ {
				if id := lines.Text(); strings.Trim(id, "0123456789") != "" {
					b.Errorf("the child says %q", id)
				}
				acknowledged[lines.Text()] = true
				if n == 7+round {
					if err := cmd.Process.Kill(); err != nil {
						b.Error(err)
					}
				}
			}
			_ = cmd.Wait() // it was killed
		}
		if len(acknowledged) < 7 {
			b.Fatalf("only %d inputs were acknowledged", len(acknowledged))
		}
		found := b.table("instance", "instances", "")
		for id := range acknowledged {
			if !slices.Contains(found, id) {
				b.Errorf("account %s was acknowledged, and is lost", id)
			}
		}
		b.wantSerial()

		engine := b.engine(hastyConfig(b.store, b.prefix), fourEvents())
		b.run(engine)
		b.eventually("every account is closed", func() bool {
			return len(b.table("*", "instances", "WHERE completed_at IS NULL")) == 0
		})
		b.wantSerial()
		b.wantTable("*", "effects", "")
		b.wantTable("*", "timers", "")
		for _, id := range found {
			b.wantTable("version, type", "events", "WHERE instance = '"+id+"'",
				"1 Added", "2 AuditPassed", "3 Ticked", "4 LedgerClosed")
		}
		b.await(engine)
		b.wantExactlyOnce(4 * len(found))
	})
}
