// Package maporder lets the order of maps out.
package maporder

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/maporder/lists"
	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type appending struct{ shop.Decider }

func (d appending) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	var skus []string
	for sku := range in.Stock {
		skus = append(skus, sku) // want `^maporder: the decider appending.Create appends to skus in the order of the map in.Stock, which is random, and does not sort it; range over slices.Sorted\(maps.Keys\(m\)\), or sort the result$`
	}
	text := ""
	var b strings.Builder
	sum, product := 0.0, 1.0
	for sku, n := range in.Stock {
		text += sku         // want `builds the string text in the order of the map in.Stock`
		b.WriteString(sku)  // want `writes to b in the order of the map in.Stock`
		fmt.Fprintln(&b, n) // want `writes to b in the order of the map in.Stock`
	}
	for _, price := range s.Prices {
		sum += price              // want `adds up sum in the order of the map s.Prices, which is random, and the sum of floats depends on the order`
		product = product * price // want `adds up product`
	}
	return shop.AcceptCreate(shop.Listed{Skus: skus, Text: text + b.String(), Sum: sum + product})
}

func (d appending) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	var last, found string
	for sku, n := range s.Stock {
		last = sku // want `^maporder: the decider appending.Pay sets last from a turn of a loop over the map s.Stock, and which turn is the last one is random`
		if n > 3 {
			found = sku // want `sets found from a turn`
			break
		}
	}
	for sku, n := range s.Stock {
		if n == 0 {
			return shop.RejectPay(shop.Invalid{Reason: sku}) // want `returns from a loop over the map s.Stock with the first one that it finds, and which one comes first is random`
		}
	}
	best, bestSku := int64(0), ""
	for sku, n := range s.Stock {
		if n > best {
			best, bestSku = n, sku // want `sets bestSku from a turn`
		}
	}
	total := int64(0)
	for _, n := range s.Stock {
		total += n
		if total > in.Amount {
			break // want `stops a loop over the map s.Stock early, so that what it has seen by then is random`
		}
	}
	_, _, _, _ = last, found, bestSku, total
	return d.Decider.Pay(now, s, in)
}

func (d appending) Cancel(now time.Time, s shop.State, in shop.Cancel) shop.CancelDecision {
	decision := shop.AcceptCancel(shop.Cancelled{Reason: in.Reason})
	for sku := range maps.Keys(s.Stock) {
		decision = decision.Effect(shop.Mail{Text: sku}) // want `adds to the decision in the order of maps.Keys\(s.Stock\), which is random`
	}
	var events []shop.CancelEvent
	list := make([]string, len(s.Stock))
	i := 0
	groups := map[int64][]string{}
	for sku, n := range s.Stock {
		events = append(events, shop.Cancelled{Reason: sku}) // want `appends to events`
		list[i] = sku                                        // want `fills list\[i\] in the order of the map s.Stock`
		i++
		groups[n] = append(groups[n], sku) // want `appends to groups\[n\]`
	}
	_ = strings.Join(list, ",")
	_ = groups
	return shop.AcceptCancel(events[0], events[1:]...)
}

// calling calls what does.
type calling struct{ shop.Decider }

func (d calling) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	keys := lists.Keys(in.Stock)                         // want `^maporder: the decider calling.Create takes lists.Keys\(in.Stock\) in the random order of a map; range over`
	text := strings.Join(lists.Collected(in.Stock), ",") // want `takes lists.Collected\(in.Stock\) in the random order of a map`
	_, both, _ := lists.Both(in.Stock)                   // want `takes lists.Both\(in.Stock\)`
	named := lists.Named(in.Stock)                       // want `takes lists.Named\(in.Stock\)`
	first := lists.First(in.Stock)                       // want `calls lists.First, which returns from a loop over the map m with the first one that it finds, and which one comes first is random \(lists.go:\d+\)`
	local := localKeys(in.Stock)                         // want `takes localKeys\(in.Stock\)`
	joined := d.joined(in.Stock)                         // want `calls calling.joined, which builds the string s`
	for _, k := range lists.Keys(in.Stock) {
		text += k // want `builds the string text in the order of lists.Keys\(in.Stock\)`
	}
	collected := slices.Collect(maps.Values(in.Stock)) // want `takes slices.Collect\(maps.Values\(in.Stock\)\)`
	use(collected)
	return shop.AcceptCreate(shop.Listed{Skus: slices.Concat(keys, both, named, local), Text: text + first + joined})
}

func use(list []int64) int64 { return list[0] }

func localKeys(m map[string]int64) []string { return lists.Keys(m) }

func (calling) joined(m map[string]int64) (s string) {
	for k := range m {
		s += k
	}
	return s
}

// folding is an evolver.
type folding struct{ shop.Evolver }

func (folding) Created(s shop.State, e shop.Created) shop.State {
	for sku := range s.Stock {
		s.Tags = append(s.Tags, sku) // want `^maporder: the evolver folding.Created appends to s.Tags`
	}
	return s
}

func (folding) Paid(s shop.State, e shop.Paid) shop.State {
	for sku := range s.Stock {
		s.Tags = append(s.Tags, sku)
	}
	sort.Strings(s.Tags)
	return s
}
