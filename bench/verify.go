package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	ironflow "github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// verifiedEvents is how many events each verified instance has.
const verifiedEvents = 10

func verifyProbes() []probe { return []probe{{name: "verify", once: true, run: verify}} }

// verify measures the verification of many histories, each with an effect and a timer that wait, as the time for a million events, and the
// memory that the process has got from the OS by then, over what it had before.
func verify(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	instances := b.size.histories * 500
	err = t.fill(ctx, fmt.Sprintf(`
		INSERT INTO SCHEMA.instances (instance, workflow, created_at)
		SELECT 'verify-' || n, 'tally', now() + n * interval '1 ms' FROM generate_series(1, %d) n;
		INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
		SELECT 'verify-' || n, 'tally', v, 'Added', 1, '{"amount":1,"note":"%s"}', now(), v FROM generate_series(1, %d) n, generate_series(1, %d) v;
		INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
		SELECT 'verify-' || n, 'tally', %d, 0, 'Tell', '{"amount":1,"note":"a"}', now(), now() FROM generate_series(1, %d) n;
		INSERT INTO SCHEMA.timers (instance, workflow, key, version, kind, payload, run_at, due_at)
		SELECT 'verify-' || n, 'tally', 'reminder', 1, 'Remind', '{"tally_id":""}', now(), now() FROM generate_series(1, %d) n`,
		instances, note, instances, verifiedEvents, verifiedEvents, instances, instances))
	if err != nil {
		return nil, err
	}
	engine, err := newEngine(t.store, ironflow.Config{}, tally.Decider{}, tally.Handler{})
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
	if err == nil && (!found.OK() || found.Events != int64(instances*verifiedEvents)) {
		err = fmt.Errorf("the verification found %s", &found)
	}
	runtime.ReadMemStats(&at)
	return figures{
		"million": took.Seconds() * 1e6 / float64(found.Events),
		"memory":  float64(at.Sys-before.Sys+before.HeapInuse+before.StackInuse) / 1e6,
	}, err
}
