package workflow_test

import (
	"fmt"
	stdruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// folding is the workflow ticket with an evolver that does something of its own with remarks.
func folding(noted func(ticket.State, ticket.Noted) ticket.State) *workflow.Workflow {
	return ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{OnNoted: noted}, ticket.Handler{})
}

// A schema changes with what the evolver does, and with nothing else.
func TestSchemaFollowsTheFold(t *testing.T) {
	t.Parallel()
	plain := folding(nil).Schema()
	same := folding(func(s ticket.State, e ticket.Noted) ticket.State {
		notes := make([]string, len(s.Notes), len(s.Notes)+1)
		copy(notes, s.Notes)
		s.Notes = append(notes, e.Text)
		return s
	}).Schema()
	if plain != same || plain != folding(nil).Schema() {
		t.Errorf("the schemas are %s and %s, although the folds do the same", plain, same)
	}
	seen := map[string]string{plain: "the plain fold"}
	for name, noted := range map[string]func(ticket.State, ticket.Noted) ticket.State{
		"one that forgets": func(s ticket.State, _ ticket.Noted) ticket.State { return s },
		"one that writes in capitals": func(s ticket.State, e ticket.Noted) ticket.State {
			s.Notes = append(s.Notes, strings.ToUpper(e.Text))
			return s
		},
		"one that differs for the third remark": func(s ticket.State, e ticket.Noted) ticket.State {
			if len(s.Notes) < 2 {
				s.Notes = append(s.Notes, e.Text)
			}
			return s
		},
		"one that differs for an empty remark": func(s ticket.State, e ticket.Noted) ticket.State {
			if e.Text != "" {
				s.Notes = append(s.Notes, e.Text)
			}
			return s
		},
		"one that panics":             func(ticket.State, ticket.Noted) ticket.State { panic("no") },
		"one that ends its goroutine": func(ticket.State, ticket.Noted) ticket.State { stdruntime.Goexit(); panic("") },
		"one that never returns":      func(ticket.State, ticket.Noted) ticket.State { <-t.Context().Done(); panic("") },
	} {
		w := folding(noted)
		schema := w.Schema()
		if !strings.HasPrefix(schema, plain[:16]) || w.ImpureFold() {
			t.Errorf("%s: the schema is %s, impure %v", name, schema, w.ImpureFold())
		}
		if len(schema) == 16 { // of the declaration and the source alone
			continue
		}
		if other, is := seen[schema]; is {
			t.Errorf("%s has the schema of %s", name, other)
		}
		seen[schema] = name
	}
	if len(seen) != 6 {
		t.Errorf("the schemas are those of %q, want 6 of them", seen)
	}
}

// An evolver that is not pure has no fingerprint: it would have another one at each start.
func TestImpureFold(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	w := folding(func(s ticket.State, _ ticket.Noted) ticket.State {
		s.Notes = append(s.Notes, fmt.Sprint(n.Add(1)))
		return s
	})
	if !w.ImpureFold() || len(w.Schema()) != 16 {
		t.Errorf("the schema is %s, impure %v", w.Schema(), w.ImpureFold())
	}
}

// The start of a program does not become slow by it.
func TestFoldIsFast(t *testing.T) {
	t.Parallel()
	calls := 0
	start := time.Now()
	folding(func(s ticket.State, e ticket.Noted) ticket.State {
		calls++
		return s
	}).Schema()
	if calls < 20 || calls > 1000 || time.Since(start) > time.Second {
		t.Errorf("%d of the events are remarks, after %v", calls, time.Since(start))
	}
}

func BenchmarkFoldFingerprint(b *testing.B) {
	for b.Loop() {
		folding(nil).Schema()
	}
}
