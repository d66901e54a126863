// Package mutation changes what deciders are given.
package mutation

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type deciding struct{ shop.Decider }

func (d deciding) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	s.Items[0].Quantity = 3                    // want `^mutation: the decider deciding.Create changes s.Items\[0\].Quantity in place, which the engine goes on using; change a clone, made by slices.Clone or maps.Clone$`
	s.Stock["a"]++                             // want `changes s.Stock\["a"\] in place`
	delete(s.Stock, "a")                       // want `changes s.Stock in place`
	clear(in.Stock)                            // want `changes in.Stock in place`
	*s.PaidAt = now                            // want `changes \*s.PaidAt in place`
	s.First.Sku = "a"                          // want `changes s.First.Sku in place`
	slices.Sort(s.Tags)                        // want `changes s.Tags in place`
	sort.Slice(in.Items, func(i, j int) bool { // want `changes in.Items in place`
		return in.Items[i].Sku < in.Items[j].Sku
	})
	sort.Sort(sort.StringSlice(s.Tags))           // want `changes s.Tags in place`
	maps.Copy(s.Stock, in.Stock)                  // want `changes s.Stock in place`
	s.Tags = slices.Delete(s.Tags, 0, 1)          // want `changes s.Tags in place`
	s.Items = append(s.Items[:0], s.Items[1:]...) // want `changes s.Items\[:0\] in place`
	copy(s.Items[1:], in.Items)                   // want `changes s.Items\[1:\] in place`
	items := s.Items                              // shares its memory
	items[0].Quantity = 4                         // want `changes items\[0\].Quantity in place`
	first := &in.Items[0]                         // so does a pointer
	first.Quantity = 5                            // want `changes first.Quantity in place`
	for i := range in.Items {
		in.Items[i].Quantity = 1 // want `changes in.Items\[i\].Quantity in place`
	}
	return d.Decider.Create(now, s, in)
}

func (d deciding) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	// Of the parameters themselves a decider has copies.
	s.Items = nil
	s.PaidAt = &now
	in.Amount = 3
	s.Items = append(s.Items, shop.Item{})
	for _, item := range s.Items {
		item.Quantity = 3
	}
	item := s.Items[0]
	item.Quantity = 4
	return d.Decider.Pay(now, s, in)
}

func (d deciding) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	// A clone is the decider's own.
	items := slices.Clone(s.Items)
	items[0].Quantity = 3
	stock := maps.Clone(s.Stock)
	stock["a"]++
	tags := append([]string(nil), s.Tags...)
	sort.Strings(tags)
	_ = slices.Sorted(slices.Values(s.Tags))
	_ = sort.SearchStrings(s.Tags, "a") + len(slices.Concat(s.Tags, tags))
	sorted := s.Tags
	sorted = slices.Clone(sorted)
	slices.Sort(sorted)
	return d.Decider.Cancel(now, s, in)
}

// folding may.
type folding struct{ shop.Evolver }

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	s.Stock["paid"]++
	s.Items[0].Quantity = 3
	return s
}
