package runtime

// InputHealth is how many inputs are on their way through an engine.
type InputHealth struct {
	Waiting int // inputs of clients, in lanes or in a commit
	Limit   int // Config.MaxWaiting; further callers wait outside

	Delivered int // inputs of effects and timers on their way, which are not in Waiting
}

// LaneHealth is how full one lane is.
type LaneHealth struct {
	Waiting int // inputs for the next batch
	Apart   int // instances that are served apart from the batches
}

// CacheHealth is how the states kept in memory are doing.
type CacheHealth struct {
	Entries      int64
	Bytes, Limit int64
	Hits, Misses int64 // since the engine was made
}

// HitRatio is the share of decisions that found their instance's state in memory, from 0 to 1; 0 before the first.
func (c CacheHealth) HitRatio() float64 {
	if c.Hits+c.Misses == 0 {
		return 0
	}
	return float64(c.Hits) / float64(c.Hits+c.Misses)
}

// health adds up what the lanes are doing.
func (x *executor) health() (inputs InputHealth, lanes []LaneHealth, cache CacheHealth) {
	inputs = InputHealth{Waiting: len(x.room), Limit: cap(x.room), Delivered: len(x.delivered)}
	for _, l := range x.lanes {
		l.mu.Lock()
		lanes = append(lanes, LaneHealth{Waiting: len(l.waiting), Apart: len(l.apart)})
		l.mu.Unlock()
		cache.Entries += l.cache.stats.entries.Load()
		cache.Bytes += l.cache.stats.bytes.Load()
		cache.Limit += int64(l.cache.limit)
		cache.Hits += l.cache.stats.hits.Load()
		cache.Misses += l.cache.stats.misses.Load()
	}
	return inputs, lanes, cache
}
