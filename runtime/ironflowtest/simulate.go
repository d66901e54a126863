package ironflowtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// SimulateOption is an option of [Simulate].
type SimulateOption func(*simulator)

// Seeds sets how many runs [Simulate] makes, each with a seed of its own. Default: 1.
func Seeds(n int) SimulateOption { return func(m *simulator) { m.seeds = max(n, 1) } }

// Seed sets the seed of the first run. A failure reports the seed of its run. Default: 1.
func Seed(seed uint64) SimulateOption { return func(m *simulator) { m.first = seed } }

// Engines sets how many engines share the store, like several processes. Default: 1.
func Engines(n int) SimulateOption { return func(m *simulator) { m.engines = max(n, 1) } }

// Faults makes the simulator inject faults of these kinds. The seed determines where. A run has at most 6 faults. Default: no faults.
func Faults(kinds ...FaultKind) SimulateOption {
	return func(m *simulator) { m.faults = append(m.faults, kinds...) }
}

// simulator runs a script with many seeds, and shrinks the first failure.
type simulator struct {
	t       *testing.T
	script  func(*Simulation)
	first   uint64
	seeds   int
	engines int
	faults  []FaultKind

	patience time.Duration // in place of stallAfter; 0 for that

	progress atomic.Int64           // grows with each operation
	doing    atomic.Pointer[string] // what was begun last
	runs     int
	steps    int64 // operations in all runs
	last     *ran
}

// ran is what came of a run.
type ran struct {
	failure  string // empty when nothing failed
	timeline []line
	faults   []fault
	steps    []wanderStep
	done     int64
}

// hash tells whether two runs were the same, byte for byte.
func (r *ran) hash() string {
	sum := sha256.Sum256([]byte(strings.Join(r.told(), "\n")))
	return hex.EncodeToString(sum[:8])
}

// stallAfter is how long nothing may happen in a run, in real time.
const stallAfter = 20 * time.Second

// shrinkFor is how long a failure is shrunk, in real time.
const shrinkFor = 8 * time.Second

// Simulate runs a script in virtual time. The script uses the real engine with its workers, timers, child workflows and projections, on a
// store in memory. Nothing polls, so the time between two operations costs nothing. Two runs with the same seed are the same.
//
// Simulate calls script once for each seed, and again while it shrinks a failure. So script must build everything that it uses, above all
// the services that handlers call, and must report failures to the Simulation and not to t. The simulator decides what happens between
// two steps of the script. With [Faults], handlers fail, engines crash, answers get lost, and so on. A client whose answer was lost sends
// the input again with the same input id.
//
// When a run fails, Simulate shrinks the failure for some seconds: it looks for the fewest faults and steps of [Simulation.Wander] that
// still make the script fail. It reports them as code to paste, with the timeline. A decider or a handler that does not return fails the
// test after 20 s.
//
// Simulate cannot be called within a bubble of testing/synctest, because it makes one for each run.
func Simulate(t *testing.T, script func(s *Simulation), options ...SimulateOption) {
	t.Helper()
	m := &simulator{t: t, script: script, first: 1, seeds: 1, engines: 1}
	for _, option := range options {
		option(m)
	}
	if text := m.search(); text != "" {
		t.Fatal(text)
	}
}

// search returns what to report; nothing when no run failed.
func (m *simulator) search() string {
	for i := range m.seeds {
		p := plan{seed: m.first + uint64(i), draw: true, engines: m.engines}
		r, stalled := m.run(p)
		if stalled != "" {
			return stalled
		}
		m.last = r
		if r.failure == "" {
			continue
		}
		p, shortest, stalled := m.shrink(p, r)
		if stalled != "" {
			return stalled
		}
		m.last = shortest
		return m.report(p, shortest)
	}
	return ""
}

// run makes one run, in a bubble of its own.
func (m *simulator) run(p plan) (result *ran, stalled string) {
	m.runs++
	done := make(chan struct{})
	left := "" // what the bubble says of goroutines that do not end
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				left = fmt.Sprint(v)
			}
		}()
		synctest.Test(m.t, func(*testing.T) {
			s := newSimulation(m, p)
			result = s.play()
		})
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	heap := heapBytes()
	for last, since := int64(-1), time.Now(); ; {
		select {
		case <-done:
			if left != "" {
				return nil, fmt.Sprintf("ironflowtest.Simulate: seed %d: user code has left goroutines that do not end. A decider, evolver, handler or check must return, and must end the goroutines that it starts.\n%s%s",
					p.seed, failureOf(result), left)
			}
			if result == nil {
				return nil, "ironflowtest.Simulate: the run has ended early: something in it has called FailNow or runtime.Goexit; report failures to the Simulation"
			}
			m.steps += result.done
			return result, ""
		case now := <-tick.C:
			if n := m.progress.Load(); n != last {
				last, since, heap = n, now, heapBytes()
				continue
			}
			doing := "nothing"
			if d := m.doing.Load(); d != nil {
				doing = *d
			}
			endHoarding(doing, heap)
			if limit := cmp.Or(m.patience, stallAfter); now.Sub(since) > limit {
				return nil, fmt.Sprintf("ironflowtest.Simulate: seed %d: nothing has happened for %v. Last begun: %s. A decider, evolver, handler or check that loops without end must return; one that waits for something outside of the simulation must get it from a fake",
					p.seed, limit, doing)
			}
		}
	}
}

// failureOf is the failure of a run, as a line; empty for none.
func failureOf(r *ran) string {
	if r == nil || r.failure == "" {
		return ""
	}
	return r.failure + "\n"
}

// shrink leaves out engines, faults and steps for as long as the run still fails. It returns what is left, and how the plan ran.
func (m *simulator) shrink(p plan, failed *ran) (plan, *ran, string) {
	p.draw, p.faults, p.steps = false, failed.faults, failed.steps
	deadline := time.Now().Add(shrinkFor)
	best, stalled := failed, ""
	try := func(simpler plan) bool {
		if stalled != "" || time.Now().After(deadline) {
			return false
		}
		var r *ran
		if r, stalled = m.run(simpler); stalled != "" || r.failure == "" {
			return false
		}
		p, best = simpler, r
		p.faults, p.steps = r.faults, r.steps // without those that did not come to pass
		return true
	}
	if !try(p) {
		return p, failed, stalled
	}
	one, ordered := p, p
	one.engines = 1
	try(one)
	ordered.engines, ordered.ordered = p.engines, true
	try(ordered)
	for again := true; again; {
		again = false
		for size := (max(len(p.faults), len(p.steps)) + 1) / 2; size > 0; size /= 2 {
			for at := 0; at < len(p.steps); {
				fewer := p
				fewer.steps = without(p.steps, at, size)
				if try(fewer) {
					again = true
				} else {
					at += size
				}
			}
			for at := 0; at < len(p.faults); {
				fewer := p
				fewer.faults = without(p.faults, at, size)
				if try(fewer) {
					again = true
				} else {
					at += size
				}
			}
		}
	}
	return p, best, stalled
}

func without[T any](list []T, at, n int) []T {
	rest := append([]T{}, list[:at]...)
	return append(rest, list[min(at+n, len(list)):]...)
}

// report writes a failure with its story.
func (m *simulator) report(p plan, r *ran) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ironflowtest.Simulate: seed %d, %d runs: %s\n", p.seed, m.runs, r.failure)
	if n := len(r.steps) + len(r.faults); n > 0 {
		fmt.Fprintf(&b, "\nThe shortest story that was found has %d steps. As a test, with what your script does before it wanders:\n\n%s", n, m.source(p, r))
	}
	b.WriteString("\nWhat happened:\n")
	for _, line := range r.told() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	return b.String()
}

// source writes a story as a Go test.
func (m *simulator) source(p plan, r *ran) string {
	var b strings.Builder
	name := strings.NewReplacer("/", "_", " ", "_").Replace(m.t.Name())
	fmt.Fprintf(&b, "\tfunc %s_Story(t *testing.T) {\n\t\tironflowtest.Simulate(t, func(s *ironflowtest.Simulation) {\n\t\t\t// start the workflows as %s does\n", name, m.t.Name())
	for _, f := range r.faults {
		fmt.Fprintf(&b, "\t\t\ts.Inject(%s, %q)\n", f.kind.source(), f.at)
	}
	for _, step := range r.steps {
		fmt.Fprintf(&b, "\t\t\t%s\n", step.source())
	}
	fmt.Fprintf(&b, "\t\t\ts.RunUntilIdle()\n\t\t}, ironflowtest.Seed(%d)", p.seed)
	if p.engines > 1 {
		fmt.Fprintf(&b, ", ironflowtest.Engines(%d)", p.engines)
	}
	if !p.ordered && slices.Contains(m.faults, Reordered) {
		b.WriteString(", ironflowtest.Faults(ironflowtest.Reordered)")
	}
	b.WriteString(")\n\t}\n")
	return b.String()
}
