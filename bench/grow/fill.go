package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
)

const (
	eventsEach     = 4
	completedEvery = 4      // every so many instances have completed
	searchGroup    = 10     // so many have the same value of the search field "customer"
	rareEvery      = 10_000 // and of the others one of so many has the status "rare"
)

// active returns the number of an active instance, from 0 on, for a number that was picked at random.
func active(n int) int {
	if (n+1)%completedEvery == 0 {
		n--
	}
	return n
}

// fillChunk inserts the instances FIRST to LAST, a value of a search field for each, a timer for each that is active but for those with the status "rare", which so are stuck, and
// then the first events of all, the second ones of all, and so on, so that the events of an instance stand as far apart in their table as those
// of an instance that lives for some time.
var fillChunk = `
INSERT INTO ironflow.instances (instance, workflow, created_at, completed_at, status)
SELECT 'tally-' || n, 'tally', now() - interval '1 ms' * (TOTAL - n), CASE WHEN COMPLETED THEN now() END, CASE WHEN COMPLETED THEN STATUS END
FROM generate_series(FIRST::bigint, LAST::bigint) n;
INSERT INTO ironflow.timers (instance, workflow, key, version, kind, payload, due_at, run_at, commit_id)
SELECT 'tally-' || n, 'tally', 'filled', EVENTS, 'Remind', ('{"tally_id":"tally-' || n || '"}')::json, now() + interval '1 day', now() + interval '1 day', 1
FROM generate_series(FIRST::bigint, LAST::bigint) n WHERE NOT COMPLETED AND NOT RARE;
INSERT INTO ironflow.search (instance, workflow, field, value, version)
SELECT 'tally-' || n, 'tally', 'customer', 'customer-' || (n - 1) / GROUP, EVENTS FROM generate_series(FIRST::bigint, LAST::bigint) n;
` + strings.Join(eventStatements(), "")

func eventStatements() []string {
	var statements []string
	for version := 1; version <= eventsEach; version++ {
		statements = append(statements, strings.ReplaceAll(`
INSERT INTO ironflow.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause, status, completes)
SELECT 'tally-' || n, 'tally', VERSION, 'Added', 1, '{"amount":1,"note":"`+load.Note+`"}', now() - interval '1 ms' * (TOTAL - n), 1,
       '{"input":"Add"}', STATUS, CASE WHEN COMPLETED AND VERSION = EVENTS THEN true END
FROM generate_series(FIRST::bigint, LAST::bigint) n;`, "VERSION", strconv.Itoa(version)))
	}
	return statements
}

// fill makes the instances, in tables without indexes, and then the indexes.
func fill(ctx context.Context, pool *pgxpool.Pool, instances int, log io.Writer) error {
	indexes, err := dropIndexes(ctx, pool)
	if err != nil {
		return err
	}
	if err := fillTables(ctx, pool, instances, log); err != nil {
		return err
	}
	return makeIndexes(ctx, pool, indexes, log)
}

// fillTables inserts the rows, on two connections at once, in chunks.
func fillTables(ctx context.Context, pool *pgxpool.Pool, instances int, log io.Writer) error {
	const chunk = 50_000
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	firsts := make(chan int)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for first := range firsts {
				last := min(first+chunk-1, instances)
				sql := strings.NewReplacer(
					"FIRST", strconv.Itoa(first), "LAST", strconv.Itoa(last), "TOTAL", strconv.Itoa(instances), "EVENTS", strconv.Itoa(eventsEach), "GROUP", strconv.Itoa(searchGroup),
					"COMPLETED", fmt.Sprintf("n %% %d = 0", completedEvery),
					"STATUS", fmt.Sprintf("CASE WHEN n %% %d = 0 THEN 'done' WHEN n %% %d = 1 THEN 'rare' ELSE 'open' END", completedEvery, rareEvery),
					"RARE", fmt.Sprintf("n %% %d = 1", rareEvery),
				).Replace(fillChunk)
				if _, err := pool.Exec(ctx, "SET synchronous_commit = off; "+sql); err != nil {
					cancel(err)
				}
				if last*10/instances > (first-1)*10/instances {
					fmt.Fprintf(log, "%d of %d instances\n", last, instances)
				}
			}
		})
	}
	for first := 1; first <= instances && ctx.Err() == nil; first += chunk {
		firsts <- first
	}
	close(firsts)
	group.Wait()
	return context.Cause(ctx)
}

// checkDisk fails when the disk for temporary files has less room than the tables and their log need.
func checkDisk(ctx context.Context, instances int) error {
	const each, log = 2_000, 4 << 30 // bytes
	output, err := exec.CommandContext(ctx, "df", "-Pk", os.TempDir()).Output()
	if err != nil {
		return fmt.Errorf("df: %w", err)
	}
	// A line of heads, and one whose fourth field is the free kilobytes.
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) < 4 {
		return fmt.Errorf("df printed %q", output)
	}
	free, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return fmt.Errorf("df printed %q", output)
	}
	if needed := int64(instances)*each + log; free<<10 < needed {
		return fmt.Errorf("%s has %d MB free, %d instances need %d MB: set TMPDIR to another disk, or -instances to less",
			os.TempDir(), free>>10, instances, needed>>20)
	}
	return nil
}
