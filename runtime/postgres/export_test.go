package postgres

import "github.com/ironflow-gen/ironflow/runtime"

// What tests outside of the package look at.

const (
	SchemaVersion = schemaVersion
	UseIndexes    = useIndexes
)

func (s *Store) ClaimStatement(queue runtime.QueueName) string {
	if queue == runtime.TimerQueue {
		return s.queries.timers.claim
	}
	return s.queries.effects.claim
}

// KeyStatements are the ones that look for rows by key.
func (s *Store) KeyStatements() map[string]string {
	q := s.queries
	return map[string]string{
		"lockInstances": q.lockInstances, "readInstances": q.readInstances, "updateInstances": q.updateInstances,
		"extendEffects": q.effects.extend, "removeEffects": q.effects.remove, "keepEffects": q.effects.keep,
		"extendTimers": q.timers.extend, "removeTimers": q.timers.remove, "keepTimers": q.timers.keep,
		"cancelTimers": q.cancelTimers, "deleteTimers": q.deleteTimers,
		"readUniqueKeys": q.readUniqueKeys, "deleteUniqueKeys": q.deleteUniqueKeys,
	}
}

var StorableError = storableError
