package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SaveSnapshots implements store.Snapshots.
func (s *Store) SaveSnapshots(ctx context.Context, snapshots []store.Snapshot) error {
	if len(snapshots) == 0 {
		return nil
	}
	// A statement cannot write a row twice.
	newest := make(map[store.InstanceKey]*store.Snapshot, len(snapshots))
	for i := range snapshots {
		snapshot := &snapshots[i]
		if other := newest[snapshot.Instance]; other == nil || other.Version <= snapshot.Version {
			newest[snapshot.Instance] = snapshot
		}
	}
	var (
		columns  = newInstanceColumns(len(newest))
		versions = make([]int64, 0, len(newest))
		commits  = make([]int64, 0, len(newest))
		schemas  = make([]string, 0, len(newest))
		states   = make([]string, 0, len(newest))
		keys     = make([]store.InstanceKey, 0, len(newest))
	)
	for key, snapshot := range newest {
		columns.add(key)
		versions = append(versions, snapshot.Version)
		commits = append(commits, int64(snapshot.Commit))
		schemas = append(schemas, snapshot.Schema)
		states = append(states, string(snapshot.State))
		keys = append(keys, key)
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		batch.Queue(s.queries.upsertSnapshots, columns.ids, columns.workflows, versions, schemas, states, commits)
	})
	if err != nil {
		return wrap(err, "save snapshots of %s", describe(keys))
	}
	return nil
}
