package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ReadPayloads implements store.Transfer. Its statements are one round trip. Millions of rows are read with it, so that each costs no memory of its
// own.
func (s *Store) ReadPayloads(ctx context.Context, instances []store.InstanceKey) (found []store.InstancePayloads, err error) {
	keys := newInstanceColumns(len(instances))
	for _, key := range instances {
		keys.add(key)
	}
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		found = make([]store.InstancePayloads, len(instances))
		for i, key := range instances {
			found[i].Key = key
		}
		r := payloadReader{batch: batch, keys: &keys, found: found, name: text{known: make(map[string]string)}}
		r.readEvents(s.queries.transfer.eventPayloads)
		r.readDeliveries(s.queries.transfer.effectPayloads, func(of *store.InstancePayloads) *[]store.DeliveryPayload { return &of.Effects })
		r.readDeliveries(s.queries.transfer.timerPayloads, func(of *store.InstancePayloads) *[]store.DeliveryPayload { return &of.Timers })
		r.readOutcomes(s.queries.transfer.outcomePayloads)
	})
	if err != nil {
		return nil, wrap(err, "read payloads of %s", describe(instances))
	}
	for i := range found { // in order already, as long as the server does the obvious
		slices.SortFunc(found[i].Events, func(a, b store.StoredEvent) int { return cmp.Compare(a.Version, b.Version) })
	}
	return found, nil
}

// payloadReader reads rows into found.
type payloadReader struct {
	batch *pgx.Batch
	keys  *instanceColumns
	found []store.InstancePayloads

	number  int64 // of the instance, from 1
	name    text
	payload arena
}

// read queues a query. Its first column is the number of an instance.
func (r *payloadReader) read(sql string, add func(of *store.InstancePayloads), columns ...any) {
	columns = append([]any{&r.number}, columns...)
	r.batch.Queue(sql, r.keys.ids, r.keys.workflows).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, columns, func() error {
			add(&r.found[r.number-1])
			return nil
		})
		return err
	})
}

func (r *payloadReader) readEvents(sql string) {
	var e store.StoredEvent
	usual := 1 // events of an instance, by those of the previous one
	r.read(sql, func(of *store.InstancePayloads) {
		if of.Events == nil {
			of.Events = make([]store.StoredEvent, 0, usual)
		}
		e.Instance, e.Type, e.Payload = of.Key, r.name.last, r.payload.last
		of.Events = append(of.Events, e)
		usual = len(of.Events)
	}, &e.Version, &r.name, &e.SchemaVersion, &r.payload)
}

func (r *payloadReader) readDeliveries(sql string, queue func(of *store.InstancePayloads) *[]store.DeliveryPayload) {
	r.read(sql, func(of *store.InstancePayloads) {
		q := queue(of)
		*q = append(*q, store.DeliveryPayload{Kind: store.Kind{Workflow: of.Key.Workflow, Name: r.name.last}, Payload: r.payload.last})
	}, &r.name, &r.payload)
}

func (r *payloadReader) readOutcomes(sql string) {
	var id string
	r.read(sql, func(of *store.InstancePayloads) {
		of.Outcomes = append(of.Outcomes, store.InputOutcome{Input: store.InputKey{Instance: of.Key, ID: id}, Outcome: r.payload.last})
	}, &id, &r.payload)
}

// text scans a text of which there are few different ones.
type text struct {
	known map[string]string
	last  string
}

// ScanBytes implements pgtype.BytesScanner.
func (t *text) ScanBytes(src []byte) error {
	var known bool
	if t.last, known = t.known[string(src)]; !known {
		t.last = string(src)
		t.known[t.last] = t.last
	}
	return nil
}

// arena scans payloads into memory that many share.
type arena struct{ free, last []byte }

const arenaSize = 64 << 10 // bytes

// ScanBytes implements pgtype.BytesScanner.
func (a *arena) ScanBytes(src []byte) error {
	if len(src) > len(a.free) {
		a.free = make([]byte, max(len(src), arenaSize))
	}
	n := copy(a.free, src)
	a.last, a.free = a.free[:n:n], a.free[n:]
	return nil
}
