package postgres

import (
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// fitsAppendChange reports whether appendChange can store a change. It takes one lease, on a delivery of the instance itself, and none of
// what is rare.
func fitsAppendChange(change *store.Change) bool {
	if change.Version == 0 && change.List > 0 || change.UniqueKey != "" || len(change.Search) > 0 || change.Parent != nil || len(change.Consume) > 1 || len(change.CancelEffects) > 0 ||
		len(change.Settle) > 0 || len(change.Ended) > 0 || !change.Inputs.Empty() {
		return false
	}
	return len(change.Consume) == 0 || change.Consume[0].Instance == change.Instance
}

// queueAppendChange adds a change as one statement.
func (b *changeBatch) queueAppendChange(commit store.CommitID, change *store.Change) {
	var lease store.Lease
	var item string
	if len(change.Consume) > 0 {
		lease = change.Consume[0]
		item = leaseItem(lease)
		b.consumed = map[store.QueueName][]store.Lease{lease.Queue: change.Consume}
	}
	events, effects, timers := len(change.Events), len(change.Effects), len(change.Timers)
	var ( // none of them nil, which would be NULL
		types, eventPayloads   = make([]string, events), make([]string, events)
		schemaVersions         = make([]int32, events)
		kinds, effectPayloads  = make([]string, effects), make([]string, effects)
		keys, inputs, payloads = make([]string, timers), make([]string, timers), make([]string, timers)
		times                  = make([]time.Time, timers)
		cancelled              = append([]string{}, change.Cancel...)

		causes, effectTraces, limitKeys, timerTraces []string
		leasedEffects, leasedTimers                  []bool // NULL for none
		until                                        time.Time
	)
	for i, event := range change.Events {
		types[i], schemaVersions[i], eventPayloads[i] = event.Type, int32(event.SchemaVersion), string(event.Payload)
		causes = sparse(causes, i, string(event.Cause))
	}
	for i, effect := range change.Effects {
		kinds[i], effectPayloads[i] = effect.Kind, string(effect.Payload)
		effectTraces = sparse(effectTraces, i, effect.Trace)
		limitKeys = sparse(limitKeys, i, effect.LimitKey)
	}
	for i, timer := range change.Timers {
		keys[i], inputs[i], payloads[i], times[i] = timer.Key, timer.Input, string(timer.Payload), timer.FireAt
		timerTraces = sparse(timerTraces, i, timer.Trace)
	}
	if change.Leases() {
		until = change.Lease.Until
		leasedEffects, leasedTimers = make([]bool, effects), make([]bool, timers)
		for i, effect := range change.Effects {
			leasedEffects[i] = effect.Leased
		}
		for i, timer := range change.Timers {
			leasedTimers[i] = timer.Leased
		}
	}
	b.Queue(b.queries.appendChange,
		change.Instance.ID, change.Instance.Workflow, change.Version, change.Now, change.Due, change.Complete, int64(commit),
		string(lease.Queue), lease.Version, item, lease.Token,
		types, schemaVersions, eventPayloads, kinds, effectPayloads, keys, inputs, payloads, times, cancelled,
		change.Status, causes, effectTraces, limitKeys, timerTraces,
		int64(lease.Commit), int64(change.LastCommit),
		usererr.Bound(change.Lease.Holder), until, leasedEffects, leasedTimers)
}
