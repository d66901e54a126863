package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func claimProbes() []probe {
	return []probe{{name: "claim", once: true, run: claims}}
}

// claimSize is what an idle engine claims at most.
const claimSize = 32

// claims measures claims on tables with and without a past, in turn.
func claims(ctx context.Context, b *bench) (figures, error) {
	past := fmt.Sprintf(`
INSERT INTO SCHEMA.instances (instance, workflow, created_at, completed_at)
SELECT 'done-' || n, 'tally', now(), now() FROM generate_series(1, %[1]d) n;
INSERT INTO SCHEMA.events (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, completes)
SELECT 'done-' || n, 'tally', 1, 'Added', 1, '{"amount":1,"note":"`+note+`"}', now(), 1, true FROM generate_series(1, %[1]d) n;
INSERT INTO SCHEMA.effects (instance, workflow, version, position, kind, payload, run_at, attempts, last_error, due_at, died_at)
SELECT 'done-' || n, 'tally', 1, 0, 'Tell', '{"amount":1,"note":"`+note+`"}', now(), 25, 'it failed', now(), now()
FROM generate_series(1, %[2]d) n;`, b.size.finished, b.size.deadLetters)

	pending := (b.size.claims + 20) * claimSize
	var sides []*tables
	for _, before := range []string{"", past} {
		t, err := b.newTables(ctx)
		if err != nil {
			return nil, err
		}
		defer t.drop()
		if err := t.fill(ctx, before+t.effects(pending)); err != nil {
			return nil, err
		}
		sides = append(sides, t)
	}
	took := make([][]time.Duration, len(sides))
	for n := range b.size.claims + 20 {
		for i := range sides {
			side := (n + i) % len(sides)
			d, err := sides[side].claim(ctx)
			if err != nil {
				return nil, err
			}
			if n >= 20 {
				took[side] = append(took[side], d)
			}
		}
	}
	return figures{"empty": times(took[0])["p50"], "past": times(took[1])["p50"]}, nil
}

// claim measures one claim, and settles what it got.
func (t *tables) claim(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	claimed, err := t.store.Effects().Claim(ctx, store.Claim{
		Kinds: []store.Kind{{Workflow: tally.WorkflowName, Name: "Tell"}, {Workflow: tally.WorkflowName, Name: "Ask"}},
		Now:   began, Until: began.Add(time.Minute), Limit: claimSize,
	})
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if len(claimed) != claimSize {
		return 0, fmt.Errorf("claimed %d effects, want %d", len(claimed), claimSize)
	}
	settlements := make([]store.Settlement, len(claimed))
	for i, delivery := range claimed {
		settlements[i] = store.Settlement{Lease: delivery.Lease, Verdict: store.Done}
	}
	_, err = t.store.Effects().Settle(ctx, settlements)
	return took, err
}
