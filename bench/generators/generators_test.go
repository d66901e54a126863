package main

import "testing"

// Each row names figures of entrants that there are, and no two rows or entrants have one name.
func TestRows(t *testing.T) {
	known := make(map[string]bool)
	for _, e := range (&workspace{}).contest() {
		name := figure(e.name, e.packages, "wall")
		if known[name] {
			t.Errorf("%s, %s takes part twice", e.name, count(e.packages))
		}
		known[name] = true
		if e.generate == nil {
			known[figure(e.name, e.packages, "cpu")] = true
		}
	}
	names := make(map[string]bool)
	goals := 0
	for _, r := range rows() {
		if names[r.Name] {
			t.Errorf("there are two rows %q", r.Name)
		}
		names[r.Name] = true
		for _, name := range append(r.Ours, r.Reference) {
			if name != "" && !known[name] {
				t.Errorf("row %q: nobody has %q", r.Name, name)
			}
		}
		if r.Required > 0 {
			goals++
		}
	}
	if goals != 2 {
		t.Errorf("there are %d goals", goals)
	}
}
