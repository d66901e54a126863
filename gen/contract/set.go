package contract

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Fact is one thing that stored rows depend on.
type Fact struct {
	Path  []string // as in event, Paid, 1, field, amount_cents
	Value string   // on one line; empty for things that only exist
	Gone  bool     // the declaration had it once
	Pos   spec.Pos // in the declaration or in the lock
}

// Key is the path as the lock writes it.
func (f *Fact) Key() string { return key(f.Path...) }

// is reports whether the path has a shape: "*" stands for any part.
func (f *Fact) is(shape ...string) bool {
	return slices.EqualFunc(f.Path, shape, func(part, want string) bool { return want == "*" || part == want })
}

// Set is what is stored of one workflow.
type Set struct {
	Workflow string   // stored name
	Pos      spec.Pos // of the workflow; where something that is gone is reported
	facts    map[string]*Fact

	// Made when they are needed, and dropped by a change. The mutex lets several comparisons read a set at once.
	mu       sync.Mutex
	sorted   []*Fact
	children map[string][]*Fact // by the key of what they belong to
}

func newSet(workflow string, pos spec.Pos) *Set {
	return &Set{Workflow: workflow, Pos: pos, facts: make(map[string]*Fact)}
}

func (s *Set) add(pos spec.Pos, value string, path ...string) {
	s.put(&Fact{Path: path, Value: value, Pos: pos})
}

func (s *Set) put(f *Fact) {
	s.facts[f.Key()] = f
	s.sorted, s.children = nil, nil
}

// Facts returns all facts in the order of the lock. The caller must not change the list.
func (s *Set) Facts() []*Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted == nil {
		s.sorted = slices.Collect(maps.Values(s.facts))
		slices.SortFunc(s.sorted, func(a, b *Fact) int { return slices.Compare(a.Path, b.Path) })
	}
	return s.sorted
}

// at returns the fact of a path, nil when there is none or it is gone.
func (s *Set) at(path ...string) *Fact {
	if f := s.facts[key(path...)]; f != nil && !f.Gone {
		return f
	}
	return nil
}

// value returns the value of a path, "" when there is none.
func (s *Set) value(path ...string) string {
	if f := s.at(path...); f != nil {
		return f.Value
	}
	return ""
}

// below returns the facts whose paths begin with a path and are one part longer, without those that are gone.
func (s *Set) below(path ...string) []*Fact {
	return slices.DeleteFunc(slices.Clone(s.all(path...)), func(f *Fact) bool { return f.Gone })
}

// all is below with those that are gone.
func (s *Set) all(path ...string) []*Fact {
	facts := s.Facts()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.children == nil {
		s.children = make(map[string][]*Fact)
		for _, f := range facts {
			above := key(f.Path[:len(f.Path)-1]...)
			s.children[above] = append(s.children[above], f)
		}
	}
	return s.children[key(path...)]
}

// place returns the position of the most specific fact that leads to a path, or that of the set.
func (s *Set) place(path ...string) spec.Pos {
	if len(path) == 2 && isVersioned(path[0]) {
		path, _, _ = s.newest(path[0], path[1])
	}
	for n := len(path); n > 0; n-- {
		if f := s.at(path[:n]...); f != nil && f.Pos.Line > 0 {
			return f.Pos
		}
	}
	return s.Pos
}

func key(path ...string) string {
	parts := make([]string, len(path))
	for i, part := range path {
		parts[i] = quoteIfNeeded(part)
	}
	return strings.Join(parts, " ")
}
