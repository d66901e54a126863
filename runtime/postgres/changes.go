package postgres

import (
	"cmp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// instanceColumns are the two columns that lead every table.
type instanceColumns struct {
	ids, workflows []string
}

func newInstanceColumns(capacity int) instanceColumns {
	return instanceColumns{ids: make([]string, 0, capacity), workflows: make([]string, 0, capacity)}
}

func (c *instanceColumns) add(key store.InstanceKey) {
	c.ids = append(c.ids, key.ID)
	c.workflows = append(c.workflows, key.Workflow)
}

func (c *instanceColumns) empty() bool { return len(c.ids) == 0 }

func (c *instanceColumns) at(index int) store.InstanceKey {
	return store.InstanceKey{ID: c.ids[index], Workflow: c.workflows[index]}
}

// changeBatch turns changes into statements. Each method adds the statements of one table and skips those that have
// nothing to do.
type changeBatch struct {
	pgx.Batch
	queries *queries
	changes []*store.Change // in the order of the instances' keys; rows are in this order in all statements

	// What refusals point into.
	keyColumns instanceColumns
	keys       []string
	consumed   map[store.QueueName][]store.Lease
	settled    []store.Lease

	looksUp  bool // lookUp was added
	implicit bool // the statements are a transaction without BEGIN and COMMIT
}

// lookUp adds a statement that needs lookUp before it.
func (b *changeBatch) lookUp(sql string, args ...any) {
	if !b.looksUp {
		b.looksUp = true
		b.Queue(lookUp)
	}
	b.Queue(sql, args...)
}

func newChangeBatch(queries *queries, changes []store.Change) *changeBatch {
	b := &changeBatch{queries: queries, changes: make([]*store.Change, len(changes))}
	for i := range changes {
		b.changes[i] = &changes[i]
	}
	slices.SortFunc(b.changes, func(a, b *store.Change) int { return compareKeys(a.Instance, b.Instance) })
	return b
}

// compareKeys orders instances as their table's key does, in which all transactions lock and insert them.
func compareKeys(a, b store.InstanceKey) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Workflow, b.Workflow))
}

func (b *changeBatch) describe() string {
	keys := make([]store.InstanceKey, len(b.changes))
	for i, change := range b.changes {
		keys[i] = change.Instance
	}
	return describe(keys)
}

// count adds up what of has for each change.
func (b *changeBatch) count(of func(*store.Change) int) (n int) {
	for _, change := range b.changes {
		n += of(change)
	}
	return n
}

// queueChanges adds all changes. Instances and their events come first: whoever lost a race for an instance waits here, before it holds
// anything of the others, and a conflict is found before any other reason to refuse.
func (b *changeBatch) queueChanges(commit store.CommitID) {
	b.instances()
	b.events(commit)
	b.predecessors()
	b.uniqueKeys()
	b.search()
	b.consume()
	b.settle()
	b.checkPauses()
	b.timers(commit)
	b.cancelEffects()
	b.effects(commit)
	b.completions()
	b.ended()
	b.inputs()
}

// instances writes the rows of those that the changes create or complete.
func (b *changeBatch) instances() {
	type columns struct {
		instanceColumns
		nows     []time.Time
		complete []bool
		statuses []string
	}
	var created, completed columns
	var list int64 // those of an engine are the same
	for _, change := range b.changes {
		to := &created
		if change.Version > 0 {
			if !change.Complete {
				continue
			}
			to = &completed
		} else {
			list = change.List
		}
		to.add(change.Instance)
		to.nows = append(to.nows, change.Now)
		to.complete = append(to.complete, change.Complete)
		to.statuses = append(to.statuses, change.Status)
	}
	if c := &created; !c.empty() {
		b.Queue(b.queries.insertInstances, c.ids, c.workflows, c.nows, c.complete, c.statuses, list)
	}
	if c := &completed; !c.empty() {
		b.lookUp(b.queries.completeInstances, c.ids, c.workflows, c.nows, c.statuses)
	}
}

// predecessors checks what the changes continue.
func (b *changeBatch) predecessors() {
	columns := versionColumns{}
	for _, change := range b.changes {
		if change.Version > 0 {
			columns.add(change.Instance)
			columns.versions = append(columns.versions, change.Version)
			columns.last = append(columns.last, int64(change.LastCommit))
		}
	}
	if !columns.empty() {
		b.Queue(b.queries.checkPredecessors, columns.ids, columns.workflows, columns.versions, columns.last)
	}
}

// sparse sets an element of a column that few rows have, and that ends with the last of them: unnest makes NULL of what is
// not there.
func sparse[T comparable](column []T, index int, value T) []T {
	var zero T
	if value == zero {
		return column
	}
	for len(column) <= index {
		column = append(column, zero)
	}
	column[index] = value
	return column
}

func (b *changeBatch) uniqueKeys() {
	columns := &b.keyColumns
	for _, change := range b.changes {
		if change.UniqueKey != "" {
			columns.add(change.Instance)
			b.keys = append(b.keys, change.UniqueKey)
		}
	}
	if !columns.empty() {
		b.Queue(b.queries.insertUniqueKeys, columns.ids, columns.workflows, b.keys)
		b.Queue(b.queries.checkUniqueKeys, columns.ids, columns.workflows, b.keys)
	}
}

// consume removes the deliveries that caused the changes, as settling them would.
func (b *changeBatch) consume() {
	for _, change := range b.changes {
		for _, lease := range change.Consume {
			if b.consumed == nil {
				b.consumed = make(map[store.QueueName][]store.Lease, 2)
			}
			b.consumed[lease.Queue] = append(b.consumed[lease.Queue], lease)
		}
	}
	for _, leases := range b.consumed {
		slices.SortFunc(leases, compareLeases)
	}
	if effects := b.consumed[store.EffectQueue]; len(effects) > 0 {
		b.lookUp(b.queries.effects.consume, leaseColumns(effects)...)
	}
	if timers := b.consumed[store.TimerQueue]; len(timers) > 0 {
		b.lookUp(b.queries.timers.consume, leaseColumns(timers)...)
	}
}

// settle ends leases on deliveries that caused the changes and stay.
func (b *changeBatch) settle() {
	for _, change := range b.changes {
		for i := range change.Settle {
			queue := &b.queries.effects
			if change.Settle[i].Lease.Queue == store.TimerQueue {
				queue = &b.queries.timers
			}
			// There is hardly ever more than one, so each is a statement.
			settled := change.Settle[i : i+1]
			b.settled = append(b.settled, settled[0].Lease)
			columns := newSettlementColumns(settled)
			b.lookUp(queue.settle, append(columns.args(), len(b.settled))...)
		}
	}
}

func (b *changeBatch) events(commit store.CommitID) {
	n := b.count(func(c *store.Change) int { return len(c.Events) })
	var (
		columns        = newInstanceColumns(n)
		versions       = make([]int64, 0, n)
		types          = make([]string, 0, n)
		schemaVersions = make([]int32, 0, n)
		payloads       = make(payloadColumn, 0, n)
		recorded       = make([]time.Time, 0, n)
		causes         = make(payloadColumn, 0, n)

		statuses, parents []string
		completes         []bool
	)
	for _, change := range b.changes {
		if change.Version == 0 {
			parents = sparse(parents, len(versions), store.EncodeParent(change.Parent))
		}
		for i, event := range change.Events {
			columns.add(change.Instance)
			versions = append(versions, change.Version+int64(i)+1)
			types = append(types, event.Type)
			schemaVersions = append(schemaVersions, int32(event.SchemaVersion))
			payloads = append(payloads, event.Payload)
			recorded = append(recorded, change.Now)
			causes = append(causes, event.Cause)
		}
		statuses = sparse(statuses, len(versions)-1, change.Status)
		completes = sparse(completes, len(versions)-1, change.Complete)
	}
	b.Queue(b.queries.insertEvents,
		columns.ids, columns.workflows, versions, types, schemaVersions, payloads, recorded, int64(commit), causes,
		statuses, completes, parents)
}

func (b *changeBatch) effects(commit store.CommitID) {
	n := b.count(func(c *store.Change) int { return len(c.Effects) })
	if n == 0 {
		return
	}
	var (
		columns   = newInstanceColumns(n)
		versions  = make([]int64, 0, n)
		positions = make([]int32, 0, n)
		kinds     = make([]string, 0, n)
		payloads  = make(payloadColumn, 0, n)
		runAt     = make([]time.Time, 0, n)
		nows      = make([]time.Time, 0, n)

		traces, limitKeys []string
		leases            newLeaseColumns
	)
	for _, change := range b.changes {
		for position, effect := range change.Effects {
			columns.add(change.Instance)
			versions = append(versions, change.NewVersion())
			positions = append(positions, int32(position))
			kinds = append(kinds, effect.Kind)
			payloads = append(payloads, effect.Payload)
			runAt = append(runAt, leases.add(change, effect.Leased, change.Due))
			nows = append(nows, change.Now)
			traces = sparse(traces, len(kinds)-1, effect.Trace)
			limitKeys = sparse(limitKeys, len(kinds)-1, effect.LimitKey)
		}
	}
	b.Queue(b.queries.insertEffects,
		columns.ids, columns.workflows, versions, positions, kinds, payloads, runAt, nows, traces, limitKeys,
		int64(commit), leases.holders, leases.claimedAt)
}

// newLeaseColumns are the holders of new deliveries that are leased, and when they have claimed them. Both columns end with the last of them.
type newLeaseColumns struct {
	rows      int
	holders   []string
	claimedAt []time.Time
}

// add adds the next delivery, and returns its run_at, which is due unless it is leased.
func (c *newLeaseColumns) add(change *store.Change, leased bool, due time.Time) (runAt time.Time) {
	c.rows++
	if !leased {
		return due
	}
	c.holders = sparse(c.holders, c.rows-1, usererr.Bound(change.Lease.Holder))
	for len(c.claimedAt) < c.rows {
		c.claimedAt = append(c.claimedAt, change.Due)
	}
	return change.Lease.Until
}

// checkPauses comes before new deliveries, and after everything that may wait for others.
func (b *changeBatch) checkPauses() {
	var workflows []string
	for _, change := range b.changes {
		if name := change.Instance.Workflow; change.Leases() && !slices.Contains(workflows, name) {
			workflows = append(workflows, name)
		}
	}
	if len(workflows) > 0 {
		b.Queue(b.queries.checkPauses, workflows)
	}
}

func (b *changeBatch) timers(commit store.CommitID) {
	n := b.count(func(c *store.Change) int { return len(c.Timers) })
	var (
		started       = newInstanceColumns(n)
		keys          = make([]string, 0, n)
		generations   = make([]int64, 0, n)
		inputs        = make([]string, 0, n)
		payloads      = make(payloadColumn, 0, n)
		fireAt, runAt = make([]time.Time, 0, n), make([]time.Time, 0, n)
		traces        []string
		leases        newLeaseColumns

		cancelled     instanceColumns
		cancelledKeys []string
	)
	for _, change := range b.changes {
		for _, key := range change.Cancel {
			cancelled.add(change.Instance)
			cancelledKeys = append(cancelledKeys, key)
		}
		for _, timer := range change.Timers {
			started.add(change.Instance)
			keys = append(keys, timer.Key)
			generations = append(generations, change.NewVersion())
			inputs = append(inputs, timer.Input)
			payloads = append(payloads, timer.Payload)
			fireAt, runAt = append(fireAt, timer.FireAt), append(runAt, leases.add(change, timer.Leased, timer.FireAt))
			traces = sparse(traces, len(keys)-1, timer.Trace)
		}
	}
	if !cancelled.empty() {
		b.lookUp(b.queries.cancelTimers, cancelled.ids, cancelled.workflows, cancelledKeys)
	}
	if !started.empty() {
		b.Queue(b.queries.upsertTimers, started.ids, started.workflows, keys, generations, inputs, payloads, fireAt,
			traces, int64(commit), runAt, leases.holders, leases.claimedAt)
	}
}

// cancelEffects gives up effects, also those that are leased: their handlers find out when they extend or settle.
func (b *changeBatch) cancelEffects() {
	var columns instanceColumns
	var kinds []string
	var by []int64
	var nows []time.Time
	for _, change := range b.changes {
		for _, cancelled := range change.CancelEffects {
			columns.add(change.Instance)
			kinds, by, nows = append(kinds, cancelled.Kind), append(by, cancelled.By), append(nows, change.Now)
		}
	}
	if !columns.empty() {
		b.lookUp(b.queries.cancelEffects, columns.ids, columns.workflows, kinds, by, nows)
	}
}

// inputs keeps what is to be kept of the inputs themselves.
func (b *changeBatch) inputs() {
	var records store.InputRecords
	for _, change := range b.changes {
		records.Add(change.Inputs)
	}
	queueInputs(&b.Batch, b.queries, records)
}

// completions deletes what an instance holds only while it is active. Its effects are still delivered.
func (b *changeBatch) completions() {
	var columns instanceColumns
	for _, change := range b.changes {
		if change.Complete {
			columns.add(change.Instance)
		}
	}
	if !columns.empty() {
		b.lookUp(b.queries.deleteTimers, columns.ids, columns.workflows)
		b.lookUp(b.queries.deleteUniqueKeys, columns.ids, columns.workflows)
	}
}
