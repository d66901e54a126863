package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Load implements [runtime.Store].
func (s *Store) Load(ctx context.Context, instance runtime.InstanceKey) (runtime.Instance, error) {
	var loaded runtime.Instance
	err := s.read(func(on *statements) (err error) {
		loaded, err = load(ctx, on, instance, true)
		return err
	})
	if err != nil {
		return runtime.Instance{}, fmt.Errorf("sqlite: load %s: %w", instance, err)
	}
	return loaded, nil
}

// load reads an instance with its events; those of a completed one only if they are wanted.
func load(ctx context.Context, on *statements, key runtime.InstanceKey, completedToo bool) (runtime.Instance, error) {
	i := runtime.Instance{Key: key}
	event := func(scan func(into ...any) error) error {
		var (
			version, global, schema, recorded sql.NullInt64
			name                              sql.NullString
			payload                           []byte
		)
		if err := scan(&i.Version, &i.Completed, &version, &global, &name, &schema, &payload, &recorded); err != nil {
			return err
		}
		if version.Valid {
			i.Events = append(i.Events, runtime.StoredEvent{
				Instance: key, Version: version.Int64, GlobalSequence: global.Int64, Type: name.String,
				SchemaVersion: int(schema.Int64), Payload: payload, RecordedAt: fromMicros(recorded.Int64),
			})
		}
		return nil
	}
	if err := on.query(ctx, event, loadInstance, completedToo, key.ID, key.Workflow); err != nil {
		// The driver does not always say itself why it was interrupted.
		return runtime.Instance{}, cmp.Or(ctx.Err(), err)
	}
	if wanted := completedToo || !i.Completed; wanted && int64(len(i.Events)) != i.Version {
		return runtime.Instance{}, fmt.Errorf("the instance is at version %d but has %d events", i.Version, len(i.Events))
	}
	return i, nil
}

// Times are kept as microseconds since 1970.

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }
