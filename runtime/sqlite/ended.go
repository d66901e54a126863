package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EndedDeliveries implements [store.Causes].
func (s *Store) EndedDeliveries(
	ctx context.Context, instance store.InstanceKey, from int64, limit int,
) (found []store.EndedDelivery, err error) {
	row := func(columns []driver.Value) error {
		e := store.EndedDelivery{
			Lease: store.Lease{Queue: store.QueueName(text(columns[0])), Instance: instance, Version: number(columns[1])},
			Kind:  text(columns[3]), Ending: store.Ending(text(columns[4])), At: fromMicros(number(columns[5])),
			Attempts: int(number(columns[6])), Reason: text(columns[10]),
		}
		e.By.Instance = store.InstanceKey{ID: text(columns[7]), Workflow: text(columns[8])}
		e.By.Version = number(columns[9])
		found = append(found, e)
		return setItemText(&found[len(found)-1].Lease, text(columns[2]))
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, readEnded, instance.ID, instance.Workflow, from, int64(limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read ended deliveries of %s: %w", instance, err)
	}
	return found, nil
}

// itemText is item as records have it.
func (t *table) itemText(l *store.Lease) string {
	if t.name == store.TimerQueue {
		return l.Key
	}
	return strconv.Itoa(l.Position)
}

func setItemText(l *store.Lease, item string) (err error) {
	if l.Queue == store.TimerQueue {
		l.Key = item
		return nil
	}
	l.Position, err = strconv.Atoi(item)
	return err
}
