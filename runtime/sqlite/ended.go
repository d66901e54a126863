package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EndedDeliveries implements [store.Causes].
func (s *Store) EndedDeliveries(
	ctx context.Context, instance store.InstanceKey, from int64, limit int,
) (found []store.EndedDelivery, err error) {
	err = s.readers.read(ctx, func(on *connection) (err error) {
		found, err = readEndedOf(on, instance, from, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read ended deliveries of %s: %w", instance, err)
	}
	return found, nil
}

// readEndedOf returns the records of an instance from a version on, up to limit; all of them when it is negative.
func readEndedOf(on session, instance store.InstanceKey, from int64, limit int) (found []store.EndedDelivery, err error) {
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
	err = on.query(row, readEnded, instance.ID, instance.Workflow, from, int64(limit))
	return found, err
}

// insertEndedOf keeps records of ended deliveries. One that is stored already stays as it is.
func insertEndedOf(on session, records []store.EndedDelivery) error {
	for i := range records {
		e := &records[i]
		t, err := tableOf(e.Lease.Queue)
		if err == nil {
			_, err = on.exec(recordEnded, e.Lease.Instance.ID, e.Lease.Instance.Workflow, string(e.Lease.Queue), e.Lease.Version,
				t.itemText(&e.Lease), e.Kind, string(e.Ending), micros(e.At), int64(e.Attempts),
				e.By.Instance.ID, e.By.Instance.Workflow, e.By.Version, usererr.Bound(e.Reason))
		}
		if err != nil {
			return err
		}
	}
	return nil
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
