package commit

import "time"

// setBackInterval is how often it is logged that the database was set back.
const setBackInterval = int64(time.Minute) // in nanoseconds

// noteSetBack logs when the store has less of an instance than it has confirmed before. No decision is made on what was lost, but somebody
// may have been told of it. An instance that was deleted and created again is no such case.
func (b *batch) noteSetBack(loaded []loading) {
	for i := range loaded {
		l := &loaded[i]
		confirmed, created, now := l.group.confirmed, l.group.created, &l.instance
		if l.before.version > 0 {
			confirmed, created = l.before.version, l.before.created
		}
		again := now.Created != 0 && created != 0 && now.Created != created
		other := !now.Completed && l.before.version > 0 && now.AfterCommit != l.before.last
		if again || l.before.completed || now.Version >= confirmed && !other {
			continue
		}
		last, at := b.x.setBack.Load(), time.Now().UnixNano()
		if last != 0 && at-last < setBackInterval || !b.x.setBack.CompareAndSwap(last, at) {
			return
		}
		b.x.config.Logger.Error("ironflow: the database was set back: events that were stored are missing or were replaced; "+
			"look for a failover that lost commits, or a restore", "workflow", l.group.key.Workflow, "instance", l.group.key.ID,
			"version", now.Version, "confirmed", confirmed)
		return
	}
}
