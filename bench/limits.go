package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
)

// limitProbes measure what the server itself can do with like statements.
func limitProbes() []probe {
	return []probe{
		{name: "pgbench", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.pgbench(ctx, threeStatements)
		}},
		{name: "pgbench, one statement", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.pgbench(ctx, oneStatement)
		}},
		{name: "server only", run: serverOnly},
		{name: "one UPDATE", run: oneUpdate},
	}
}

// threeStatements is a decision as a transaction of a statement for each table; \gset costs no round trip. Two clients that meet
// at an instance store one decision.
const threeStatements = `\set n random(1, INSTANCES)
BEGIN;
SELECT version + 1 AS version FROM SCHEMA.events WHERE instance = 'tally-' || :n AND workflow = 'tally' ORDER BY version DESC LIMIT 1 \gset
INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
VALUES ('tally-' || :n, 'tally', :version, 'Added', 1, '{"amount":1,"note":"` + note + `"}', now(), 1)
ON CONFLICT DO NOTHING;
INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
VALUES ('tally-' || :n, 'tally', :version, 0, 'Tell', '{"amount":1,"note":"` + note + `"}', now(), now())
ON CONFLICT DO NOTHING;
COMMIT;
`

// oneStatement is the same in a single round trip.
const oneStatement = `\set n random(1, INSTANCES)
WITH e AS (
    INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
    SELECT instance, workflow, version + 1, 'Added', 1, '{"amount":1,"note":"` + note + `"}', now(), 1
    FROM (SELECT * FROM SCHEMA.events WHERE instance = 'tally-' || :n AND workflow = 'tally' ORDER BY version DESC LIMIT 1) last
    ON CONFLICT DO NOTHING
    RETURNING instance, workflow, version
)
INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
SELECT instance, workflow, version, 0, 'Tell', '{"amount":1,"note":"` + note + `"}', now(), now() FROM e;
`

// pgbench measures a script of the server's own load generator and returns the rate at the best number of clients.
func (b *bench) pgbench(ctx context.Context, script string) (figures, error) {
	var bindir string
	if err := b.Admin.QueryRow(ctx, `SELECT setting FROM pg_config WHERE name = 'BINDIR'`).Scan(&bindir); err != nil {
		return nil, err
	}
	best := figures{}
	for _, clients := range b.size.pgbenchClients {
		t, err := b.newTables(ctx)
		if err != nil {
			return nil, err
		}
		rate, err := t.pgbench(ctx, filepath.Join(bindir, "pgbench"), script, clients)
		t.drop()
		if err != nil {
			return nil, err
		}
		if rate > best["rate"] {
			best = figures{"rate": rate, "clients": float64(clients)}
		}
	}
	return best, nil
}

var pgbenchRate = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)

func (t *tables) pgbench(ctx context.Context, binary, script string, clients int) (float64, error) {
	if err := t.fill(ctx, t.instances()); err != nil {
		return 0, err
	}
	script = strings.ReplaceAll(t.sql(script), "INSTANCES", strconv.Itoa(t.size.instances))
	file := filepath.Join(t.dir, "decision.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return 0, err
	}
	// pgbench counts whole seconds, and has no warm-up of its own.
	var output []byte
	for _, duration := range []time.Duration{t.size.warmUp, max(t.size.window, time.Second)} {
		seconds := int(duration.Seconds())
		if seconds == 0 {
			continue
		}
		command := exec.CommandContext(ctx, binary, "--no-vacuum", "--protocol=prepared", "--file="+file,
			"--client="+strconv.Itoa(clients), "--jobs=2", "--time="+strconv.Itoa(seconds), t.URL())
		var err error
		if output, err = command.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, output)
		}
	}
	match := pgbenchRate.FindSubmatch(output)
	if match == nil {
		return 0, fmt.Errorf("no rate in what pgbench says: %s", output)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}

// instances makes instances with one event.
func (t *tables) instances() string {
	return fmt.Sprintf(`
INSERT INTO SCHEMA.instances (instance, workflow, created_at) SELECT 'tally-' || n, 'tally', now() FROM generate_series(1, %[1]d) n;
INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
SELECT 'tally-' || n, 'tally', 1, 'Added', 1, '{"amount":1,"note":"`+note+`"}', now(), 1 FROM generate_series(1, %[1]d) n;`,
		t.size.instances)
}

// appendLoop appends batches without any client: nothing is sent, and nothing is decided. The statements are those of
// runtime/postgres, with every fifth decision's timer. Two of them run side by side, on instances of their own; all
// instances of a batch are at the same version, so that it need not be kept.
const appendLoop = `DO $$
DECLARE
    size        CONSTANT int := 128;
    batches     CONSTANT int := (INSTANCES / 2) / size;
    all_ids     text[] := ARRAY(SELECT 'tally-' || (n * 2 + HALF) FROM generate_series(0, batches * size - 1) n
                              ORDER BY ('tally-' || (n * 2 + HALF)) COLLATE "C");
    workflows   text[] := array_fill('tally'::text, ARRAY[size]);
    types       text[] := array_fill('Added'::text, ARRAY[size]);
    kinds       text[] := array_fill('Tell'::text, ARRAY[size]);
    payloads    text[] := array_fill('{"amount":1,"note":"` + note + `"}'::text, ARRAY[size]);
    schemas     int[] := array_fill(1, ARRAY[size]);
    positions   int[] := array_fill(0, ARRAY[size]);
    timers      CONSTANT int := size / 5;
    keys        text[] := array_fill('reminder'::text, ARRAY[timers]);
    inputs      text[] := array_fill('Remind'::text, ARRAY[timers]);
    timed       text[] := array_fill('{"tally_id":"tally-1"}'::text, ARRAY[timers]);
    ids         text[];
    nows        timestamptz[];
    fires       timestamptz[];
    before      bigint[];
    versions    bigint[];
    version     bigint := 1;
    continued   int;
    until       CONSTANT timestamptz := clock_timestamp() + interval 'SECONDS seconds';
BEGIN
    PERFORM set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
            set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),
            set_config('plan_cache_mode', 'force_generic_plan', false);
    WHILE clock_timestamp() < until LOOP
        before := array_fill(version, ARRAY[size]);
        version := version + 1;
        versions := array_fill(version, ARRAY[size]);
        FOR batch IN 0 .. batches - 1 LOOP
            ids := all_ids[batch * size + 1 : (batch + 1) * size];
            nows := array_fill(clock_timestamp(), ARRAY[size]);
            fires := array_fill(clock_timestamp() + interval '1 hour', ARRAY[timers]);

            PERFORM pg_current_xact_id();
            INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
            SELECT e.instance, e.workflow, e.version, e.type, e.schema_version, e.payload::json, e.recorded_at, 1
            FROM unnest(ids, workflows, versions, types, schemas, payloads, nows) WITH ORDINALITY
                 AS e (instance, workflow, version, type, schema_version, payload, recorded_at, number)
            ORDER BY e.number;

            SELECT count(*) INTO continued
            FROM unnest(ids, workflows, before) AS k (instance, workflow, version)
            JOIN SCHEMA.events e USING (instance, workflow, version)
            WHERE e.commit_id = 1 AND e.completes IS NOT TRUE;
            IF continued <> size THEN
                RAISE EXCEPTION 'continued % instances of %', continued, size;
            END IF;

            INSERT INTO SCHEMA.timers (instance, workflow, key, version, kind, payload, due_at, run_at)
            SELECT k.instance, k.workflow, k.key, k.version, k.kind, k.payload::json, k.due_at, k.due_at
            FROM unnest(ids[1:timers], workflows[1:timers], keys, versions[1:timers], inputs, timed, fires)
                 AS k (instance, workflow, key, version, kind, payload, due_at)
            ON CONFLICT (instance, workflow, key) DO UPDATE
            SET version = excluded.version, kind = excluded.kind, payload = excluded.payload,
                due_at = excluded.due_at, run_at = excluded.run_at, attempts = 0, last_error = NULL, died_at = NULL;

            INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
            SELECT e.instance, e.workflow, e.version, e.position, e.kind, e.payload::json, e.now, e.now
            FROM unnest(ids, workflows, versions, positions, kinds, payloads, nows)
                 AS e (instance, workflow, version, position, kind, payload, now);
            COMMIT;
        END LOOP;
    END LOOP;
END $$`

// serverOnly measures the loop on two connections.
func serverOnly(ctx context.Context, b *bench) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	if err := t.fill(ctx, t.instances()); err != nil {
		return nil, err
	}
	total := b.size.warmUp + b.size.window
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	began := time.Now()
	for half := range 2 {
		replace := strings.NewReplacer("INSTANCES", strconv.Itoa(b.size.instances), "HALF", strconv.Itoa(half+1),
			"SECONDS", fmt.Sprintf("%.3f", total.Seconds()))
		group.Go(func() {
			conn, err := t.Pool(ctx, 1)
			if err == nil {
				defer conn.Close()
				_, err = conn.Exec(ctx, replace.Replace(t.sql(appendLoop)))
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	from := began.Add(b.size.warmUp)
	var events int64
	err = t.Admin.QueryRow(ctx, t.sql("SELECT count(*) FROM SCHEMA.events WHERE recorded_at BETWEEN $1 AND $2"),
		from, from.Add(b.size.window)).Scan(&events)
	return figures{"rate": float64(events) / b.size.window.Seconds()}, err
}

// oneUpdate measures the least that a durable change can take: one caller's UPDATE of one row by its key, which commits by itself.
func oneUpdate(ctx context.Context, b *bench) (figures, error) {
	const schema = "counters"
	if err := b.exec(ctx, fmt.Sprintf(`
CREATE SCHEMA %[1]s;
CREATE TABLE %[1]s.counters (id text COLLATE "C" PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO %[1]s.counters SELECT 'tally-' || n, 1 FROM generate_series(1, %[2]d) n;`, schema, b.size.instances)); err != nil {
		return nil, err
	}
	defer b.exec(context.WithoutCancel(ctx), "DROP SCHEMA counters CASCADE")
	if err := b.Rest(ctx, schema); err != nil {
		return nil, err
	}
	pool, err := b.Pool(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	result, err := load.Load{
		Callers: 1, WarmUp: b.size.warmUp, Window: b.size.window, Server: b.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, _ int) error {
			_, err := pool.Exec(ctx, "UPDATE counters.counters SET n = n + 1 WHERE id = $1", load.InstanceID(random.IntN(b.size.instances)))
			return err
		},
	}.Run(ctx)
	return loadFigures(result), err
}
