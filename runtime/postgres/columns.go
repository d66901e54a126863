package postgres

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime"
)

// instanceColumns are the two columns that lead every table.
type instanceColumns struct {
	ids, workflows []string
}

func (c *instanceColumns) add(key runtime.InstanceKey) {
	c.ids = append(c.ids, key.ID)
	c.workflows = append(c.workflows, key.Workflow)
}

func (c *instanceColumns) empty() bool { return len(c.ids) == 0 }

func (b *changeBatch) instances(changes []runtime.Change) {
	type columns struct {
		instanceColumns
		keys     []runtime.InstanceKey
		versions []int64
		nows     []time.Time
		complete []bool
		expected []int64
	}
	var created, changed columns
	for i := range changes {
		change := &changes[i]
		to := &changed
		if change.Version == 0 {
			to = &created
		}
		to.add(change.Instance)
		to.keys = append(to.keys, change.Instance)
		to.versions = append(to.versions, change.NewVersion())
		to.nows = append(to.nows, change.Now)
		to.complete = append(to.complete, change.Complete)
		to.expected = append(to.expected, change.Version)
	}
	if c := &created; !c.empty() {
		b.queueAll(b.queries.insertInstances, c.keys, c.ids, c.workflows, c.versions, c.nows, c.complete)
	}
	if c := &changed; !c.empty() {
		b.queueAll(b.queries.updateInstances, c.keys, c.ids, c.workflows, c.versions, c.nows, c.complete, c.expected)
	}
}

func (b *changeBatch) uniqueKeys(changes []runtime.Change) {
	var (
		columns instanceColumns
		keys    []string
	)
	for i := range changes {
		if change := &changes[i]; change.UniqueKey != "" {
			columns.add(change.Instance)
			keys = append(keys, change.UniqueKey)
		}
	}
	if columns.empty() {
		return
	}
	b.Queue(b.queries.insertUniqueKeys, columns.ids, columns.workflows, keys)
	b.Queue(b.queries.readUniqueKeys, columns.workflows, keys).Query(func(rows pgx.Rows) error {
		holders := make([]string, len(keys))
		var number int64
		var holder string
		_, err := pgx.ForEachRow(rows, []any{&number, &holder}, func() error {
			holders[number-1] = holder
			return nil
		})
		if err != nil {
			return err
		}
		for i, holder := range holders {
			instance := runtime.InstanceKey{Workflow: columns.workflows[i], ID: columns.ids[i]}
			switch holder {
			case instance.ID:
			case "": // freed between the two statements
				return fmt.Errorf("postgres: commit %s: unique key %q was just freed: %w", instance, keys[i], runtime.ErrConflict)
			default:
				return &runtime.UniqueKeyConflict{Instance: instance, Key: keys[i], Holder: holder}
			}
		}
		return nil
	})
}

// consume removes the deliveries that caused the changes, as settling them would.
func (b *changeBatch) consume(changes []runtime.Change) {
	var effects, timers []runtime.Lease
	for i := range changes {
		switch lease := changes[i].Consume; {
		case lease == nil:
		case lease.Queue == runtime.TimerQueue:
			timers = append(timers, *lease)
		default:
			effects = append(effects, *lease)
		}
	}
	b.remove(b.queries.effects.remove, effects)
	b.remove(b.queries.timers.remove, timers)
}

func (b *changeBatch) remove(sql string, leases []runtime.Lease) {
	if len(leases) == 0 {
		return
	}
	held := make(marks, len(leases))
	b.Queue(sql, leaseColumns(leases)...).Query(func(rows pgx.Rows) error {
		if err := held.collect(rows); err != nil {
			return err
		}
		if lost := slices.Index(held, false); lost >= 0 {
			return &runtime.LeaseLost{Lease: leases[lost]}
		}
		return nil
	})
}

func (b *changeBatch) events(changes []runtime.Change) {
	var (
		columns        instanceColumns
		versions       []int64
		types          []string
		schemaVersions []int32
		payloads       []string
		recorded       []time.Time
	)
	for i := range changes {
		change := &changes[i]
		for n, event := range change.Events {
			columns.add(change.Instance)
			versions = append(versions, change.Version+int64(n)+1)
			types = append(types, event.Type)
			schemaVersions = append(schemaVersions, int32(event.SchemaVersion))
			payloads = append(payloads, string(event.Payload))
			recorded = append(recorded, change.Now)
		}
	}
	b.Queue(b.queries.insertEvents, columns.ids, columns.workflows, versions, types, schemaVersions, payloads, recorded)
}

func (b *changeBatch) effects(changes []runtime.Change) {
	var (
		columns   instanceColumns
		versions  []int64
		positions []int32
		kinds     []string
		payloads  []string
		nows      []time.Time
	)
	for i := range changes {
		change := &changes[i]
		for position, effect := range change.Effects {
			columns.add(change.Instance)
			versions = append(versions, change.NewVersion())
			positions = append(positions, int32(position))
			kinds = append(kinds, effect.Kind)
			payloads = append(payloads, string(effect.Payload))
			nows = append(nows, change.Now)
		}
	}
	if !columns.empty() {
		b.Queue(b.queries.insertEffects, columns.ids, columns.workflows, versions, positions, kinds, payloads, nows)
	}
}

func (b *changeBatch) timers(changes []runtime.Change) {
	var (
		cancelled, started  instanceColumns
		cancelledKeys, keys []string
		generations         []int64
		inputs, payloads    []string
		fireAt              []time.Time
	)
	for i := range changes {
		change := &changes[i]
		for _, key := range change.Cancel {
			cancelled.add(change.Instance)
			cancelledKeys = append(cancelledKeys, key)
		}
		for _, timer := range change.Timers {
			started.add(change.Instance)
			keys = append(keys, timer.Key)
			generations = append(generations, change.NewVersion())
			inputs = append(inputs, timer.Input)
			payloads = append(payloads, string(timer.Payload))
			fireAt = append(fireAt, timer.FireAt)
		}
	}
	if !cancelled.empty() {
		b.Queue(b.queries.cancelTimers, cancelled.ids, cancelled.workflows, cancelledKeys)
	}
	if !started.empty() {
		b.Queue(b.queries.upsertTimers, started.ids, started.workflows, keys, generations, inputs, payloads, fireAt)
	}
}

// completions deletes what an instance holds only while it is active. Its effects are still delivered.
func (b *changeBatch) completions(changes []runtime.Change) {
	var columns instanceColumns
	for i := range changes {
		if changes[i].Complete {
			columns.add(changes[i].Instance)
		}
	}
	if !columns.empty() {
		b.Queue(b.queries.deleteTimers, columns.ids, columns.workflows)
		b.Queue(b.queries.deleteUniqueKeys, columns.ids, columns.workflows)
	}
}
