package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	ironflow "github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// verifiedEvents is how many events each verified instance has.
const verifiedEvents = 10

func verifyProbes() []probe {
	return []probe{
		{name: "verify", once: true, run: func(ctx context.Context, b *bench) (figures, error) {
			t, err := b.newTables(ctx)
			if err != nil {
				return nil, err
			}
			defer t.drop()
			if err := t.fill(ctx, b.verifiable("SCHEMA.", "now()", "interval '1 ms'", func(n int, name string) string {
				return fmt.Sprintf("generate_series(1, %d) %s", n, name)
			})); err != nil {
				return nil, err
			}
			return b.verify(ctx, t.store)
		}},
		{name: "verify, sqlite", once: true, run: func(ctx context.Context, b *bench) (figures, error) {
			store, err := sqlite.Open(ctx, filepath.Join(b.dir, "verify.db"))
			if err != nil {
				return nil, err
			}
			defer store.Close()
			now := fmt.Sprint(time.Now().UnixMicro())
			for statement := range strings.SplitSeq(b.verifiable("ironflow_", now, "1000", func(n int, name string) string {
				return fmt.Sprintf("(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n AS %s FROM s)", n, name)
			}), ";") {
				if _, err := store.DB().ExecContext(ctx, statement); err != nil {
					return nil, err
				}
			}
			return b.verify(ctx, store)
		}},
	}
}

// verifiedInstances is how many instances are verified.
func (b *bench) verifiedInstances() int { return b.size.histories * 500 }

// verifiable is SQL that fills the tables that begin with a prefix with many histories, each with an effect and a timer that wait.
func (b *bench) verifiable(prefix, now, millisecond string, numbers func(n int, name string) string) string {
	return strings.NewReplacer("<", prefix, "NOW", now, "MS", millisecond, "NOTE", note, "LAST", fmt.Sprint(verifiedEvents),
		"VERSIONS", numbers(verifiedEvents, "v"), "INSTANCES", numbers(b.verifiedInstances(), "n")).Replace(`
INSERT INTO <instances (instance, workflow, created_at)
SELECT 'verify-' || n, 'tally', NOW + n * MS FROM INSTANCES;
INSERT INTO <events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
SELECT 'verify-' || n, 'tally', v, 'Added', 1, '{"amount":1,"note":"NOTE"}', NOW, v FROM INSTANCES, VERSIONS ORDER BY n, v;
INSERT INTO <effects (instance, workflow, version, position, kind, payload, run_at, due_at)
SELECT 'verify-' || n, 'tally', LAST, 0, 'Tell', '{"amount":1,"note":"a"}', NOW, NOW FROM INSTANCES;
INSERT INTO <timers (instance, workflow, key, version, kind, payload, run_at, due_at)
SELECT 'verify-' || n, 'tally', 'reminder', 1, 'Remind', '{"tally_id":""}', NOW, NOW FROM INSTANCES`)
}

// verify measures the verification of the histories, as the time for a million events, and the memory that the process has got from the OS by
// then, over what it had before. It also measures Health, by which an engine finds what it does not know.
func (b *bench) verify(ctx context.Context, store ironflow.Store) (figures, error) {
	engine, err := newEngine(store, ironflow.Config{}, tally.Decider{}, tally.Handler{})
	if err != nil {
		return nil, err
	}
	runtime.GC()
	var before, at runtime.MemStats
	runtime.ReadMemStats(&before)
	batches := 0
	began := time.Now()
	found, err := engine.Verify(ctx, ironflow.VerifyOptions{Progress: func(telemetry.Verification) {
		if batches++; batches%50 == 0 {
			runtime.ReadMemStats(&at)
		}
	}})
	took := time.Since(began)
	if err == nil && (!found.OK() || found.Events != int64(b.verifiedInstances()*verifiedEvents)) {
		err = fmt.Errorf("the verification found %s", &found)
	}
	runtime.ReadMemStats(&at)
	if err != nil {
		return nil, err
	}
	began = time.Now()
	_, err = engine.Health(ctx) // which an engine reads when it starts
	return figures{
		"health":  milliseconds(time.Since(began)),
		"million": took.Seconds() * 1e6 / float64(found.Events),
		"memory":  float64(at.Sys-before.Sys+before.HeapInuse+before.StackInuse) / 1e6,
	}, err
}
