package commit

import "github.com/ironflow-gen/ironflow/runtime/telemetry"

// Health says what the executor is doing.
func (x *Executor) Health() (telemetry.InputHealth, telemetry.CacheHealth) {
	inputs := telemetry.InputHealth{Waiting: len(x.room), Limit: cap(x.room), Delivered: len(x.delivered)}
	d := x.inputs
	d.mu.Lock()
	inputs.Batches = len(d.underWay)
	for _, l := range d.lines {
		if l.apart {
			inputs.Apart++
		} else {
			inputs.Queued += len(l.waiting)
		}
	}
	d.mu.Unlock()
	c := &x.cache.stats
	return inputs, telemetry.CacheHealth{
		Entries: c.entries.Load(), Bytes: c.bytes.Load(), Limit: int64(x.cache.limit), Hits: c.hits.Load(), Misses: c.misses.Load(),
	}
}
