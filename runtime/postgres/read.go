package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Read implements store.Store. A single statement reads all instances, so they are from one snapshot of the database.
func (s *Store) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	l := newLoading(requests)
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		l = newLoading(requests) // again for another attempt
		l.queue(batch, s.queries)
	})
	if err != nil {
		return nil, wrap(err, "read %s", describe(l.keys()))
	}
	return l.instances, nil
}

// loading is a set of instances that is being read: the parameters of readInstances, and what came of them.
type loading struct {
	instanceColumns
	after     []int64
	schemas   []string
	completed []bool
	wanted    []string // unique keys; nil when nobody asks for the holder of one

	instances []store.Instance
	unwanted  func(index int) bool // active instances to leave as if they were missing; nil for none
}

func newLoading(requests []store.ReadRequest) *loading {
	n := len(requests)
	l := &loading{
		instanceColumns: newInstanceColumns(n),
		after:           make([]int64, n),
		schemas:         make([]string, n),
		completed:       make([]bool, n),
		instances:       make([]store.Instance, n),
	}
	for i, request := range requests {
		l.add(request.Instance)
		l.after[i], l.schemas[i], l.completed[i] = request.After, request.Schema, request.Completed
		l.instances[i].Key = request.Instance
		if request.UniqueKey != "" {
			if l.wanted == nil {
				l.wanted = make([]string, n)
			}
			l.wanted[i] = request.UniqueKey
		}
	}
	return l
}

// queue adds the statements that read.
func (l *loading) queue(batch *pgx.Batch, queries *queries) {
	batch.Queue(queries.readInstances, l.ids, l.workflows, l.after, l.schemas, l.completed).Query(l.collect)
	if l.wanted != nil {
		batch.Queue(queries.readKeyHolders, l.workflows, l.wanted).Query(l.collectHolders)
	}
}

func (l *loading) keys() []store.InstanceKey {
	keys := make([]store.InstanceKey, len(l.instances))
	for i := range l.instances {
		keys[i] = l.instances[i].Key
	}
	return keys
}

// collectHolders fills in who holds the keys that are asked for.
func (l *loading) collectHolders(rows pgx.Rows) error {
	var number int64
	var holder string
	_, err := pgx.ForEachRow(rows, []any{&number, &holder}, func() error {
		l.instances[number-1].KeyHolder = holder
		return nil
	})
	return err
}

// mark is the commit of a mark, see cells.go.
const mark = -1

// collect fills the instances from the rows of readInstances.
func (l *loading) collect(rows pgx.Rows) error {
	var (
		number, version, snapshot   int64
		created, last, after, saved int64
		completed                   bool
		lastEventAt                 time.Time
		state, parent               []byte
		event                       store.StoredEvent
	)
	// ForEachRow closes the rows on every path.
	_, err := pgx.ForEachRow(rows, []any{
		&number, &version, &completed, &lastEventAt, &last, &snapshot, &state, &saved,
		&event.Version, &event.GlobalSequence, &event.Type, &event.SchemaVersion, &event.Payload, &event.RecordedAt, &event.Commit,
		&parent, &created, &after,
	}, func() error {
		index := int(number - 1)
		instance := &l.instances[index]
		if last == mark {
			instance.Elsewhere = &store.Elsewhere{Instance: instance.Key, Generation: int64(event.SchemaVersion)}
			event.Payload = nil
			return nil
		}
		if !completed && l.unwanted != nil && l.unwanted(index) {
			return nil
		}
		instance.Version, instance.Completed, instance.LastEventAt = version, completed, lastEventAt.UTC()
		instance.LastCommit = store.CommitID(last)
		if created != 0 {
			instance.Created = store.CommitID(created)
		}
		if after != 0 {
			instance.AfterCommit = store.CommitID(after)
		}
		if parent != nil && instance.Parent == nil {
			var err error
			if instance.Parent, err = store.DecodeParent(string(parent)); err != nil {
				return fmt.Errorf("the parent of %s: %w", instance.Key, err)
			}
		}
		if state != nil {
			instance.Snapshot = &store.Snapshot{
				Instance: instance.Key, Version: snapshot, Commit: store.CommitID(saved), Schema: l.schemas[index], State: state,
			}
			state = nil // the next row gets memory of its own
		}
		if event.Version > 0 {
			event.Instance = instance.Key
			event.RecordedAt = event.RecordedAt.UTC()
			instance.Events = append(instance.Events, event)
			event.Payload = nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range l.instances {
		if err := l.checkHistory(i); err != nil {
			return err
		}
	}
	return nil
}

// checkHistory says that the events have no gap. They have one only when somebody wrote to the tables by hand; to decide on such a
// state would make it worse.
func (l *loading) checkHistory(index int) error {
	instance := &l.instances[index]
	if instance.Completed && !l.completed[index] {
		return nil // left out
	}
	from := l.after[index]
	if instance.Snapshot != nil {
		from = instance.Snapshot.Version
	}
	// Who knows more events than there are gets none.
	if n := int64(len(instance.Events)); n != max(instance.Version-from, 0) {
		return fmt.Errorf("the history of %s is damaged: the instance is at version %d, but after version %d it has %d events",
			instance.Key, instance.Version, from, n)
	}
	return nil
}
