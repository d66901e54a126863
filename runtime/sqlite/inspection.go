package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime"
)

// History implements [runtime.Inspection].
func (s *Store) History(
	ctx context.Context, instance runtime.InstanceKey, after int64, limit int,
) (events []runtime.StoredEvent, err error) {
	row := func(columns []driver.Value) error {
		events = append(events, runtime.StoredEvent{
			Instance: instance, Version: number(columns[0]), GlobalSequence: number(columns[1]), Type: text(columns[2]),
			SchemaVersion: int(number(columns[3])), Payload: []byte(text(columns[4])), RecordedAt: fromMicros(number(columns[5])),
		})
		return ctx.Err()
	}
	err = s.read(ctx, func(on *connection) error {
		return on.query(row, readHistory, instance.ID, instance.Workflow, after, int64(limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the history of %s: %w", instance, err)
	}
	return events, nil
}
