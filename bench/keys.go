package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// fewKeys is what the claim beside many keys is compared with.
const fewKeys = 1000

func keyProbes() []probe {
	return []probe{
		{name: "keys", once: true, run: func(ctx context.Context, b *bench) (figures, error) {
			return b.claimsBesideKeys(ctx, b.keysInPostgres)
		}},
		{name: "keys, sqlite", once: true, run: func(ctx context.Context, b *bench) (figures, error) {
			return b.claimsBesideKeys(ctx, b.keysInSQLite)
		}},
	}
}

// waitingKeys are effects whose kind has a limit for each key, each with a key of its own: delayed, or behind another that is leased.
type waitingKeys struct {
	n       int
	blocked bool
}

// limitedStore is a store whose claims keep limits.
type limitedStore interface {
	runtime.Store
	store.Limits
}

// keyedStore is a store with such effects.
type keyedStore struct {
	limitedStore
	drop func()
}

// claimsBesideKeys measures limited claims on stores with few and with many keys that wait, in turn.
func (b *bench) claimsBesideKeys(
	ctx context.Context, open func(context.Context, waitingKeys, int) (*keyedStore, error),
) (figures, error) {
	const warmUp = 20
	sides := []waitingKeys{{fewKeys, false}, {b.size.keys, false}, {fewKeys, true}, {b.size.keys, true}}
	var stores []*keyedStore
	for _, side := range sides {
		s, err := open(ctx, side, (b.size.claims+warmUp)*claimSize)
		if err != nil {
			return nil, err
		}
		defer s.drop()
		stores = append(stores, s)
	}
	took := make([][]time.Duration, len(sides))
	for n := range b.size.claims + warmUp {
		for i := range sides {
			side := (n + i) % len(sides)
			d, err := claimKeys(ctx, stores[side])
			if err != nil {
				return nil, fmt.Errorf("beside %+v: %w", sides[side], err)
			}
			if n >= warmUp {
				took[side] = append(took[side], d)
			}
		}
	}
	return figures{
		"few": times(took[0])["p50"], "many": times(took[1])["p50"],
		"few at their limit": times(took[2])["p50"], "many at their limit": times(took[3])["p50"],
	}, nil
}

// claimKeys measures one claim, and settles what it got.
func claimKeys(ctx context.Context, st limitedStore) (time.Duration, error) {
	began := time.Now()
	claimed, err := st.ClaimLimited(ctx, store.LimitedClaim{
		Kind: store.Kind{Workflow: tally.WorkflowName, Name: "Tell"}, From: began.Add(-24 * time.Hour),
		Now: began, Until: began.Add(time.Minute), Limit: claimSize, Burst: 1, PerKey: 1,
	})
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if n := len(claimed.Deliveries); n != claimSize {
		return 0, fmt.Errorf("claimed %d effects, want %d", n, claimSize)
	}
	settlements := make([]store.Settlement, claimSize)
	for i, delivery := range claimed.Deliveries {
		settlements[i] = store.Settlement{Lease: delivery.Lease, Verdict: store.Done}
	}
	_, err = st.Effects().Settle(ctx, settlements)
	return took, err
}

// Of those that are blocked, the first effect of each key is leased, and the second is parked.
const (
	insertKeys = `
INSERT INTO TABLE (instance, workflow, version, position, kind, payload, run_at, due_at, limit_key, slot, claimed_at,
    parked_from, attempts)
SELECT 'waiting-' || n, 'tally', 1, p, 'Tell', '{"amount":1,"note":"` + note + `"}', RUNAT, NOW, '"waiting-' || n || '"', SLOT, CLAIMED, PARKED, 0
FROM NUMBERS`
	insertDue = `
INSERT INTO TABLE (instance, workflow, version, position, kind, payload, run_at, due_at, limit_key)
SELECT 'due-' || n, 'tally', 1, 0, 'Tell', '{"amount":1,"note":"` + note + `"}', NOW, NOW, '"due-' || n || '"'
FROM NUMBERS`
)

func (b *bench) keysInPostgres(ctx context.Context, keys waitingKeys, due int) (*keyedStore, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	s := &keyedStore{t.store, t.drop}
	sql := func(text, runAt, slot, claimed, parked, numbers string) string {
		return strings.NewReplacer("TABLE", "SCHEMA.effects", "RUNAT", runAt, "SLOT", slot, "CLAIMED", claimed, "PARKED", parked, "NOW", "now()", "NUMBERS", numbers).Replace(text)
	}
	numbers := fmt.Sprintf("generate_series(1, %d) n, generate_series(0, 0) p", keys.n)
	fill := sql(insertKeys, "now() + interval '1 hour'", "NULL::bool", "NULL::timestamptz", "NULL::timestamptz", numbers)
	if keys.blocked {
		numbers = fmt.Sprintf("generate_series(1, %d) n, generate_series(0, 1) p", keys.n/2)
		fill = sql(insertKeys, "now() + CASE p WHEN 0 THEN interval '1 hour' ELSE interval '10 min' END", "p = 0",
			"CASE p WHEN 0 THEN now() END", "CASE p WHEN 1 THEN now() END", numbers)
	}
	err = t.exec(ctx, t.sql(fill))
	if err == nil {
		err = t.fill(ctx, sql(insertDue, "", "", "", "", fmt.Sprintf("generate_series(1, %d) n", due)))
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

func (b *bench) keysInSQLite(ctx context.Context, keys waitingKeys, due int) (*keyedStore, error) {
	b.schemas++
	store, err := sqlite.Open(ctx, filepath.Join(b.dir, fmt.Sprintf("keys_%d.db", b.schemas)))
	if err != nil {
		return nil, err
	}
	s := &keyedStore{store, func() { store.Close() }}
	now := fmt.Sprint(time.Now().UnixMicro())
	sql := func(text, runAt, slot, claimed, parked, numbers string) string {
		return strings.NewReplacer("TABLE", "ironflow_effects", "RUNAT", runAt, "SLOT", slot, "CLAIMED", claimed, "PARKED", parked, "NOW", now, "NUMBERS", numbers).Replace(text)
	}
	numbers := func(n int, more string) string {
		return fmt.Sprintf("(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT * FROM s)%s", n, more)
	}
	fill := sql(insertKeys, now+" + 3600000000", "NULL", "NULL", "NULL", numbers(keys.n, ", (SELECT 0 AS p)"))
	if keys.blocked {
		fill = sql(insertKeys, now+" + CASE p WHEN 0 THEN 3600000000 ELSE 600000000 END", "CASE p WHEN 0 THEN 1 END", "CASE p WHEN 0 THEN "+now+" END",
			"CASE p WHEN 1 THEN "+now+" END", numbers(keys.n/2, ", (SELECT 0 AS p UNION ALL SELECT 1)"))
	}
	_, err = store.DB().ExecContext(ctx, fill)
	if err == nil {
		_, err = store.DB().ExecContext(ctx, sql(insertDue, "", "", "", "", numbers(due, "")))
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}
