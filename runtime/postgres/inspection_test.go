package postgres_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// TestListPaysOnlyForWhatItReturns reads pages from among very many instances, of several workflows.
func TestListPaysOnlyForWhatItReturns(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	fill := fmt.Sprintf(`
		INSERT INTO %[1]s.instances (instance, workflow, created_at, completed_at, status)
		SELECT 'i' || n, 'w' || n %% 5, $1::timestamptz + n * interval '1 s', CASE WHEN n %% 100 > 0 THEN $1::timestamptz END, 'new'
		FROM generate_series(1, 100000) n;
		INSERT INTO %[1]s.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, status)
		SELECT instance, workflow, 1, 'Noted', 1, '{}', $1, 1, 'new' FROM %[1]s.instances`, schema)
	if _, err := pool.Exec(t.Context(), fill, pgx.QueryExecModeSimpleProtocol, now); err != nil {
		t.Fatal(err)
	}
	const limit = 10
	wasteful := regexp.MustCompile(`Seq Scan|Bitmap|Removed by Filter: [1-9]`)
	for name, test := range map[string]struct {
		workflow, activity string
		from, before       time.Time
		read               int // at most so many instances
	}{
		"all":                   {"", "", time.Time{}, postgres.EndOfTime, 10 * limit},
		"of a workflow":         {"w3", "", time.Time{}, postgres.EndOfTime, 2 * limit},
		"active":                {"w0", "active", time.Time{}, postgres.EndOfTime, limit},
		"completed":             {"w3", "completed", time.Time{}, postgres.EndOfTime, limit},
		"from the middle on":    {"w3", "completed", time.Time{}, now.Add(50_000 * time.Second), limit},
		"of a time":             {"w3", "completed", now.Add(40_000 * time.Second), now.Add(40_020 * time.Second), limit},
		"of a time, all":        {"", "", now.Add(40_000 * time.Second), now.Add(40_020 * time.Second), 20},
		"of a workflow of none": {"w9", "", time.Time{}, postgres.EndOfTime, 0},
	} {
		for _, statistics := range []string{postgres.ReadInOrder, postgres.ReadInOrder + "; ANALYZE " + schema + ".instances"} {
			plan := explain(t, pool, statistics, "force_generic_plan", "ANALYZE, TIMING OFF", store.ListStatement(),
				test.workflow, test.activity, "", test.from, time.Time{}, postgres.EndOfTime, test.before, "", "", limit)
			read := 0
			for _, scan := range regexp.MustCompile(`Scan Backward using \S+ on instances \S+ \(actual rows=(\d+) loops=(\d+)\)`).
				FindAllStringSubmatch(plan, -1) {
				rows, _ := strconv.Atoi(scan[1])
				loops, _ := strconv.Atoi(scan[2])
				read += rows * loops
			}
			if read > test.read || wasteful.MatchString(plan) {
				t.Errorf("%s: %d instances were read, want at most %d:\n%s", name, read, test.read, plan)
			}
		}
	}
}

// TestFinishedInstancesAreFoundByThemselves looks for what can be deleted among very many that cannot.
func TestFinishedInstancesAreFoundByThemselves(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	fill := fmt.Sprintf(`
		INSERT INTO %[1]s.instances (instance, workflow, created_at, completed_at)
		SELECT 'i' || n, 'order', $1::timestamptz + n * interval '1 s', CASE WHEN n > 50000 THEN $1::timestamptz + n * interval '1 s' END
		FROM generate_series(1, 100000) n;
		INSERT INTO %[1]s.events (instance, workflow, version, global_sequence, type, schema_version, payload, recorded_at, commit_id)
		SELECT instance, workflow, 1, 1, 'Noted', 1, '{}', $1, 1 FROM %[1]s.instances`, schema)
	if _, err := pool.Exec(t.Context(), fill, pgx.QueryExecModeSimpleProtocol, now); err != nil {
		t.Fatal(err)
	}
	for _, statistics := range []string{postgres.ReadInOrder, postgres.ReadInOrder + "; ANALYZE " + schema + ".instances"} {
		for before, want := range map[time.Time]string{now.Add(90_000 * time.Second): "10", now.Add(50_004 * time.Second): "3"} {
			plan := explain(t, pool, statistics, "force_generic_plan", "ANALYZE, TIMING OFF", store.FinishedStatement(),
				"order", before, int64(1), time.Time{}, "", 10)
			read := regexp.MustCompile(`using instances_completed_idx on instances i \(actual rows=(\d+)`).FindStringSubmatch(plan)
			if read == nil || read[1] != want || regexp.MustCompile(`Removed by Filter: [1-9]|Seq Scan|Hash`).MatchString(plan) {
				t.Errorf("want %s rows read:\n%s", want, plan)
			}
		}
	}
}

// TestDeadLettersAreFoundByThemselves lists and counts some dead letters among very many deliveries that live.
func TestDeadLettersAreFoundByThemselves(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	fill := fmt.Sprintf(`
		INSERT INTO %s.effects (instance, workflow, version, position, kind, payload, run_at, due_at, died_at)
		SELECT 'i' || n, 'order', 1, 0, 'Send', '{}', $1::timestamptz, $1, CASE WHEN n %% 1000 = 0 THEN $1::timestamptz + n * interval '1 s' END
		FROM generate_series(1, 100000) n`, schema)
	if _, err := pool.Exec(t.Context(), fill, now); err != nil {
		t.Fatal(err)
	}
	list, count := store.DeadStatements()
	for _, statistics := range []string{postgres.ReadInOrder, postgres.ReadInOrder + "; ANALYZE " + schema + ".effects"} {
		for name, test := range map[string]struct {
			sql  string
			args []any
			read string // rows
		}{
			"list":  {list, []any{"", "", "", "", time.Time{}, postgres.EndOfTime, "", "", 0, "0", 10}, "10"},
			"since": {list, []any{"", "", "", "", now.Add(97500 * time.Second), postgres.EndOfTime, "", "", 0, "0", 10}, "3"},
			"count": {count, []any{"", "", "", "", time.Time{}, postgres.EndOfTime}, "100"},
		} {
			plan := explain(t, pool, statistics, "force_generic_plan", "ANALYZE, TIMING OFF", test.sql, test.args...)
			read := regexp.MustCompile(`using effects_(?:not_told|dead_kind)_idx on effects q \(actual rows=(\d+)`).FindStringSubmatch(plan)
			if read == nil || read[1] != test.read || regexp.MustCompile(`Removed by Filter: [1-9]`).MatchString(plan) {
				t.Errorf("%s: want %s rows read:\n%s", name, test.read, plan)
			}
		}
	}
}

// TestBacklogReadsNoFurtherThanItsLimit counts among very many deliveries of two kinds.
func TestBacklogReadsNoFurtherThanItsLimit(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	fill := fmt.Sprintf(`
		INSERT INTO %s.effects (instance, workflow, version, position, kind, payload, run_at, due_at, died_at)
		SELECT 'i' || n, 'order', 1, 0, CASE WHEN n %% 2 = 0 THEN 'Send' ELSE 'Charge' END, '{}',
		       $1::timestamptz + (n %% 100 - 50) * interval '1 min', $1, CASE WHEN n %% 10 = 0 THEN $1::timestamptz END
		FROM generate_series(1, 100000) n`, schema)
	if _, err := pool.Exec(t.Context(), fill, now); err != nil {
		t.Fatal(err)
	}
	const limit = 30
	for _, statistics := range []string{postgres.ReadInOrder, postgres.ReadInOrder + "; ANALYZE " + schema + ".effects"} {
		plan := explain(t, pool, statistics, "force_generic_plan", "ANALYZE, TIMING OFF", store.BacklogStatement(), now, limit)
		scans := regexp.MustCompile(`Scan.* on effects \S+ \(actual rows=(\d+)`).FindAllStringSubmatch(plan, -1)
		if len(scans) < 4 {
			t.Errorf("%d scans:\n%s", len(scans), plan)
		}
		for _, scan := range scans {
			if rows, _ := strconv.Atoi(scan[1]); rows > limit {
				t.Errorf("%d rows were read at once:\n%s", rows, plan)
			}
		}
	}
}

// TestCommitsInsert says that a commit to an instance updates no row before its last one.
func TestCommitsInsert(t *testing.T) {
	t.Parallel()
	pool, schema := newPool(t), newSchema()
	store := newStore(t, pool, schema)
	const instances, commits = 20, 10
	for n := range instances {
		key := order(fmt.Sprint(n))
		for version := range int64(commits) {
			c := change(key, version)
			c.Status = fmt.Sprint("status", version)
			c.Complete = n%2 == 0 && version == commits-1
			if n%4 < 2 {
				add(t, store, c)
			} else {
				commit(t, store, c, change(order(fmt.Sprintf("beside %d %d", n, version)), 0)) // the set-based statements
			}
		}
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var inserts, updates int
		const stat = `
			SELECT sum(n_tup_ins) FILTER (WHERE relname = 'events'), sum(n_tup_upd)
			FROM pg_stat_all_tables WHERE schemaname = $1`
		if err := conn.QueryRow(t.Context(), stat, pgx.QueryExecModeSimpleProtocol, schema).Scan(&inserts, &updates); err != nil {
			t.Fatal(err)
		}
		if inserts >= instances*commits && updates == instances/2 {
			break
		}
		if updates > instances/2 || time.Now().After(deadline) {
			t.Fatalf("%d inserts of events and %d updates were counted, want %d updates", inserts, updates, instances/2)
		}
	}
}
