package contract

import (
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// personal compares which fields are personal. What is stored is read either way.
func (c *comparer) personal() {
	for _, f := range personalFacts(c.new) {
		if c.old.at(f.Path...) == nil && c.hadField(c.old, f.Path[1:]) {
			c.report(diagnostic.PersonalChanged, f.Path,
				"field %s is personal now, and values that are stored already stay in plain text; delete or export and import the instances that have some", subject(f.Path[1:]))
		}
	}
	for _, f := range personalFacts(c.old) {
		if c.new.at(f.Path...) == nil && c.hadField(c.new, f.Path[1:]) {
			c.report(diagnostic.PersonalChanged, f.Path,
				"field %s is not personal any more, and new values are stored in plain text, which Forget does not erase; keep it personal", subject(f.Path[1:]))
		}
	}
	if was, is := c.old.value("subject"), c.new.value("subject"); was != is && len(personalFacts(c.old)) > 0 {
		c.report(diagnostic.PersonalChanged, []string{"subject"},
			"the subject was %s and is %s, and values that are stored already have the key of the old one; forget both subjects", orInstance(was), orInstance(is))
	}
}

// personalFacts are those about personal fields.
func personalFacts(s *Set) []*Fact {
	return slices.DeleteFunc(slices.Clone(s.Facts()), func(f *Fact) bool { return f.Path[0] != "personal" || f.Gone })
}

func orInstance(field string) string {
	if field == "" {
		return "the instance"
	}
	return orNone(field)
}

// hadField reports whether a set has the field at the path of a fact about what is personal.
func (c *comparer) hadField(set *Set, path []string) bool {
	owner, name := path[:len(path)-1], path[len(path)-1]
	if isVersioned(path[0]) {
		newest, _, ok := set.newest(owner[0], owner[1])
		return ok && set.at(join(newest, "field", name)...) != nil
	}
	return set.at(join(owner, "field", name)...) != nil
}
