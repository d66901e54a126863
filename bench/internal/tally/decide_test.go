package tally

import (
	"testing"
	"time"
)

// BenchmarkDecide measures a decision without an engine: the decider, and the check, the encoding and the folding of what it answers.
func BenchmarkDecide(b *testing.B) {
	w := NewWorkflow(Decider{}, Evolver{}, Handler{})
	input, err := w.Prepare(Add{TallyID: "tally-1", Amount: 7, Note: "a note of the usual length"})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, decided, err := w.Decide(now, 3, State{Sum: 4}, input); err != nil || len(decided.Stored) != 1 {
			b.Fatal(decided, err)
		}
	}
}
