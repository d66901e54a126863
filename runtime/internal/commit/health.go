package commit

import "github.com/ironflow-gen/ironflow/runtime/telemetry"

// Health adds up what the lanes are doing.
func (x *Executor) Health() (inputs telemetry.InputHealth, lanes []telemetry.LaneHealth, cache telemetry.CacheHealth) {
	inputs = telemetry.InputHealth{Waiting: len(x.room), Limit: cap(x.room), Delivered: len(x.delivered)}
	for _, l := range x.lanes {
		l.mu.Lock()
		lanes = append(lanes, telemetry.LaneHealth{Waiting: len(l.waiting), Apart: len(l.apart)})
		l.mu.Unlock()
		cache.Entries += l.cache.stats.entries.Load()
		cache.Bytes += l.cache.stats.bytes.Load()
		cache.Limit += int64(l.cache.limit)
		cache.Hits += l.cache.stats.hits.Load()
		cache.Misses += l.cache.stats.misses.Load()
	}
	return inputs, lanes, cache
}
