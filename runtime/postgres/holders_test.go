package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestSnapshotHoldersAreNamed has everything that keeps dead rows: a session with a snapshot, one with a transaction id, a replication
// slot and a prepared transaction. Health and the log name them while they last, and not afterwards.
func TestSnapshotHoldersAreNamed(t *testing.T) {
	server := pgserver.Own(t, pgserver.Options{Settings: map[string]string{"max_prepared_transactions": "2", "wal_level": "replica"}})
	pool, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	st := newStore(t, pool, newSchema())
	var log lockedBuffer
	engine, err := runtime.NewEngine(st, runtime.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)), SnapshotHeldAfter: 40 * time.Millisecond,
	}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	holders := func() []store.SnapshotHolder {
		t.Helper()
		health, err := engine.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return health.SnapshotHolders
	}
	eventually := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it does not happen: %s; holders %v, log:\n%s", what, holders(), log.String())
			}
		}
	}
	for name, test := range map[string]struct {
		hold, release []string
		who           string
	}{
		"snapshot": {[]string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM pg_class"}, []string{"ROLLBACK"}, "idle in transaction"},
		"writer":   {[]string{"BEGIN", "SELECT pg_current_xact_id()"}, []string{"ROLLBACK"}, "idle in transaction"},
		"prepared": {[]string{"BEGIN", "SELECT pg_current_xact_id()", "PREPARE TRANSACTION 'forgotten'"}, []string{"ROLLBACK PREPARED 'forgotten'"}, `prepared transaction "forgotten"`},
	} {
		log.Reset()
		config, err := pgx.ParseConfig(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		config.RuntimeParams["application_name"] = "holder_" + name
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		run := func(statements []string) {
			t.Helper()
			for _, sql := range statements {
				if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
		}
		run(test.hold)
		if _, err := pool.Exec(t.Context(), "DO $$ BEGIN FOR i IN 1 .. 1200 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"); err != nil {
			t.Fatal(err)
		}
		named := func(text string) bool {
			return strings.Contains(text, test.who) && (name == "prepared" || strings.Contains(text, "holder_"+name))
		}
		eventually(name+" is in Health", func() bool {
			found := holders()
			return len(found) > 0 && named(found[0].String()) && found[0].Transactions >= 1000
		})
		eventually(name+" is in the log", func() bool {
			text := strings.ReplaceAll(log.String(), `\"`, `"`)
			return strings.Contains(text, "an old snapshot keeps dead rows") && named(text)
		})
		run(test.release)
		eventually(name+" is gone", func() bool { return len(holders()) == 0 })
		eventually(name+" is gone from the log", func() bool { return strings.Contains(log.String(), "no old snapshot is held any more") })
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	// A slot has a snapshot once a standby has sent one.
	slot := store.SnapshotHolder{Slot: "standby", State: "inactive", Transactions: 5000}
	if text := fmt.Sprint(slot); !strings.Contains(text, `replication slot "standby"`) || !strings.Contains(text, "5000 transactions ago") {
		t.Errorf("got %s", text)
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *lockedBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}
