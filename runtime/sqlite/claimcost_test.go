package sqlite

import (
	"database/sql/driver"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestLimitedClaimLooksAtABoundedNumber says that no claim of a kind with a limit for each key holds the only writer for long,
// however many keys there are.
func TestLimitedClaimLooksAtABoundedNumber(t *testing.T) {
	t.Parallel()
	const effects = 20_000
	for name, test := range map[string]struct {
		runAt, key string // of effect i
		leased     string // which are
		claims     int    // until nothing is left to look at
	}{
		"delayed":              {"?1 + 3600000000", "'c-' || i", "0", 1},
		"one key at its limit": {"?1 - i", "'c'", "i = 1", effects/1000 + 2},
		"at their limit":       {"?1 - i", "'c-' || (i - 1) / 10", "i % 10 = 0", effects/1000 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openMemory(t)
			exec := func(sql string, args ...driver.Value) (n int64) {
				t.Helper()
				err := s.writer.write(t.Context(), func(on *connection) (err error) {
					n, err = on.exec(sql, args...)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
				INSERT INTO ironflow_effects (instance, workflow, version, position, kind, payload, run_at, due_at, limit_key, slot, claimed_at)
				SELECT 'k-' || i, 'order', 1, 0, 'Send', '{}', CASE WHEN `+test.leased+` THEN ?1 + 60000000 ELSE `+test.runAt+` END, ?1, `+test.key+`,
					CASE WHEN `+test.leased+` THEN 1 END, CASE WHEN `+test.leased+` THEN ?1 END FROM n`, micros(now), int64(effects))
			parked := func() (n int64) {
				err := s.readers.read(t.Context(), func(on *connection) error {
					return on.query(func(columns []driver.Value) error {
						n = number(columns[0])
						return nil
					}, `SELECT count(*) FROM ironflow_effects WHERE parked_from IS NOT NULL`)
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			claim := store.LimitedClaim{
				Kind: store.Kind{Workflow: "order", Name: "Send"}, Now: now, Until: now.Add(time.Minute), Limit: 1, Burst: 1, PerKey: 1,
			}
			before := int64(0)
			for n := 1; ; n++ {
				claimed, err := s.ClaimLimited(t.Context(), claim)
				if err != nil || len(claimed.Deliveries) > 0 {
					t.Fatalf("claimed %+v, error %v", claimed, err)
				}
				after := parked()
				if after-before > 1100 {
					t.Fatalf("a claim has parked %d effects", after-before)
				}
				if before = after; claimed.Again.IsZero() {
					break
				}
				if n == test.claims {
					t.Fatalf("after %d claims there is more to look at", n)
				}
			}
			exec(`INSERT INTO ironflow_effects (instance, workflow, version, position, kind, payload, run_at, due_at, limit_key)
				VALUES ('free', 'order', 1, 0, 'Send', '{}', ?1, ?1, 'free')`, micros(now))
			claimed, err := s.ClaimLimited(t.Context(), claim)
			if err != nil || len(claimed.Deliveries) != 1 || claimed.Deliveries[0].Lease.Instance.ID != "free" {
				t.Fatalf("claimed %+v, error %v", claimed, err)
			}
			if again := parked(); again != before {
				t.Errorf("a claim of the free key has parked %d effects", again-before)
			}
		})
	}
}
