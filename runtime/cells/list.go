package cells

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// Generation is a set of cells that take new instances at the same time.
type Generation struct {
	Number int64    `json:"number"` // counts from 1; larger for a newer generation
	Cells  []string `json:"cells"`  // names, in any order
}

// list is a list of cells as the stores record it.
type list struct {
	Separator   string       `json:"separator,omitempty"`
	Generations []Generation `json:"generations"`       // the oldest first; their cells are sorted
	Retired     int64        `json:"retired,omitempty"` // the newest generation in which nothing is left
}

// newList returns a list in its recorded form, or an error that names all mistakes.
func newList(generations []Generation, separator string, stores []string) (list, error) {
	l := list{Separator: separator}
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.Contains(separator, "/") {
		mistake(`the separator has a slash, which ids of children have; choose another one, such as ":"`)
	}
	if len(generations) == 0 {
		mistake(`there is no generation; give at least one, as in {Number: 1, Cells: []string{"a"}}`)
	}
	used := make(map[string]bool)
	for _, g := range generations {
		g.Cells = slices.Sorted(slices.Values(g.Cells))
		if g.Number < 1 {
			mistake("generation %d: numbers begin with 1", g.Number)
		}
		if len(g.Cells) == 0 {
			mistake("generation %d has no cell", g.Number)
		}
		for i, name := range g.Cells {
			if i > 0 && name == g.Cells[i-1] {
				mistake("generation %d has the cell %q twice", g.Number, name)
			}
			if !slices.Contains(stores, name) {
				mistake("generation %d has the cell %q, but Config.Cells has no store for it", g.Number, name)
			}
			used[name] = true
		}
		l.Generations = append(l.Generations, g)
	}
	slices.SortStableFunc(l.Generations, func(a, b Generation) int { return cmp.Compare(a.Number, b.Number) })
	for i, g := range l.Generations {
		if i > 0 && g.Number == l.Generations[i-1].Number {
			mistake("generation %d is there twice", g.Number)
		}
	}
	for _, name := range stores {
		if !used[name] {
			mistake("Config.Cells has a store for the cell %q, which is in no generation", name)
		}
		if name == "" {
			mistake("a cell has no name")
		}
	}
	return l, errors.Join(errs...)
}

// newest returns the number of the newest generation; 0 if there is none.
func (l *list) newest() int64 {
	if len(l.Generations) == 0 {
		return 0
	}
	return l.Generations[len(l.Generations)-1].Number
}

func (l *list) generation(number int64) *Generation {
	i := slices.IndexFunc(l.Generations, func(g Generation) bool { return g.Number == number })
	if i < 0 {
		return nil
	}
	return &l.Generations[i]
}

// usedAlone reports whether a cell may be a store that was used without cells: it is the only cell of the oldest generation.
func (l *list) usedAlone(cell string) bool {
	oldest := l.Generations[0]
	return len(oldest.Cells) == 1 && oldest.Cells[0] == cell
}

// first returns the number of the oldest generation that has a cell.
func (l *list) first(cell string) int64 {
	i := slices.IndexFunc(l.Generations, func(g Generation) bool { return slices.Contains(g.Cells, cell) })
	return l.Generations[i].Number
}

// follows fails unless both lists can be of one system. recorded is that of the store of a cell.
func (l *list) follows(recorded *list, cell string) error {
	if l.Separator != recorded.Separator {
		return fmt.Errorf("the separator is %q, but the store of cell %q was used with %q; it cannot be changed", l.Separator, cell, recorded.Separator)
	}
	numbers := make(map[int64]bool)
	for _, g := range slices.Concat(l.Generations, recorded.Generations) {
		numbers[g.Number] = true
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		here, there := l.generation(n), recorded.generation(n)
		switch {
		case n <= recorded.Retired:
		case here == nil && n < l.newest():
			return &GenerationDropped{Generation: n, Cells: there.Cells}
		case there == nil && n < recorded.newest():
			return fmt.Errorf("generation %d is not in the list that the store of cell %q has, which ends with generation %d; give a new generation a new number",
				n, cell, recorded.newest())
		case here != nil && there != nil && !slices.Equal(here.Cells, there.Cells):
			return fmt.Errorf("generation %d has the cells %q, but %q in the list that the store of cell %q has; a generation cannot be changed, add one with a new number",
				n, here.Cells, there.Cells, cell)
		}
	}
	return nil
}

func (l *list) encode() []byte {
	encoded, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings and numbers
	}
	return encoded
}

// partition returns what chooses the cell of an id or unique key.
func (l *list) partition(id string) string {
	if l.Separator == "" {
		return id
	}
	before, _, found := strings.Cut(id, l.Separator)
	if !found {
		return id
	}
	return before[strings.LastIndexByte(before, '/')+1:]
}

// homes returns the cells that a partition has in the generations, without repetitions, the newest first. Their order within a generation is
// that of rendezvous hashing: the cell whose weight for the partition is the largest has it. A weight depends on the two names only, so
// every process finds the same.
func (l *list) homes(partition string) []string {
	homes := make([]string, 0, len(l.Generations))
	key := hash(partition)
	for i := len(l.Generations) - 1; i >= 0; i-- {
		var home string
		var most uint64
		for _, name := range l.Generations[i].Cells {
			if w := mix(key ^ mix(hash(name))); home == "" || w > most {
				home, most = name, w
			}
		}
		if !slices.Contains(homes, home) {
			homes = append(homes, home)
		}
	}
	return homes
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// mix spreads each bit over all others. It is the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
