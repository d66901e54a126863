// Package storetest is the written form of what a store.Store promises. Every store runs it against a real database:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Fixture { … })
//	}
//
// The name of each test is the rule. What holds both for units of work and for Append is said once, and checked for both. Rules look at the tables themselves wherever what the database holds matters more
// than what the store answers; the tables and their columns are the same in every store.
package storetest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Fixture is one store over tables that hold nothing yet and that nothing else uses.
type Fixture struct {
	Store store.Store

	// DB reads the tables of Store, and changes them as only a database that was damaged or set back does. A query may run while a unit
	// of work is open, and must not see any of it. It is nil for a store without SQL: then Rows reads the tables, and rules that change
	// them are skipped.
	DB *sql.DB

	// Prefix stands before the name of each table: ironflow_ or "a_schema".
	Prefix string

	// Rows returns the rows of a table by their columns, for a store without SQL.
	Rows func(table string) []map[string]any

	// Concurrent says that units of work over different instances do not wait for each other, and neither do those that
	// found an instance missing. A store with a single writer leaves it false; there they wait.
	Concurrent bool

	// Project is the store's Project, see Projecting. insert adds a row to a table, and fails for an unknown table.
	Project func(ctx context.Context, name string, apply func(insert func(table string, row int) error) error, update store.ProjectionUpdate) error
}

// Run checks every rule, each over a fixture of its own that open makes and cleans up, in parallel. Rules of an ability that the store
// lacks are skipped. So a store can be checked from its first methods on.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	both, each := []way{unitOfWork, appending}, []way{appending}
	of := func(names ...string) []string { return names }
	for _, c := range []chapter{
		// What every store is.
		{"find", nil, findRules, both},
		{"read", nil, readRules, each},
		{"unit of work", nil, unitRules, []way{unitOfWork}},
		{"append", nil, appendRules, each},
		{"commit", nil, commitRules, both},
		{"committed", nil, committedRules, both},
		{"completion", nil, completionRules, both},
		{"values", nil, valueRules, both},
		{"carried", nil, carriedRules, both},
		{"race", nil, raceRules, both},
		{"set", nil, setRules, both},
		{"unique key", nil, uniqueKeyRules, both},
		{"timer", nil, timerRules, both},
		{"effects", nil, linesOf(store.EffectQueue, queueRules), both},
		{"timers", nil, linesOf(store.TimerQueue, queueRules), both},
		{"effects born leased", nil, linesOf(store.EffectQueue, bornRules), both},
		{"timers born leased", nil, linesOf(store.TimerQueue, bornRules), both},
		{"settle in a change", nil, settleInChangeRules, both},
		{"cancelled effects", nil, cancelEffectRules, both},
		{"histories", nil, historyRules, both},
		{"histories of effects", nil, linesOf(store.EffectQueue, historyOfDeliveryRules), both},
		{"histories of timers", nil, linesOf(store.TimerQueue, historyOfDeliveryRules), both},
		{"context", nil, contextRules, []way{unitOfWork}},

		// What a store can be besides.
		{"inputs", of("InputLog"), inputRules, both},
		{"schedules", of("Schedules"), scheduleRules, each},
		{"snapshot", of("Snapshots"), snapshotRules, each},
		{"limits", of("Limits"), limitRules, each},
		{"paused effects", of("Pauses"), linesOf(store.EffectQueue, pauseRules), each},
		{"paused timers", of("Pauses"), linesOf(store.TimerQueue, pauseRules), each},
		{"inspection", of("Inspection"), inspectionRules, each},
		{"backlog of effects", of("Inspection"), linesOf(store.EffectQueue, backlogRules), each},
		{"backlog of timers", of("Inspection"), linesOf(store.TimerQueue, backlogRules), each},
		{"what a process cannot take, of effects", of("Inspection", "DeadLetters"), linesOf(store.EffectQueue, blockedRules), each},
		{"what a process cannot take, of timers", of("Inspection", "DeadLetters"), linesOf(store.TimerQueue, blockedRules), each},
		{"pages", of("Inspection", "InputLog", "Feed"), pageRules, each},
		{"causes", of("Causes"), causeRules, each},
		{"search", of("Search"), searchRules, both},
		{"ended deliveries", of("Causes"), endedRules, both},
		{"dead effects", of("DeadLetters"), linesOf(store.EffectQueue, deadLetterRules), each},
		{"dead timers", of("DeadLetters"), linesOf(store.TimerQueue, deadLetterRules), each},
		{"subject keys", of("SubjectKeys"), subjectRules, both},
		{"programs", of("Programs"), programRules, each},
		{"audit", of("AuditLog"), auditRules, both},
		{"forgetting", of("Forgetting"), forgettingRules, each},
		{"cells", of("Cells"), cellRules, both},
		{"feed", of("Feed"), feedRules, both},
		{"transfer", of("Transfer"), transferRules, each},
		{"projection", of("Projections"), projectionRules, each},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, w := range c.ways {
				t.Run(w.String(), func(t *testing.T) {
					for _, r := range c.rules {
						r.needs = append(c.needs[:len(c.needs):len(c.needs)], r.needs...)
						r.run(t, open, w)
					}
				})
			}
		})
	}
}

// chapter is a set of rules about one thing.
type chapter struct {
	name  string
	needs []string // abilities of the store, without which the chapter is skipped
	rules []rule
	ways  []way
}

// rule is one promise of a store.
type rule struct {
	name       string
	check      func(k *kit)
	concurrent bool     // it holds for stores with Fixture.Concurrent only
	needs      []string // abilities beside those of its chapter
}

func (r rule) run(t *testing.T, open func(t *testing.T) Fixture, w way) {
	t.Run(r.name, func(t *testing.T) {
		t.Parallel()
		k := newKit(t, open(t), w)
		if r.concurrent && !k.Concurrent {
			t.Skip("this store has a single writer")
		}
		for _, ability := range r.needs {
			if !k.has(ability) {
				t.Skipf("this store does not have %s", ability)
			}
		}
		r.check(k)
	})
}
