package clean

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/maporder/lists"
	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

// sorting lets no order out.
type sorting struct{ shop.Decider }

func (d sorting) Create(now time.Time, s shop.State, in shop.Create) shop.CreateDecision {
	// Collect, then sort.
	var skus []string
	for sku := range in.Stock {
		skus = append(skus, sku)
	}
	sort.Strings(skus)
	keys := make([]string, 0, len(in.Stock))
	for sku, n := range in.Stock {
		if n > 0 {
			keys = append(keys, strings.ToUpper(sku))
		}
	}
	slices.SortFunc(keys, strings.Compare)
	items := make([]shop.Item, 0)
	for sku, n := range in.Stock {
		item := shop.Item{Sku: sku}
		item.Quantity = n
		items = append(items, item)
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Sku < items[j].Sku })
	filled := make([]string, len(in.Stock))
	i := 0
	for sku := range in.Stock {
		filled[i] = sku
		i++
	}
	sort.Strings(filled)
	byCount := byText{}
	for sku := range in.Stock {
		byCount = append(byCount, sku)
	}
	sort.Sort(byCount)
	sorted := slices.Sorted(maps.Keys(in.Stock))
	listed := lists.Keys(in.Stock)
	slices.Sort(listed)
	own := lists.Keys(in.Stock)
	sortList(own)
	fine := lists.SortedKeys(in.Stock)
	groups := map[int64][]string{}
	for sku, n := range in.Stock {
		groups[n] = append(groups[n], sku)
	}
	for n := range groups {
		slices.Sort(groups[n])
	}

	// Count, sum and look.
	count, total, any, all, largest, flags := 0, int64(0), false, true, int64(0), uint(0)
	var latest time.Time
	for sku, n := range in.Stock {
		count++
		total += n
		total = total + n*2
		flags |= uint(n)
		if sku == "" {
			any = true
		}
		all = all && n > 0
		if n > largest {
			largest = n
		}
		largest = max(largest, n)
		if at := now.Add(time.Duration(n)); at.After(latest) {
			latest = at
		}
	}
	for _, n := range in.Stock {
		if n < 0 {
			all = false
			break
		}
	}
	for _, price := range s.Prices {
		if price < 0 {
			return shop.RejectCreate(shop.Invalid{Reason: "negative price"})
		}
	}
	_, _ = any, flags
	return shop.AcceptCreate(shop.Listed{
		Skus:  slices.Concat(skus, keys, filled, byCount, sorted, listed, own, fine, groups[0]),
		Text:  fmt.Sprint(in.Stock, all),
		Total: total + largest + int64(count) + int64(len(items)),
	})
}

type byText []string

func (b byText) Len() int           { return len(b) }
func (b byText) Less(i, j int) bool { return b[i] < b[j] }
func (b byText) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func sortList(list []string) { slices.Sort(list) }

func (d sorting) Pay(now time.Time, s shop.State, in shop.Pay) shop.PayDecision {
	// Other maps, and one key.
	doubled := make(map[string]int64, len(s.Stock))
	for sku, n := range s.Stock {
		doubled[sku] = 2 * n
	}
	inverted := make(map[int64]string)
	sums := make(map[string]float64)
	lists2 := make(map[string][]int64)
	for sku, n := range s.Stock {
		inverted[n] = sku
		sums[sku] += float64(n)
		lists2[sku] = append(lists2[sku], n, n+1)
		delete(doubled, sku)
	}
	chosen, price := "", 0.0
	for sku, n := range s.Stock {
		if sku == in.OrderID {
			chosen = sku
			price += float64(n)
			break
		}
	}
	for sku := range s.Stock {
		if sku != in.OrderID {
			continue
		}
		return shop.RejectPay(shop.Invalid{Reason: sku})
	}
	for _, n := range s.Stock {
		switch {
		case n == in.Amount:
			price = float64(n)
		}
	}
	// The cheapest, and of those the first by name.
	cheapest, lowest := "", int64(0)
	for sku, n := range s.Stock {
		if n < lowest || n == lowest && sku < cheapest {
			cheapest, lowest = sku, n
		}
	}
	for sku, n := range s.Stock {
		if c := cmp.Or(cmp.Compare(n, lowest), strings.Compare(sku, cheapest)); c >= 0 {
			continue
		}
	}
	// A place for each key, however it is made.
	type place struct{ sku, kind string }
	places := make(map[place][]int64)
	prefixed := make(map[string][]int64)
	shelves := map[string]*shelf{}
	for sku, n := range s.Stock {
		places[place{sku, "a"}] = append(places[place{sku, "a"}], n)
		prefixed["sku-"+sku] = append(prefixed["sku-"+sku], n)
		shelves[sku].count = n
		shelves[sku].seen[n] = sku
		shelves["all"].used = true
	}
	// Which of several errors is returned matters to nobody, and what is printed is no part of the decision.
	var errs []error
	for sku, n := range s.Stock {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", sku))
		}
		fmt.Fprintln(os.Stderr, sku)
	}
	err := errors.Join(append(errs, check(s.Stock))...)
	if err != nil {
		return shop.RejectPay(shop.Invalid{Reason: "stock"})
	}
	for sku, n := range s.Stock {
		if strings.EqualFold(sku, in.OrderID) {
			price = float64(n)
		}
		if err = checkOne(sku, n); err != nil {
			break
		}
	}
	// What a list in map order is good for.
	keys := slices.Collect(maps.Keys(s.Stock))
	if len(keys) == 0 || keys == nil || slices.Contains(keys, "a") {
		return shop.RejectPay(shop.Invalid{})
	}
	n := lists.Sum(keys) + sumOf(slices.Collect(maps.Values(s.Stock)))
	for _, key := range keys {
		n += len(key)
	}
	// Loops that only look the same.
	text := ""
	for _, sku := range slices.Sorted(maps.Keys(s.Stock)) {
		text += sku
	}
	for range s.Stock {
		text += "."
	}
	for i, item := range s.Items {
		text += fmt.Sprint(i, item.Sku)
	}
	_, _, _, _ = chosen, price, inverted, n
	return d.Decider.Pay(now, s, in)
}

type shelf struct {
	count int64
	used  bool
	seen  map[int64]string
}

func check(stock map[string]int64) error {
	for sku, n := range stock {
		if err := checkOne(sku, n); err != nil {
			return fmt.Errorf("%s: %w", sku, err)
		}
	}
	return nil
}

func checkOne(sku string, n int64) error {
	if n < 0 {
		return &negative{sku}
	}
	return nil
}

type negative struct{ sku string }

func (n *negative) Error() string { return n.sku }

func sumOf(list []int64) (sum int) {
	for _, n := range list {
		sum += int(n)
	}
	return sum
}
