package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// buffersRead returns how many pages a plan with BUFFERS says that a statement read.
func buffersRead(t *testing.T, plan string) (total int) {
	t.Helper()
	line := regexp.MustCompile(`Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?`).FindStringSubmatch(plan) // of the whole comes first
	if line == nil {
		t.Fatalf("no buffers:\n%s", plan)
	}
	for _, number := range line[1:] {
		n, _ := strconv.Atoi(number)
		total += n
	}
	return total
}

// claimBuffers returns what one limited claim reads that begins where the last one ended, as an engine's does, and takes back what it
// did. It is the cheaper of two: the first also reads the catalog.
func claimBuffers(t *testing.T, store *postgres.Store, pool *pgxpool.Pool, limit int) int {
	t.Helper()
	best := 0
	for range 2 {
		plan := explain(t, pool, "", "force_generic_plan", "ANALYZE, TIMING OFF, BUFFERS", store.ClaimLimitedStatement(),
			"order", "Send", now, now.Add(time.Minute), limit, 0, nil, nil, nil, 1, now.Add(-time.Second), "process")
		if n := buffersRead(t, plan); best == 0 || n < best {
			best = n
		}
	}
	return best
}

// TestLimitedClaimPaysForWhatIsDue says that a claim of a kind with a limit for each key costs the same whatever else there is:
// keys that wait for their time, or for their next attempt, and keys that are at their limit and have much to do.
func TestLimitedClaimPaysForWhatIsDue(t *testing.T) {
	t.Parallel()
	const few, many = 100, 20_000
	for name, fill := range map[string]struct {
		rows   string
		settle int // claims until everything has its place
	}{
		"delayed":  {`SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', $1::timestamptz + interval '1 hour', $1, 'c-' || i, NULL::bool, NULL::timestamptz`, 0},
		"retried":  {`SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', $1::timestamptz + interval '1 hour', $1, 'c-' || i, true, NULL::timestamptz`, 0},
		"of a key": {`SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', $1::timestamptz + interval '1 hour', $1, 'c', true, NULL::timestamptz`, 0},
		// Each tenth effect is leased, the others of its key are due.
		"at their limit": {`SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', $1::timestamptz + CASE WHEN i % 10 = 0 THEN interval '10 s' ELSE interval '-1 min' END, $1,
			'c-' || (i - 1) / 10, true, CASE WHEN i % 10 = 0 THEN $1::timestamptz END`, 30},
		"one key at its limit": {`SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', $1::timestamptz + CASE WHEN i = 1 THEN interval '10 s' ELSE interval '-1 min' END, $1,
			'c', true, CASE WHEN i = 1 THEN $1::timestamptz END`, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cost := map[int]int{}
			for _, n := range []int{few, many} {
				pool, schema := newPool(t), newSchema()
				st := newStore(t, pool, schema)
				insert := "INSERT INTO " + schema + `.effects (instance, workflow, version, position, kind, payload, run_at, due_at,
					limit_key, slot, claimed_at) ` + fill.rows + ` FROM generate_series(1, $2::int) i`
				if _, err := pool.Exec(t.Context(), insert, now, n); err != nil {
					t.Fatal(err)
				}
				claim := store.LimitedClaim{
					Kind: store.Kind{Workflow: "order", Name: "Send"}, Now: now, Until: now.Add(time.Minute), Limit: 1, Burst: 1, PerKey: 1,
				}
				for i := 0; ; i++ {
					claimed, err := st.ClaimLimited(t.Context(), claim)
					if err != nil {
						t.Fatal(err)
					}
					if len(claimed.Deliveries) > 0 {
						t.Fatalf("claimed %+v", claimed.Deliveries)
					}
					if claimed.Again.IsZero() {
						break
					}
					if i == fill.settle {
						t.Fatalf("after %d claims there is more to look at", i)
					}
				}
				free := `INSERT INTO ` + schema + `.effects (instance, workflow, version, position, kind, payload, run_at, due_at, limit_key)
					VALUES ('free', 'order', 1, 0, 'Send', '{}', $1, $1, 'free')`
				if _, err := pool.Exec(t.Context(), free, now); err != nil {
					t.Fatal(err)
				}
				if _, err := pool.Exec(t.Context(), "VACUUM ANALYZE "+schema+".effects"); err != nil {
					t.Fatal(err)
				}
				cost[n] = claimBuffers(t, st, pool, 1)
				claimed, err := st.ClaimLimited(t.Context(), claim)
				if err != nil || len(claimed.Deliveries) != 1 || claimed.Deliveries[0].Lease.Instance.ID != "free" {
					t.Errorf("of %d: claimed %+v, error %v", n, claimed, err)
				}
			}
			t.Logf("%d pages beside %d effects, %d beside %d", cost[few], few, cost[many], many)
			if cost[many] > 2*cost[few]+100 {
				t.Errorf("a claim reads %d pages beside %d effects, and %d beside %d", cost[few], few, cost[many], many)
			}
		})
	}
}

// TestClaimPaysOnlyForWhatIsDueUnderASnapshot holds a snapshot while deliveries come and go. Their entries stay in the index; a claim
// that begins at its bound does not meet them, and a look back does.
func TestClaimPaysOnlyForWhatIsDueUnderASnapshot(t *testing.T) {
	t.Parallel()
	for queue, fill := range map[store.QueueName]string{
		store.EffectQueue: `INSERT INTO %s.effects (instance, workflow, version, position, kind, payload, run_at, due_at)
			SELECT 'i-' || n, 'order', 1, 0, 'Known', '{}', $1::timestamptz - n * interval '1 ms', $1 FROM generate_series(1, $2::int) n ORDER BY md5(n::text)`,
		store.TimerQueue: `INSERT INTO %s.timers (instance, workflow, version, key, kind, payload, run_at, due_at)
			SELECT 'i-' || n, 'order', 1, 'key', 'Known', '{}', $1::timestamptz - n * interval '1 ms', $1 FROM generate_series(1, $2::int) n ORDER BY md5(n::text)`,
	} {
		t.Run(string(queue), func(t *testing.T) {
			t.Parallel()
			pool, schema := newPool(t), newSchema()
			store := newStore(t, pool, schema)
			snapshot, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer snapshot.Rollback(context.Background())
			if _, err := snapshot.Exec(t.Context(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Exec(t.Context(), "SELECT 1 FROM "+schema+".effects"); err != nil {
				t.Fatal(err)
			}
			run := func(sql string, args ...any) {
				t.Helper()
				if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
					t.Fatal(err)
				}
			}
			table := schema + "." + string(queue)
			run(fmt.Sprintf(fill, schema), now.Add(-time.Minute), 10_000)
			run("DELETE FROM " + table)
			run(fmt.Sprintf(fill, schema), now, 10)
			run("VACUUM ANALYZE " + table)
			cost := func(statement string, args ...any) int {
				t.Helper()
				return buffersRead(t, explain(t, pool, postgres.ReadInOrder, "force_generic_plan", "ANALYZE, TIMING OFF, BUFFERS", statement, args...))
			}
			claim := func(from time.Time) int {
				t.Helper()
				return cost(store.ClaimStatement(queue), []string{"order"}, []string{"Known"}, now, now.Add(time.Minute), 100, []time.Time{from}, "process")
			}
			bounded, all := claim(now.Add(-time.Second)), claim(time.Time{})
			look := cost(store.LookBackStatement(queue), []string{"order"}, []string{"Known"}, []time.Time{now.Add(-time.Second)})
			t.Logf("a claim with a bound reads %d pages, one without %d, a look back %d", bounded, all, look)
			if bounded > 300 || all < 5000 || look < 5000 {
				t.Errorf("a claim with a bound reads %d pages, one without %d, a look back %d", bounded, all, look)
			}
			if plan := explain(t, pool, postgres.ReadInOrder, "force_generic_plan", "ANALYZE, TIMING OFF", store.LookBackStatement(queue),
				[]string{"order"}, []string{"Known"}, []time.Time{now.Add(-time.Second)}); strings.Contains(plan, "Sort") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("the look back sorts, or reads the table:\n%s", plan)
			}
		})
	}
}
