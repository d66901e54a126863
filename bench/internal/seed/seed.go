// Package seed is the baseline of the benchmarks: the store that ironflow for Go replaces, as a sequence of statements.
//
// It has the statement order of the Rust crate's store, each statement a round trip through pgx: BEGIN, insert the
// instance, lock it, read its events, insert the event, insert the effect, upsert the timer when there is one, update the instance,
// COMMIT. It was written for the comparison, from the description of that store's interface.
package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const schema = `
CREATE SCHEMA seed;
CREATE TABLE seed.instances (
    workflow_type text NOT NULL, workflow_id text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    event_count bigint NOT NULL DEFAULT 0, last_event_at timestamptz, completed_at timestamptz, unique_key text, PRIMARY KEY (workflow_type, workflow_id));
CREATE TABLE seed.events (
    global_sequence bigserial PRIMARY KEY, workflow_type text NOT NULL, workflow_id text NOT NULL, sequence bigint NOT NULL,
    payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (workflow_type, workflow_id, sequence));
CREATE TABLE seed.outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workflow_type text NOT NULL, workflow_id text NOT NULL,
    payload jsonb NOT NULL, attempts int NOT NULL DEFAULT 0, locked_until timestamptz, processed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON seed.outbox (created_at) WHERE processed_at IS NULL;
CREATE TABLE seed.timers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workflow_type text NOT NULL, workflow_id text NOT NULL, key text,
    fire_at timestamptz NOT NULL, payload jsonb NOT NULL, UNIQUE (workflow_type, workflow_id, key));
CREATE INDEX ON seed.timers (fire_at);
`

// Store runs the statements.
type Store struct{ pool *pgxpool.Pool }

// New creates the tables.
func New(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	if _, err := pool.Exec(ctx, schema); err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	return &Store{pool}, nil
}

// Added is the event of one decision, and Tell its effect: those of package tally.
type Added struct {
	Type   string `json:"type"`
	Amount int64  `json:"amount"`
	Note   string `json:"note"`
}

// Decide appends one event and one effect, and a timer when it is to remind.
func (s *Store) Decide(ctx context.Context, id string, amount int64, note string, remind bool) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)

	const workflow = "tally"
	if _, err := tx.Exec(ctx, `INSERT INTO seed.instances (workflow_type, workflow_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		workflow, id); err != nil {
		return err
	}
	var completed bool
	if err := tx.QueryRow(ctx, `SELECT completed_at IS NOT NULL FROM seed.instances WHERE workflow_type = $1 AND workflow_id = $2 FOR UPDATE`,
		workflow, id).Scan(&completed); err != nil {
		return err
	}
	if completed {
		return fmt.Errorf("seed: %s has completed", id)
	}
	sequence, sum, err := replay(ctx, tx, workflow, id)
	if err != nil {
		return err
	}
	_ = sum
	payload, err := json.Marshal(Added{"Added", amount, note})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO seed.events (workflow_type, workflow_id, sequence, payload) VALUES ($1, $2, $3, $4)`,
		workflow, id, sequence+1, payload); err != nil {
		return err
	}
	effect, err := json.Marshal(Added{"Tell", amount, note})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO seed.outbox (workflow_type, workflow_id, payload) VALUES ($1, $2, $3)`,
		workflow, id, effect); err != nil {
		return err
	}
	if remind {
		if _, err := tx.Exec(ctx, `INSERT INTO seed.timers (workflow_type, workflow_id, key, fire_at, payload) VALUES ($1, $2, 'reminder', $3, '{"type":"Remind"}')
			ON CONFLICT (workflow_type, workflow_id, key) DO UPDATE SET fire_at = excluded.fire_at, payload = excluded.payload`,
			workflow, id, time.Now().Add(time.Hour)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE seed.instances SET event_count = $3, last_event_at = now() WHERE workflow_type = $1 AND workflow_id = $2`,
		workflow, id, sequence+1); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func replay(ctx context.Context, tx pgx.Tx, workflow, id string) (sequence, sum int64, err error) {
	rows, err := tx.Query(ctx, `SELECT sequence, payload FROM seed.events WHERE workflow_type = $1 AND workflow_id = $2 ORDER BY sequence`,
		workflow, id)
	if err != nil {
		return 0, 0, err
	}
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&sequence, &payload}, func() error {
		var event Added
		if err := json.Unmarshal(payload, &event); err != nil {
			return err
		}
		sum += event.Amount
		return nil
	})
	return sequence, sum, err
}

// DeliverOne claims one effect, calls handle and marks it as processed. It reports whether there was one.
func (s *Store) DeliverOne(ctx context.Context, handle func()) (bool, error) {
	var id string
	var payload []byte
	err := s.pool.QueryRow(ctx, `
		UPDATE seed.outbox SET locked_until = now() + interval '1 minute', attempts = attempts + 1
		WHERE id = (SELECT id FROM seed.outbox
		            WHERE processed_at IS NULL AND (locked_until IS NULL OR locked_until < now())
		            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id::text, payload`).Scan(&id, &payload)
	if err == pgx.ErrNoRows {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	handle()
	_, err = s.pool.Exec(ctx, `UPDATE seed.outbox SET processed_at = now() WHERE id = $1::uuid`, id)
	return true, err
}
