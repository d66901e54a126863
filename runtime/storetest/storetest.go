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

	// DB reads the tables of Store. A query may run while a unit of work is open, and must not see any of it.
	DB *sql.DB

	// Prefix stands before the name of each table: ironflow_ or "a_schema".
	Prefix string

	// Concurrent says that units of work over different instances do not wait for each other, and neither do those that
	// found an instance missing. A store with a single writer leaves it false; there they wait.
	Concurrent bool

	// Project is the store's Project, see Projecting.
	Project func(ctx context.Context, name string, apply func(exec func(statement string) error) error, update store.ProjectionUpdate) error
}

// Run checks every rule, each over a fixture of its own that open makes and cleans up, in parallel.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	both := []way{unitOfWork, appending}
	for _, chapter := range []struct {
		name  string
		rules []rule
		ways  []way
	}{
		{"find", findRules, both},
		{"read", readRules, []way{appending}},
		{"unit of work", unitRules, []way{unitOfWork}},
		{"append", appendRules, []way{appending}},
		{"commit", commitRules, both},
		{"completion", completionRules, both},
		{"values", valueRules, both},
		{"race", raceRules, both},
		{"set", setRules, both},
		{"unique key", uniqueKeyRules, both},
		{"timer", timerRules, both},
		{"effects", linesOf(store.EffectQueue, queueRules), both},
		{"timers", linesOf(store.TimerQueue, queueRules), both},
		{"settle in a change", settleInChangeRules, both},
		{"cancelled effects", cancelEffectRules, both},
		{"ended deliveries", endedRules, both},
		{"inputs", inputRules, both},
		{"limits", limitRules, []way{appending}},
		{"schedules", scheduleRules, []way{appending}},
		{"committed", committedRules, both},
		{"snapshot", snapshotRules, []way{appending}},
		{"histories", historyRules, both},
		{"histories of effects", linesOf(store.EffectQueue, historyOfDeliveryRules), both},
		{"histories of timers", linesOf(store.TimerQueue, historyOfDeliveryRules), both},
		{"paused effects", linesOf(store.EffectQueue, pauseRules), []way{appending}},
		{"paused timers", linesOf(store.TimerQueue, pauseRules), []way{appending}},
		{"backlog of effects", linesOf(store.EffectQueue, backlogRules), []way{appending}},
		{"backlog of timers", linesOf(store.TimerQueue, backlogRules), []way{appending}},
		{"what a process cannot take, of effects", linesOf(store.EffectQueue, blockedRules), []way{appending}},
		{"what a process cannot take, of timers", linesOf(store.TimerQueue, blockedRules), []way{appending}},
		{"dead effects", linesOf(store.EffectQueue, deadLetterRules), []way{appending}},
		{"dead timers", linesOf(store.TimerQueue, deadLetterRules), []way{appending}},
		{"forgetting", forgettingRules, []way{appending}},
		{"inspection", inspectionRules, []way{appending}},
		{"pages", pageRules, []way{appending}},
		{"context", contextRules, []way{unitOfWork}},
		{"feed", feedRules, both},
		{"projection", projectionRules, []way{appending}},
	} {
		t.Run(chapter.name, func(t *testing.T) {
			for _, w := range chapter.ways {
				t.Run(w.String(), func(t *testing.T) {
					for _, r := range chapter.rules {
						r.run(t, open, w)
					}
				})
			}
		})
	}
}

// rule is one promise of a store.
type rule struct {
	name       string
	check      func(k *kit)
	concurrent bool // it holds for stores with Fixture.Concurrent only
}

func (r rule) run(t *testing.T, open func(t *testing.T) Fixture, w way) {
	t.Run(r.name, func(t *testing.T) {
		t.Parallel()
		k := newKit(t, open(t), w)
		if r.concurrent && !k.Concurrent {
			t.Skip("this store has a single writer")
		}
		r.check(k)
	})
}
