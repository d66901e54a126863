package main

import (
	"fmt"
	"math/rand/v2"
)

// entrant is a way to SQLite.
type entrant struct {
	name string
	open func(path string) (database, error)
}

// database is a connection.
type database interface {
	prepare(sql string) (statement, error)
	close() error
}

// statement runs with arguments that are int64, string or nil. It returns the number of rows that it has read, and of those that changed.
type statement interface {
	run(args ...any) (read, changed int64, err error)
}

var drivers = []entrant{
	{"modernc", openModernc},
	{"ncruces", openNcruces},
}

// settings are those of the store.
var settings = []string{
	"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -16384", "PRAGMA wal_autocheckpoint = 4000",
}

func execute(db database, sql string) error {
	s, err := db.prepare(sql)
	if err == nil {
		_, _, err = s.run()
	}
	return err
}

// The statements are those that runtime/sqlite stores a decision with. An instance is ?1, ?2.
const (
	createInstance = `
INSERT INTO ironflow_instances (instance, workflow, created_at, completed_at, status) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	isContinued = `
SELECT 1 FROM ironflow_events
WHERE instance = ?1 AND workflow = ?2 AND version = ?3 AND (?4 = 0 OR commit_id = ?4) AND completes IS NULL`

	insertEvent = `
INSERT INTO ironflow_events
    (instance, workflow, version, type, schema_version, payload, recorded_at, commit_id, cause, status, completes, parent)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	insertEffect = `
INSERT INTO ironflow_effects
    (instance, workflow, version, position, kind, payload, run_at, due_at, trace, limit_key, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	startTimer = `
INSERT OR REPLACE INTO ironflow_timers
    (instance, workflow, key, version, kind, payload, run_at, due_at, trace, commit_id, attempts, token, claimed_at, holder)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

const (
	instances = 10_000
	workflow  = "tally"
	payload   = `{"amount":1,"note":"a note of some length, as one would find it in a real payload"}`
	cause     = `{"input":"Add","effects":["Tell"],"effects_version":7}`
)

// work stores decisions as the benchmark of decisions does: one event and one effect each, and every fifth a timer.
type work struct {
	begin, commit, create_, continued, event, effect, timer, count statement

	random   *rand.Rand
	versions [instances]int64
	commits  int64
	now      int64
	stored   int
}

func newWork(db database) (*work, error) {
	w := &work{random: rand.New(rand.NewPCG(1, 2)), now: 1_790_000_000_000_000}
	for _, s := range []struct {
		sql  string
		into *statement
	}{
		{"BEGIN IMMEDIATE", &w.begin}, {"COMMIT", &w.commit}, {createInstance, &w.create_}, {isContinued, &w.continued},
		{insertEvent, &w.event}, {insertEffect, &w.effect}, {startTimer, &w.timer}, {"SELECT 1 FROM ironflow_effects", &w.count},
	} {
		made, err := db.prepare(s.sql)
		if err != nil {
			return nil, err
		}
		*s.into = made
	}
	return w, nil
}

// create makes the instances, each with one event.
func (w *work) create() error {
	if _, _, err := w.begin.run(); err != nil {
		return err
	}
	for n := range w.versions {
		id := instance(n)
		if _, _, err := w.create_.run(id, workflow, w.now, nil, nil); err != nil {
			return err
		}
		if err := w.append(n); err != nil {
			return err
		}
	}
	_, _, err := w.commit.run()
	return err
}

func instance(n int) string { return fmt.Sprintf("tally-%d", n) }

// append stores the next event of an instance.
func (w *work) append(n int) error {
	w.versions[n]++
	_, changed, err := w.event.run(instance(n), workflow, w.versions[n], "Added", int64(1), payload, w.now, w.commits, cause, nil, nil, nil)
	if err == nil && changed != 1 {
		err = fmt.Errorf("an event changed %d rows", changed)
	}
	return err
}

// store commits decisions of distinct instances.
func (w *work) store(decisions int) error {
	w.commits++
	w.now += 3000
	if _, _, err := w.begin.run(); err != nil {
		return err
	}
	used := make(map[int]bool, decisions)
	for len(used) < decisions {
		n := w.random.IntN(instances)
		if used[n] {
			continue
		}
		used[n] = true
		id, before := instance(n), w.versions[n]
		read, _, err := w.continued.run(id, workflow, before, int64(0))
		if err == nil && read != 1 {
			err = fmt.Errorf("the event before was read %d times", read)
		}
		if err != nil {
			return err
		}
		if err := w.append(n); err != nil {
			return err
		}
		_, _, err = w.effect.run(id, workflow, before+1, int64(0), "Tell", payload, w.now, w.now, nil, nil, w.commits, int64(0), int64(0), nil, nil)
		if err != nil {
			return err
		}
		w.stored++
		if w.stored%5 != 0 {
			continue
		}
		_, _, err = w.timer.run(id, workflow, "reminder", before+1, "Remind", `{"tally_id":"tally-1"}`, w.now, w.now, nil, w.commits,
			int64(0), int64(0), nil, nil)
		if err != nil {
			return err
		}
	}
	_, _, err := w.commit.run()
	return err
}

// check fails unless each decision is in the file.
func (w *work) check(atLeast int) error {
	read, _, err := w.count.run()
	if err == nil && read < int64(atLeast) {
		err = fmt.Errorf("%d decisions are in the file, want %d", read, atLeast)
	}
	return err
}
