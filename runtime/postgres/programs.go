package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// programQueries are the statements of store.Programs.
type programQueries struct{ record, addManifest, list, manifest, forget, dropManifests string }

func newProgramQueries(in func(sql string) string) programQueries {
	return programQueries{
		record: in(recordProgram), addManifest: in(addManifest), list: in(listPrograms), manifest: in(readManifest),
		forget: in(forgetPrograms), dropManifests: in(dropManifests),
	}
}

const (
	recordProgram = `
INSERT INTO ironflow.programs (process, version, digest, started_at, seen_at, until, stopped_at)
VALUES ($1::text, $2::text, $3::text, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::timestamptz)
ON CONFLICT (process, digest) DO UPDATE
SET version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at, until = excluded.until,
    stopped_at = excluded.stopped_at`
	addManifest  = `INSERT INTO ironflow.manifests (digest, manifest) VALUES ($1::text, $2::json) ON CONFLICT DO NOTHING`
	listPrograms = `
SELECT process, version, digest, started_at, seen_at, until, stopped_at FROM ironflow.programs ORDER BY process, digest`
	readManifest   = `SELECT manifest::text FROM ironflow.manifests WHERE digest = $1::text`
	forgetPrograms = `DELETE FROM ironflow.programs WHERE seen_at < $1::timestamptz`
	dropManifests  = `DELETE FROM ironflow.manifests m WHERE NOT EXISTS (SELECT FROM ironflow.programs p WHERE p.digest = m.digest)`
)

// RecordProgram implements store.Programs.
func (s *Store) RecordProgram(ctx context.Context, program store.Program, manifest []byte) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.programs.record, program.Process, program.Version, program.Digest,
			program.StartedAt, program.SeenAt, program.Until, orNull(program.StoppedAt))
		if manifest != nil {
			batch.Queue(s.queries.programs.addManifest, program.Digest, string(manifest))
		}
	})
	if err != nil {
		return wrap(err, "record program %s", program.Process)
	}
	return nil
}

// Programs implements store.Programs.
func (s *Store) Programs(ctx context.Context) ([]store.Program, error) {
	programs, err := queryRows(ctx, s.pool, scanProgram, s.queries.programs.list)
	if err != nil {
		return nil, wrap(err, "list programs")
	}
	return programs, nil
}

func scanProgram(row pgx.CollectableRow) (p store.Program, err error) {
	var stopped *time.Time
	err = row.Scan(&p.Process, &p.Version, &p.Digest, &p.StartedAt, &p.SeenAt, &p.Until, &stopped)
	p.StartedAt, p.SeenAt, p.Until = p.StartedAt.UTC(), p.SeenAt.UTC(), p.Until.UTC()
	p.StoppedAt = orZero(stopped)
	return p, err
}

// Manifest implements store.Programs.
func (s *Store) Manifest(ctx context.Context, digest string) ([]byte, error) {
	found, err := queryRows(ctx, s.pool, pgx.RowTo[[]byte], s.queries.programs.manifest, digest)
	if err != nil {
		return nil, wrap(err, "read manifest %s", digest)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// ForgetPrograms implements store.Programs.
func (s *Store) ForgetPrograms(ctx context.Context, before time.Time) error {
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.programs.forget, before)
		batch.Queue(s.queries.programs.dropManifests)
	})
	if err != nil {
		return wrap(err, "forget programs")
	}
	return nil
}
