package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// foldFingerprint is what the user's evolver makes of events that a declaration allows: the second half of a workflow's Schema. The first half,
// StateCodec.Schema, follows from the declaration and the source of the evolver. This half sees what the source does not say: code of other modules,
// values that the program has set in its evolver, files that it embeds. It does not see what happens only for values, or after
// histories, that are not among the samples.
type foldFingerprint struct {
	hash   string // "-" and 8 hexadecimal digits; empty when there is none
	impure bool   // the same events were folded into different states
}

const (
	foldWalks     = 8           // random histories
	foldWalkSteps = 12          // events of each
	foldTimeout   = time.Second // for all of it; an evolver that takes longer has no fingerprint
)

// fingerprint folds the samples twice. It does not wait for an evolver that does not return.
func (w *typed[S, I, E, F, R]) fingerprint() foldFingerprint {
	done := make(chan foldFingerprint, 1)
	go func() {
		var found foldFingerprint
		_ = usererr.Call(func() error {
			first, second := w.foldSamples(), w.foldSamples()
			if found.impure = first != second; !found.impure {
				found.hash = first
			}
			return nil
		}, func(error) { done <- found })
	}()
	timer := time.NewTimer(foldTimeout)
	defer timer.Stop()
	select {
	case found := <-done:
		return found
	case <-timer.C:
		return foldFingerprint{}
	}
}

// foldSamples hashes every state of the sample histories: one to each move of the machine, or each event without a machine, and walks that
// choose events at random, always the same ones.
func (w *typed[S, I, E, F, R]) foldSamples() string {
	s := &foldSampler[S, I, E, F, R]{w: w, sum: sha256.New()}
	for _, history := range w.sampleHistories() {
		s.fold(history)
	}
	for range foldWalks {
		s.walk()
	}
	sum := s.sum.Sum(nil)
	return "-" + hex.EncodeToString(sum[:4])
}

// eventNames returns the stored names of the events, in the order of the declaration.
func (w *typed[S, I, E, F, R]) eventNames() []string { return variants(w.def.Events) }

// sampleHistories returns the names of events: for each move of the machine, the shortest way to its state, and the event of the move.
func (w *typed[S, I, E, F, R]) sampleHistories() (histories [][]string) {
	if w.machine == nil {
		for _, name := range w.eventNames() {
			histories = append(histories, []string{name, name})
		}
		return histories
	}
	ways := map[string][]string{w.machine.initial: {}}
	for found := true; found; {
		found = false
		for _, m := range w.def.Machine.Moves {
			way, reached := ways[m.From]
			if _, known := ways[m.To]; reached && !known {
				ways[m.To], found = append(way[:len(way):len(way)], m.Event), true
			}
		}
	}
	for _, m := range w.def.Machine.Moves {
		if way, reached := ways[m.From]; reached {
			histories = append(histories, append(way[:len(way):len(way)], m.Event))
		}
	}
	return histories
}

// foldSampler folds sample events.
type foldSampler[S, I, E, F, R any] struct {
	w    *typed[S, I, E, F, R]
	sum  hash.Hash
	seed uint64           // of the next event
	keep func(E, S) error // gets each event with the state that it leads to; nil for nobody
}

func (s *foldSampler[S, I, E, F, R]) fold(history []string) {
	state := s.w.initialState()
	for _, name := range history {
		var ok bool
		if state, ok = s.step(state, name); !ok {
			return
		}
	}
}

func (s *foldSampler[S, I, E, F, R]) walk() {
	state, names := s.w.initialState(), s.w.eventNames()
	for range foldWalkSteps {
		next := s.next(state, names)
		if len(next) == 0 {
			return
		}
		s.seed++
		var ok bool
		if state, ok = s.step(state, next[s.seed*0x9E3779B97F4A7C15>>33%uint64(len(next))]); !ok {
			return
		}
	}
}

// next returns the events that can follow. Those that end the instance are among them only when there are no others.
func (s *foldSampler[S, I, E, F, R]) next(state S, names []string) []string {
	if s.w.machine == nil {
		return names
	}
	var on, last []string
	for _, name := range names {
		switch to, leads := s.w.machine.moves[stateEvent{s.w.def.Status(state), name}]; {
		case !leads:
		case s.w.machine.terminal[to]:
			last = append(last, name)
		default:
			on = append(on, name)
		}
	}
	if len(on) == 0 {
		return last
	}
	return on
}

// step folds one event, and hashes the state. It returns false where a history ends: at an event that cannot be made, or a panic.
func (s *foldSampler[S, I, E, F, R]) step(state S, name string) (S, bool) {
	s.seed++
	event, err := s.w.sampleEvent(name, s.seed)
	if err == nil {
		state, err = s.w.evolve(state, event)
	}
	if err != nil {
		fmt.Fprintf(s.sum, "%s fails\n", name)
		return state, false
	}
	text, err := s.w.EncodeState(state)
	if err != nil {
		fmt.Fprintf(s.sum, "%s makes a state that cannot be encoded\n", name)
		return state, false
	}
	io.WriteString(s.sum, name)
	s.sum.Write(text)
	return state, s.keep == nil || s.keep(event, state) == nil
}

// sampleEvent returns an event with values that follow from a seed.
func (w *typed[S, I, E, F, R]) sampleEvent(name string, seed uint64) (E, error) {
	return sample(name, seed, w.def.Events)
}
