// Package storetest is the written form of what a runtime.Store promises. Every store runs it against a real database:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Fixture { … })
//	}
//
// The name of each test is the rule. Rules look at the tables themselves wherever what the database holds matters more
// than what the store answers; the tables and their columns are the same in every store.
package storetest

import (
	"database/sql"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Fixture is one store over tables that hold nothing yet and that nothing else uses.
type Fixture struct {
	Store runtime.Store

	// DB reads the tables of Store. A query may run while a unit of work is open, and must not see any of it.
	DB *sql.DB

	// Prefix stands before the name of each table: ironflow_ or "a_schema".
	Prefix string

	// Concurrent says that units of work over different instances do not wait for each other, and neither do those that
	// found an instance missing. A store with a single writer leaves it false; there they wait.
	Concurrent bool
}

// Run checks every rule, each over a fixture of its own that open makes and cleans up, in parallel.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, chapter := range []struct {
		name  string
		rules []rule
	}{
		{"begin", beginRules},
		{"load", loadRules},
		{"commit", commitRules},
		{"completion", completionRules},
		{"values", valueRules},
		{"race", raceRules},
		{"set", setRules},
		{"unique_key", uniqueKeyRules},
		{"timer", timerRules},
		{"effects", linesOf(runtime.EffectQueue)},
		{"timers", linesOf(runtime.TimerQueue)},
		{"context", contextRules},
	} {
		t.Run(chapter.name, func(t *testing.T) {
			for _, r := range chapter.rules {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					k := newKit(t, open(t))
					if r.concurrent && !k.Concurrent {
						t.Skip("this store has a single writer")
					}
					r.check(k)
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
