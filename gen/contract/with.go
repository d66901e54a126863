package contract

import (
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// With returns what a program of the declaration can read: its own facts and, from the lock, the older versions of its events,
// effects, inputs and rejections with the types that they have, and where events that are retired lead. lock may be nil. The lock is not changed.
func (s *Set) With(lock *Set) *Set {
	all := newSet(s.Workflow, s.Pos)
	for _, f := range s.facts {
		all.put(f)
	}
	if lock == nil {
		return all
	}
	for _, kind := range versioned {
		for _, name := range s.names(kind) {
			_, newest := s.versions(kind, name)
			older, _ := lock.versions(kind, name)
			for _, v := range older {
				if v < newest {
					all.copyFrom(lock, kind, name, strconv.Itoa(v))
				}
			}
		}
	}
	for _, event := range s.names("event") {
		if _, value, _ := s.newest("event", event); value == "retired" {
			for _, f := range lock.Facts() {
				from, to := f.is("move", "*", event), s.at("status", f.Value)
				if from && !f.Gone && to != nil && s.at("status", f.Path[1]) != nil && s.at(f.Path...) == nil {
					all.put(f)
				}
			}
		}
	}
	return all
}

// copyFrom copies a message with its fields, and the types that they have.
func (s *Set) copyFrom(from *Set, path ...string) {
	if f := from.at(path...); f != nil {
		s.put(f)
	}
	if f := from.at(join(path, samplePart)...); f != nil {
		s.put(f)
	}
	for _, f := range from.below(join(path, "field")...) {
		s.put(f)
		text, _ := splitValue(f.Value)
		name := parseType(text).innermost().name
		if t := from.at("type", name); t != nil && s.at(t.Path...) == nil {
			s.copyFrom(from, t.Path...)
			for _, v := range from.below("type", name, "value") {
				s.put(v)
			}
		}
	}
}

// Extend returns the lock after a change: all facts of the new set, and the permanent ones of the lock that the new set does not have, as
// gone. Versions that are older than the newest get a sample. lock may be nil. Whether the change is right is for [Compare] to say.
func (s *Set) Extend(lock *Set) *Set {
	next := s.With(lock)
	if lock == nil {
		return next
	}
	next.addSamples(lock)
	for _, f := range lock.facts {
		if next.facts[f.Key()] == nil && isPermanent(f) {
			next.put(&Fact{Path: f.Path, Value: f.Value, Gone: true, Pos: f.Pos})
		}
	}
	return next
}

// Diagnostics turns findings into what is reported, without those that the declaration allows. Only errors are among them when warnings is
// false.
func Diagnostics(findings []Finding, allowed []spec.Allowance, warnings bool) diagnostic.Errors {
	var list diagnostic.List
	allows := make(map[[2]string]bool)
	for _, a := range allowed {
		allows[[2]string{a.Code, a.Subject}] = true
	}
	for _, f := range findings {
		if allows[[2]string{string(f.Code), f.Subject}] || f.Code.Severity() == diagnostic.Warning && !warnings {
			continue
		}
		message, fix, _ := strings.Cut(f.Text, "; ")
		d := list.Report(f.Pos, f.Code, "%s; %s", message, fix)
		if f.Old != f.Pos {
			d.Relate(f.Old, "what is stored")
		}
	}
	return list.Sorted()
}
