package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// modes are the two ways of the server to plan a prepared statement, of which it takes one or the other.
var modes = []string{"force_custom_plan", "force_generic_plan"}

// TestClaimPaysOnlyForWhatItClaims fills the queues with deliveries that no claim may touch: dead ones, ones of kinds that
// nobody here knows, and leased ones. The claim must read its range of the claim index and nothing else.
func TestClaimPaysOnlyForWhatItClaims(t *testing.T) {
	t.Parallel()
	for queue, fill := range map[store.QueueName]string{
		store.EffectQueue: `
			INSERT INTO %s.effects (instance, workflow, version, position, kind, payload, run_at, due_at, died_at)
			SELECT $5 || n, 'order', 1, 0, $2, '{}', $3::timestamptz + n * interval '1 ms', $3, $4
			FROM generate_series(1, $1::int) n`,
		store.TimerQueue: `
			INSERT INTO %s.timers (instance, workflow, version, key, kind, payload, run_at, due_at, died_at)
			SELECT $5 || n, 'order', 1, 'key', $2, '{}', $3::timestamptz + n * interval '1 ms', $3, $4
			FROM generate_series(1, $1::int) n`,
	} {
		t.Run(string(queue), func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			store := newStore(t, pool, schema)
			add := func(prefix string, count int, kind string, runAt time.Time, deadAt *time.Time) {
				t.Helper()
				if _, err := pool.Exec(t.Context(), fmt.Sprintf(fill, schema), count, kind, runAt, deadAt, prefix); err != nil {
					t.Fatal(err)
				}
			}
			past, future := now.Add(-time.Hour), now.Add(time.Hour)
			add("dead", 100_000, "Known", past, &past)
			add("unknown", 100_000, "Unknown", past, nil)
			add("leased", 5_000, "Known", future, nil)
			add("due", 2_000, "Known", past, nil)

			// As if the queue had been empty, had held one row, or had been full of other kinds when the server looked; and the truth.
			table := schema + "." + string(queue)
			known := map[string]string{
				"none": "", "fresh": "ANALYZE " + table,
				"of an empty table": "CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM " + table + "; DELETE FROM " + table +
					"; ANALYZE " + table + "; INSERT INTO " + table + " SELECT * FROM kept",
				"of what is due": "CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM " + table + "; DELETE FROM " + table +
					" WHERE instance NOT LIKE 'due%'; ANALYZE " + table + "; INSERT INTO " + table + " SELECT * FROM kept WHERE instance NOT LIKE 'due%'",
			}
			for name, statistics := range known {
				for _, mode := range modes {
					plan := explain(t, pool, statistics+";"+postgres.ReadInOrder, mode, "ANALYZE", store.ClaimStatement(queue),
						[]string{"order", "order"}, []string{"Known", "Idle"}, now, now.Add(time.Minute), 100, []time.Time{{}, {}}, "process")
					// The one sort is that of what was claimed.
					if !strings.Contains(plan, "Index Scan using "+string(queue)+"_claim_idx") || strings.Contains(plan, "Seq Scan") ||
						strings.Contains(plan, "Bitmap") || strings.Count(plan, "Sort Key") != 1 || strings.Contains(plan, "Rows Removed by Filter") {
						t.Errorf("%s with statistics %s:\n%s", mode, name, plan)
					}
					lines := strings.Split(plan, "\n")
					t.Logf("%s with statistics %s: %s", mode, name, lines[len(lines)-1])
				}
			}
		})
	}
}

// wholeScans are in the plans of statements that read more than the rows they look up by key. The indexes are those of lists and
// claims, which begin with the workflow.
var wholeScans = []string{
	"Seq Scan", "Hash Join", "Merge Join", "instances_active_idx", "instances_completed_idx", "effects_claim_idx", "timers_claim_idx",
}

// keyCondition is a condition on a column that tells rows apart. The workflow alone does not.
var keyCondition = regexp.MustCompile(`Index Cond: .*\b(instance|key) = `)

// readsWholeIndex reports whether a scan of an index finds more than the rows of a key. Its condition stands on the line below the scan.
func readsWholeIndex(plan string) bool {
	lines := strings.Split(plan, "\n")
	for i, line := range lines {
		if strings.Contains(line, "Index Scan") || strings.Contains(line, "Index Only Scan") {
			if i+1 == len(lines) || !keyCondition.MatchString(lines[i+1]) {
				return true
			}
		}
	}
	return false
}

// TestKeysAreFoundByIndex checks the statements that look for rows by key, over many instances and on empty tables.
func TestKeysAreFoundByIndex(t *testing.T) {
	t.Parallel()
	const instances, batch = 20_000, 100
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	var ids, workflows, keys, items []string
	var numbers []int64
	var times []time.Time
	var flags []bool
	for i := range batch {
		ids, workflows = append(ids, fmt.Sprintf("i%d", i*7)), append(workflows, "order")
		keys, items = append(keys, fmt.Sprintf("k%d", i*7)), append(items, "0")
		numbers, times, flags = append(numbers, 3), append(times, now), append(flags, false)
	}
	arguments := map[string][]any{
		"readInstances":      {ids, workflows, numbers, keys, flags},
		"readMoved":          {ids, workflows, numbers, numbers},
		"checkVersions":      {ids, workflows, numbers, numbers},
		"upsertSnapshots":    {ids, workflows, numbers, keys, items, numbers},
		"consumeEffects":     {ids, workflows, numbers, items, numbers, numbers},
		"consumeTimers":      {ids, workflows, numbers, keys, numbers, numbers},
		"completeInstances":  {ids, workflows, times, keys},
		"checkPredecessors":  {ids, workflows, numbers, numbers},
		"freeVersions":       {ids, workflows, numbers},
		"extendEffects":      {ids, workflows, numbers, items, numbers, numbers, now},
		"removeEffects":      {ids, workflows, numbers, items, numbers, numbers},
		"keepEffects":        {ids, workflows, numbers, items, numbers, numbers, keys, times, keys, numbers, times},
		"extendTimers":       {ids, workflows, numbers, keys, numbers, numbers, now},
		"removeTimers":       {ids, workflows, numbers, keys, numbers, numbers},
		"keepTimers":         {ids, workflows, numbers, keys, numbers, numbers, keys, times, keys, numbers, times},
		"cancelTimers":       {ids, workflows, keys},
		"cancelEffects":      {ids, workflows, keys, numbers, times},
		"refuseEffects":      {ids, workflows, numbers, items, numbers, numbers, times, keys},
		"refuseTimers":       {ids, workflows, numbers, keys, numbers, numbers, times, keys},
		"readEnded":          {"i1", "order", 1, 10},
		"deleteTimers":       {ids, workflows},
		"checkUniqueKeys":    {ids, workflows, keys},
		"readKeyHolders":     {workflows, keys},
		"deleteUniqueKeys":   {ids, workflows},
		"readHistory":        {"i1", "order", 1, 10, 1 << 20},
		"readCauses":         {"i1", "order", 1, 10},
		"readCausesBackward": {"i1", "order", 3, 10},
		"readSummary":        {"i1", "order"},
		"readIdle":           {ids, workflows},
		"effectsWaiting":     {"i1", "order", 10},
		"timersWaiting":      {"i1", "order", 10},
		"deleteInstances":    {ids, workflows, numbers, 1},
	}
	// It would be as wrong to join with a scan of the whole index.
	check := func(t *testing.T, statistics string) {
		for name, sql := range store.KeyStatements() {
			before := statistics
			if slices.Contains(postgres.LookingUp, name) {
				before += "; " + postgres.LookUp
			}
			for _, mode := range modes {
				plan := explain(t, pool, before, mode, "", sql, arguments[name]...)
				whole := readsWholeIndex(plan)
				for _, scan := range wholeScans {
					whole = whole || strings.Contains(plan, scan)
				}
				if whole {
					t.Errorf("%s, %s:\n%s", name, mode, plan)
				}
			}
		}
	}
	tables := []string{"instances", "events", "snapshots", "effects", "timers", "unique_keys"}
	for i, table := range tables {
		tables[i] = schema + "." + table
	}
	analyze := "ANALYZE " + strings.Join(tables, ", ")
	t.Run("empty", func(t *testing.T) { check(t, "") })
	t.Run("empty, analyzed", func(t *testing.T) { check(t, analyze) })

	fill := strings.ReplaceAll(`
		INSERT INTO ironflow.instances SELECT 'i' || n, 'order', $1 FROM generate_series(1, $2::int) n;
		INSERT INTO ironflow.events SELECT 'i' || n, 'order', v, n * 3 + v, 'Noted', 1, '{}', $1, 1
			FROM generate_series(1, $2::int) n, generate_series(1, 3) v;
		INSERT INTO ironflow.effects SELECT 'i' || n, 'order', 3, 0, 'Send', '{}', $1, 0, 3, NULL, $1
			FROM generate_series(1, $2::int) n;
		INSERT INTO ironflow.timers SELECT 'i' || n, 'order', 'k' || n, 3, 'Remind', '{}', $1, $1, 0, 3
			FROM generate_series(1, $2::int) n;
		INSERT INTO ironflow.snapshots SELECT 'i' || n, 'order', 2, 'a', '{}', 1 FROM generate_series(1, $2::int) n;
		INSERT INTO ironflow.unique_keys SELECT 'order', 'k' || n, 'i' || n FROM generate_series(1, $2::int) n;`,
		"ironflow.", schema+".")
	if _, err := pool.Exec(t.Context(), fill, pgx.QueryExecModeSimpleProtocol, now, instances); err != nil {
		t.Fatal(err)
	}
	t.Run("filled", func(t *testing.T) { check(t, "") })
	t.Run("analyzed", func(t *testing.T) { check(t, analyze) })
}

// TestOneChangeReadsNoWholeTable makes the planner believe that each table is one page, which it would read as a whole.
func TestOneChangeReadsNoWholeTable(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	add(t, store, everything("1"), everything("2"))
	for _, table := range []string{"instances", "events", "effects", "timers", "unique_keys"} {
		if _, err := pool.Exec(t.Context(), "VACUUM ANALYZE "+schema+"."+table); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	// What the connection did before and has not reported yet counts, too.
	wholeReads := func() (n int) {
		t.Helper()
		// Those of an index that begins with the workflow count as well: they find all instances of it.
		const count = `
			SELECT (SELECT sum(seq_scan) FROM pg_stat_xact_user_tables WHERE schemaname = $1)::int
			     + (SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_stat_user_indexes
			        WHERE schemaname = $1 AND (indexrelname !~ 'pkey|unique_keys' OR indexrelname = 'unique_keys_pkey'))::int`
		if err := tx.QueryRow(t.Context(), count, schema).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := wholeReads()
	texts, keys, times := []string{"{}"}, []string{"b"}, []time.Time{now}
	last := int64(read(t, store, order("1")).LastCommit)
	for version, lease := range [][]any{
		{"effects", 1, "0", 0}, {"timers", 1, "a", 0}, {"", 0, "", 0},
	} {
		args := []any{"1", "order", version + 1, now, now, version == 2, 1}
		args = append(args, lease...)
		args = append(args, texts, []int32{1}, texts, texts, texts, keys, texts, texts, times, []string{"c"},
			"open", texts, keys, []string{}, keys, []int64{last, last, 0}[version], []int64{last, 1, 1}[version],
			"process", now.Add(time.Minute), []bool{true}, []bool{true})
		if _, err := tx.Exec(t.Context(), store.AppendChangeStatement(), args...); err != nil {
			t.Fatal(err)
		}
	}
	if read := wholeReads() - before; read > 0 {
		t.Errorf("%d times a table was read as a whole", read)
	}
}

// TestReadPaysOnlyForTheTail says that the cost of a read does not grow with the history before what is asked for.
func TestReadPaysOnlyForTheTail(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	st := newStore(t, pool, schema)
	long, completed := change(order("long"), 0), change(order("completed"), 0)
	long.Events = slices.Repeat(long.Events, 5000)
	completed.Events, completed.Complete = long.Events, true
	add(t, st, long, completed)
	err := st.SaveSnapshots(t.Context(), []store.Snapshot{
		{Instance: long.Instance, Version: 4990, Commit: read(t, st, long.Instance).LastCommit, Schema: "a", State: []byte(`{}`)},
		{Instance: completed.Instance, Version: 4990, Commit: read(t, st, completed.Instance).LastCommit, Schema: "a", State: []byte(`{}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	wasteful := regexp.MustCompile(`Removed by Filter: ([2-9]|\d\d)`) // one may be the snapshot
	for _, test := range []struct {
		request store.ReadRequest
		events  int
	}{
		{store.ReadRequest{Instance: long.Instance, Schema: "a"}, 10},
		{store.ReadRequest{Instance: long.Instance, After: 4993}, 7},
		{store.ReadRequest{Instance: long.Instance, After: 4993, Schema: "a"}, 7},
		{store.ReadRequest{Instance: long.Instance, After: 5000, Schema: "a"}, 0},
		{store.ReadRequest{Instance: completed.Instance}, 0},
		{store.ReadRequest{Instance: completed.Instance, Schema: "a", Completed: true}, 10},
	} {
		for _, statistics := range []string{"", "ANALYZE " + schema + ".events"} {
			for _, mode := range modes {
				r := test.request
				plan := explain(t, pool, statistics, mode, "ANALYZE, TIMING OFF", st.KeyStatements()["readInstances"],
					[]string{r.Instance.ID}, []string{"order"}, []int64{r.After}, []string{r.Schema}, []bool{r.Completed})
				read := regexp.MustCompile(`Index Scan using events_pkey on events e_1 \(actual rows=(\d+)`).FindStringSubmatch(plan)
				if read == nil || read[1] != fmt.Sprint(test.events) || wasteful.MatchString(plan) {
					t.Errorf("%+v, want %d events:\n%s", r, test.events, plan)
				}
			}
		}
	}
}

// explain returns the plan of a statement after another one was run. With the option ANALYZE it runs it too, and takes back
// what it did.
func explain(t *testing.T, pool *pgxpool.Pool, before, mode, option, sql string, args ...any) string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	for _, command := range []string{
		before, postgres.UseIndexes, "SET LOCAL plan_cache_mode = " + mode, "PREPARE statement AS " + sql,
	} {
		if _, err := tx.Exec(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	if option != "" {
		option = ", " + option
	}
	var parameters []string
	for i := range args {
		parameters = append(parameters, fmt.Sprintf("$%d", i+1))
	}
	execute := "EXPLAIN (COSTS OFF" + option + ") EXECUTE statement(" + strings.Join(parameters, ", ") + ")"
	rows, err := tx.Query(t.Context(), execute, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	if _, err := tx.Exec(t.Context(), "DEALLOCATE statement"); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
