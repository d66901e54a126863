package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// History implements store.Inspection.
func (s *Store) History(ctx context.Context, instance store.InstanceKey, after int64, limit int) ([]store.StoredEvent, error) {
	scan := func(row pgx.CollectableRow) (store.StoredEvent, error) {
		event := store.StoredEvent{Instance: instance}
		err := row.Scan(&event.Version, &event.GlobalSequence, &event.Type, &event.SchemaVersion, &event.Payload, &event.RecordedAt,
			&event.Commit, nil, nil)
		event.RecordedAt = event.RecordedAt.UTC()
		return event, err
	}
	events, err := readRows(ctx, s.reads(ctx), scan, s.queries.inspection.history, instance.ID, instance.Workflow, after, int64(limit),
		int64(store.PageBytes))
	if err != nil {
		return nil, wrap(err, "read the history of %s", instance)
	}
	return events, nil
}

// EventCauses implements store.Causes.
func (s *Store) EventCauses(ctx context.Context, query store.CauseQuery) ([]store.EventCause, error) {
	sql := s.queries.inspection.causes
	if query.Backward {
		sql = s.queries.inspection.causesBackward
	}
	events, err := readRows(ctx, s.reads(ctx), scanCause, sql, query.Instance.ID, query.Instance.Workflow, query.From, int64(query.Limit))
	if err != nil {
		return nil, wrap(err, "read the causes of %s", query.Instance)
	}
	return events, nil
}

func scanCause(row pgx.CollectableRow) (e store.EventCause, err error) {
	err = row.Scan(&e.Version, &e.GlobalSequence, &e.Type, &e.RecordedAt, &e.Commit, &e.Cause)
	e.RecordedAt = e.RecordedAt.UTC()
	return e, err
}

// Summary implements store.Inspection.
func (s *Store) Summary(ctx context.Context, instance store.InstanceKey) (store.InstanceSummary, error) {
	found, err := readRows(ctx, s.pool, scanInstance, s.queries.inspection.summary, instance.ID, instance.Workflow)
	switch {
	case err != nil:
		return store.InstanceSummary{Key: instance}, wrap(err, "read %s", instance)
	case len(found) == 0:
		return store.InstanceSummary{Key: instance}, nil
	}
	return found[0], nil
}

// Summaries implements store.Inspection.
func (s *Store) Summaries(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceSummary, error) {
	ids, workflows := columnsOfKeys(instances)
	found, err := readRows(ctx, s.pool, scanInstance, s.queries.inspection.summaries, ids, workflows)
	if err != nil {
		return nil, wrap(err, "read %d instances", len(instances))
	}
	place := make(map[store.InstanceKey]int, len(instances))
	summaries := make([]store.InstanceSummary, len(instances))
	for i, key := range instances {
		place[key], summaries[i].Key = i, key
	}
	for _, one := range found {
		summaries[place[one.Key]] = one
	}
	return summaries, nil
}

// Undelivered implements store.Inspection.
func (s *Store) Undelivered(ctx context.Context, effects []store.Lease) ([]store.Lease, error) {
	keys := make([]store.InstanceKey, len(effects))
	versions, positions := make([]int64, len(effects)), make([]int64, len(effects))
	for i, e := range effects {
		keys[i], versions[i], positions[i] = e.Instance, e.Version, int64(e.Position)
	}
	ids, workflows := columnsOfKeys(keys)
	scan := func(row pgx.CollectableRow) (store.Lease, error) {
		found := store.Lease{Queue: store.EffectQueue}
		err := row.Scan(&found.Instance.ID, &found.Instance.Workflow, &found.Version, &found.Position)
		return found, err
	}
	found, err := readRows(ctx, s.pool, scan, s.queries.inspection.undelivered, ids, workflows, versions, positions)
	if err != nil {
		return nil, wrap(err, "read %d effects", len(effects))
	}
	return found, nil
}

func columnsOfKeys(instances []store.InstanceKey) (ids, workflows []string) {
	ids, workflows = make([]string, len(instances)), make([]string, len(instances))
	for i, instance := range instances {
		ids[i], workflows[i] = instance.ID, instance.Workflow
	}
	return ids, workflows
}

// ListInstances implements store.Inspection.
func (s *Store) ListInstances(ctx context.Context, list store.InstanceList) ([]store.InstanceSummary, error) {
	// What comes before a time comes behind the place of that time and no id.
	from := store.InstancePlace{CreatedAt: orEndOfTime(list.CreatedBefore)}
	if list.After != nil && list.After.CreatedAt.Before(from.CreatedAt) {
		from = *list.After
	}
	args := append(filterArgs(list.InstanceFilter), from.CreatedAt, from.ID, from.Workflow, int64(list.Limit))
	instances, err := readRowsInOrder(ctx, s.reads(ctx), scanInstance, s.queries.inspection.listInstances, args...)
	if err != nil {
		return nil, wrap(err, "list instances")
	}
	return instances, nil
}

func scanInstance(row pgx.CollectableRow) (i store.InstanceSummary, err error) {
	var completed *time.Time
	err = row.Scan(&i.Key.ID, &i.Key.Workflow, &i.Version, &i.Status, &i.CreatedAt, &i.LastEventAt, &completed)
	i.CreatedAt, i.LastEventAt, i.CompletedAt = i.CreatedAt.UTC(), i.LastEventAt.UTC(), orZero(completed)
	return i, err
}

// CountInstances implements store.Inspection. Unlike other queries, it lets the planner read the whole table.
func (s *Store) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	args := append(filterArgs(filter), orEndOfTime(filter.CreatedBefore))
	counts, err := queryRows(ctx, s.reads(ctx), scanCount, s.queries.inspection.countInstances, args...)
	if err != nil {
		return nil, wrap(err, "count instances")
	}
	return counts, nil
}

func scanCount(row pgx.CollectableRow) (c store.InstanceCount, err error) {
	err = row.Scan(&c.Workflow, &c.Status, &c.Completed, &c.Count)
	return c, err
}

// filterArgs are the parameters $1 to $6 of the statements that filter instances.
func filterArgs(f store.InstanceFilter) []any {
	return []any{f.Workflow, string(f.Activity), f.Status, f.CreatedFrom, f.UpdatedFrom, orEndOfTime(f.UpdatedBefore)}
}

// orEndOfTime stands for a bound that is not given. The zero time does so for a lower bound: nothing is as old.
func orEndOfTime(t time.Time) time.Time {
	if t.IsZero() {
		return endOfTime
	}
	return t
}

// IdleInstances implements store.Inspection.
func (s *Store) IdleInstances(ctx context.Context, instances []store.InstanceKey) ([]store.InstanceKey, error) {
	ids, workflows := columnsOfKeys(instances)
	scan := func(row pgx.CollectableRow) (key store.InstanceKey, err error) {
		err = row.Scan(&key.ID, &key.Workflow)
		return key, err
	}
	idle, err := readRows(ctx, s.pool, scan, s.queries.inspection.idle, ids, workflows)
	if err != nil {
		return nil, wrap(err, "find idle instances")
	}
	return idle, nil
}

// EventTypes implements store.Inspection.
func (s *Store) EventTypes(ctx context.Context, sample int) ([]store.EventType, error) {
	scan := func(row pgx.CollectableRow) (t store.EventType, err error) {
		err = row.Scan(&t.Workflow, &t.Type, &t.SchemaVersion, &t.Count, &t.Oldest)
		t.Oldest = t.Oldest.UTC()
		return t, err
	}
	types, err := readRowsInOrder(ctx, s.pool, scan, s.queries.inspection.eventTypes, int64(sample))
	if err != nil {
		return nil, wrap(err, "read the types of events")
	}
	return types, nil
}
