// Package shadow asks candidates for decisions that have been made, and notes where they would decide differently. Nothing of what a candidate says is
// stored, and it cannot delay an input: it is asked later, on copies, for a small share of the time.
package shadow

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Config says which candidates are asked, and how often.
type Config struct {
	Candidates map[string]*workflow.Workflow
	Share      float64       // of the decisions that are compared, from 0 to 1
	Timeout    time.Duration // a candidate that takes longer is not asked again
	Logger     *slog.Logger
}

const (
	maxPending     = 1024 // decisions that wait to be compared; more are dropped
	maxDifferences = 1000 // that are told apart
	maxExamples    = 10

	// rest is how much longer the candidates rest than they work: they have a twentieth of the time of one processor.
	rest    = 19
	maxRest = time.Second
)

// Shadow compares decisions. Safe for concurrent use.
type Shadow struct {
	config Config

	mu         sync.Mutex
	candidates map[string]*workflow.Workflow // those that are still asked
	pending    []*Question
	running    bool
	report     telemetry.ShadowReport
	known      map[string]int // places in the report, by all but count and examples
}

// New returns a shadow, or nil without candidates.
func New(c Config) *Shadow {
	if len(c.Candidates) == 0 {
		return nil
	}
	s := &Shadow{config: c, candidates: make(map[string]*workflow.Workflow), known: make(map[string]int)}
	for name, w := range c.Candidates {
		s.candidates[name] = w
	}
	return s
}

// Question is a decision that a candidate is to be asked about.
type Question struct {
	shadow    *Shadow
	live      *workflow.Workflow
	candidate *workflow.Workflow
	now       time.Time
	key       store.InstanceKey
	version   int64
	state     any // a copy
	input     workflow.PreparedInput
	decided   answer
}

// Consider copies what a decision is about to be made on, if the decision is chosen for a comparison; else it returns nil. A nil shadow chooses none.
func (s *Shadow) Consider(w *workflow.Workflow, now time.Time, version int64, state any, input workflow.PreparedInput) *Question {
	if s == nil || rand.Float64() >= s.config.Share {
		return nil
	}
	s.mu.Lock()
	candidate := s.candidates[w.Name()]
	full := candidate != nil && len(s.pending) >= maxPending
	if full {
		s.report.Dropped++
	}
	s.mu.Unlock()
	if candidate == nil || full {
		return nil
	}
	q := &Question{
		shadow: s, live: w, candidate: candidate, now: now, key: store.InstanceKey{Workflow: w.Name(), ID: input.Instance}, version: version, input: input,
	}
	var ok bool
	if q.state, q.input.Value, ok = w.Copy(state, input.Value); !ok {
		s.drop()
		return nil
	}
	return q
}

func (s *Shadow) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Dropped++
}

// Decided says what was decided, and lets the candidate be asked. A nil question is none.
func (q *Question) Decided(rejection any, decided *workflow.Decided) {
	if q == nil {
		return
	}
	q.decided = answerOf(q.live, rejection, decided)
	s := q.shadow
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, q)
	if !s.running {
		s.running = true
		go s.run()
	}
}

// run asks until nothing is pending.
func (s *Shadow) run() {
	for {
		s.mu.Lock()
		pending := s.pending
		s.pending = nil
		s.running = len(pending) > 0
		s.mu.Unlock()
		if len(pending) == 0 {
			return
		}
		for part := range slices.Chunk(pending, 64) {
			began := time.Now()
			for _, q := range part {
				s.ask(q)
			}
			time.Sleep(min(rest*time.Since(began), maxRest))
		}
	}
}

// ask asks a candidate, and does not wait for one that does not return.
func (s *Shadow) ask(q *Question) {
	s.mu.Lock()
	asked := s.candidates[q.key.Workflow] != nil
	s.mu.Unlock()
	if !asked {
		s.drop()
		return
	}
	status := q.live.Status(q.state)
	a, returned := s.answer(q.candidate, q)
	if !returned {
		s.config.Logger.Error("ironflow: a candidate did not return from a decision, and is not asked again", "workflow", q.key.Workflow,
			"instance", q.key.ID, "input", q.input.Name)
		s.mu.Lock()
		delete(s.candidates, q.key.Workflow)
		s.mu.Unlock()
		a = answer{text: "does not return"}
	}
	s.note(q, status, a)
}

// answer asks a decider, and does not wait for one that does not return.
func (s *Shadow) answer(w *workflow.Workflow, q *Question) (_ answer, returned bool) {
	done := make(chan answer, 1)
	go func() {
		var a answer
		_ = usererr.Call(func() (err error) {
			defer usererr.RecoverTo(&err, "the candidate", "")
			rejection, decided, err := w.Decide(q.now, q.version, q.state, q.input)
			if err == nil {
				a = answerOf(w, rejection, &decided)
			}
			return err
		}, func(err error) {
			if err != nil {
				a = answer{text: "fails"}
			}
			done <- a
		})
	}()
	timer := time.NewTimer(s.config.Timeout)
	defer timer.Stop()
	select {
	case a := <-done:
		return a, true
	case <-timer.C:
		return answer{}, false
	}
}

// Recorded asks the live decider and the candidate about an input that was recorded, with the state and the now that it had. Both get copies.
func (s *Shadow) Recorded(live *workflow.Workflow, now time.Time, version int64, state any, input workflow.PreparedInput) {
	q := &Question{
		shadow: s, live: live, candidate: s.config.Candidates[live.Name()], now: now, version: version, input: input,
		key: store.InstanceKey{Workflow: live.Name(), ID: input.Instance},
	}
	var copied, returned bool
	if q.state, q.input.Value, copied = live.Copy(state, input.Value); copied {
		q.decided, returned = s.answer(live, q)
	}
	if !returned {
		s.drop()
		return
	}
	s.ask(q)
}

// Drop counts an input that cannot be compared.
func (s *Shadow) Drop() { s.drop() }

// note counts a comparison.
func (s *Shadow) note(q *Question, status string, candidate answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Compared++
	fields := q.decided.differing(candidate)
	if q.decided.text == candidate.text && fields == "" {
		return
	}
	d := telemetry.ShadowDifference{
		Workflow: q.key.Workflow, State: status, Input: q.input.Name, Decided: q.decided.text, Candidate: candidate.text, Fields: fields,
	}
	name := fmt.Sprintf("%q", []string{d.Workflow, d.State, d.Input, d.Decided, d.Candidate, d.Fields})
	i, there := s.known[name]
	if !there {
		if len(s.report.Differences) >= maxDifferences {
			return
		}
		i = len(s.report.Differences)
		s.known[name] = i
		s.report.Differences = append(s.report.Differences, d)
	}
	found := &s.report.Differences[i]
	found.Count++
	if len(found.Examples) < maxExamples {
		found.Examples = append(found.Examples, telemetry.ShadowExample{Instance: q.key, Version: q.version})
	}
}

// Report returns what was found so far.
func (s *Shadow) Report() telemetry.ShadowReport {
	if s == nil {
		return telemetry.ShadowReport{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Differences = slices.Clone(r.Differences)
	for i := range r.Differences {
		r.Differences[i].Examples = slices.Clone(r.Differences[i].Examples)
	}
	slices.SortStableFunc(r.Differences, func(a, b telemetry.ShadowDifference) int { return cmp.Compare(b.Count, a.Count) })
	return r
}
