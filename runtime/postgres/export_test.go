package postgres

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// What tests outside of the package look at.

const (
	UseIndexes  = useIndexes
	LookUp      = lookUp
	ReadInOrder = readInOrder
)

var (
	NewestVersion = len(migrations)
	EndOfTime     = endOfTime
)

func (s *Store) ClaimStatement(queue store.QueueName) string {
	if queue == store.TimerQueue {
		return s.queries.timers.claim
	}
	return s.queries.effects.claim
}

func (s *Store) LookBackStatement(queue store.QueueName) string {
	if queue == store.TimerQueue {
		return s.queries.timers.look
	}
	return s.queries.effects.look
}

func (s *Store) ClaimLimitedStatement() string { return s.queries.claimLimited }

func (s *Store) AppendChangeStatement() string { return s.queries.appendChange }

func (s *Store) ListStatement() string { return s.queries.inspection.listInstances }

func (s *Store) DeadStatements() (list, count string) {
	return s.queries.effects.listDead[store.NotTold], s.queries.effects.countDead[store.NotTold]
}

func (s *Store) BacklogStatement() string { return s.queries.effects.backlog }

func (s *Store) FinishedStatement() string { return s.queries.forget.finished }

// KeyStatements are the ones that look for rows by key.
func (s *Store) KeyStatements() map[string]string {
	q := s.queries
	return map[string]string{
		"readMoved": q.readMoved, "checkVersions": q.checkVersions, "upsertSnapshots": q.upsertSnapshots,
		"consumeEffects": q.effects.consume, "consumeTimers": q.timers.consume,
		"readInstances": q.readInstances, "completeInstances": q.completeInstances,
		"checkPredecessors": q.checkPredecessors, "freeVersions": q.freeVersions,
		"extendEffects": q.effects.extend, "removeEffects": q.effects.remove, "keepEffects": q.effects.keep,
		"extendTimers": q.timers.extend, "removeTimers": q.timers.remove, "keepTimers": q.timers.keep,
		"cancelTimers": q.cancelTimers, "deleteTimers": q.deleteTimers, "cancelEffects": q.cancelEffects,
		"refuseEffects": q.effects.refuse, "refuseTimers": q.timers.refuse, "readEnded": q.inspection.ended,
		"readHistory": q.inspection.history, "readCauses": q.inspection.causes, "readCausesBackward": q.inspection.causesBackward,
		"readSummary":    q.inspection.summary,
		"readIdle":       q.inspection.idle,
		"effectsWaiting": q.effects.waiting, "timersWaiting": q.timers.waiting,
		"deleteInstances": q.forget.deleteInstances,
		"checkUniqueKeys": q.checkUniqueKeys, "readKeyHolders": q.readKeyHolders, "deleteUniqueKeys": q.deleteUniqueKeys,
	}
}

// LookingUp are those of KeyStatements that come after lookUp.
var LookingUp = []string{
	"upsertSnapshots", "consumeEffects", "consumeTimers", "completeInstances", "freeVersions", "extendEffects", "removeEffects", "keepEffects",
	"extendTimers", "removeTimers", "keepTimers", "cancelTimers", "deleteTimers", "cancelEffects", "refuseEffects", "refuseTimers",
	"deleteInstances", "deleteUniqueKeys",
}

func (s *Store) ReadEventsStatement() string { return s.queries.readEvents }

// WithNextMigration makes a library of the next version of the schema.
func WithNextMigration(script string) Option {
	return func(c *config) {
		next := len(c.migrations) + 1
		c.migrations = append(slices.Clip(c.migrations), migration{next, fmt.Sprintf("%03d_next.up.sql", next), script})
	}
}

// SetCommitTimeout makes commits give up sooner, until the returned function is called. No test may run beside it.
func SetCommitTimeout(d time.Duration) (restore func()) {
	before := commitTimeout
	commitTimeout = d
	return func() { commitTimeout = before }
}

var WhyUnavailable = whyUnavailable

// SetSuspicion changes how long a call waits before it is asked whether its server was replaced, until the returned function is called.
func SetSuspicion(d time.Duration) (restore func()) {
	before := suspicion
	suspicion = d
	return func() { suspicion = before }
}
