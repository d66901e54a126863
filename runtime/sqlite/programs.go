package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements of [store.Programs].
const (
	recordProgram = `
INSERT OR REPLACE INTO ironflow_programs (process, version, digest, started_at, seen_at, until, stopped_at)
VALUES (?, ?, ?, ?, ?, ?, ?)`
	addManifest  = `INSERT OR IGNORE INTO ironflow_manifests (digest, manifest) VALUES (?, ?)`
	listPrograms = `
SELECT process, version, digest, started_at, seen_at, until, stopped_at FROM ironflow_programs ORDER BY process, digest`
	readManifest   = `SELECT manifest FROM ironflow_manifests WHERE digest = ?`
	forgetPrograms = `DELETE FROM ironflow_programs WHERE seen_at < ?`
	dropManifests  = `DELETE FROM ironflow_manifests WHERE digest NOT IN (SELECT digest FROM ironflow_programs)`
)

// RecordProgram implements [store.Programs].
func (s *Store) RecordProgram(ctx context.Context, program store.Program, manifest []byte) error {
	err := s.writer.write(ctx, func(on *connection) error {
		var stopped driver.Value
		if !program.StoppedAt.IsZero() {
			stopped = micros(program.StoppedAt)
		}
		_, err := on.exec(recordProgram, program.Process, program.Version, program.Digest, micros(program.StartedAt), micros(program.SeenAt),
			micros(program.Until), stopped)
		if err == nil && manifest != nil {
			_, err = on.exec(addManifest, program.Digest, string(manifest))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlite: record program %s: %w", program.Process, err)
	}
	return nil
}

// Programs implements [store.Programs].
func (s *Store) Programs(ctx context.Context) (programs []store.Program, err error) {
	row := func(columns []driver.Value) error {
		programs = append(programs, store.Program{
			Process: text(columns[0]), Version: text(columns[1]), Digest: text(columns[2]),
			StartedAt: fromMicros(number(columns[3])), SeenAt: fromMicros(number(columns[4])),
			Until: fromMicros(number(columns[5])), StoppedAt: orZero(columns[6]),
		})
		return nil
	}
	if err = s.readers.read(ctx, func(on *connection) error { return on.query(row, listPrograms) }); err != nil {
		return nil, fmt.Errorf("sqlite: list programs: %w", err)
	}
	return programs, nil
}

// Manifest implements [store.Programs].
func (s *Store) Manifest(ctx context.Context, digest string) (manifest []byte, err error) {
	row := func(columns []driver.Value) error {
		manifest = []byte(text(columns[0]))
		return nil
	}
	if err = s.readers.read(ctx, func(on *connection) error { return on.query(row, readManifest, digest) }); err != nil {
		return nil, fmt.Errorf("sqlite: read manifest %s: %w", digest, err)
	}
	return manifest, nil
}

// ForgetPrograms implements [store.Programs].
func (s *Store) ForgetPrograms(ctx context.Context, before time.Time) error {
	err := s.writer.write(ctx, func(on *connection) error {
		if _, err := on.exec(forgetPrograms, micros(before)); err != nil {
			return err
		}
		_, err := on.exec(dropManifests)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlite: forget programs: %w", err)
	}
	return nil
}
