package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// population fills a store with instances that differ in all that a filter looks at and often have the same times, and
// returns what they are, the newest first.
func population(k *kit) []store.InstanceSummary {
	k.Helper()
	statuses := []string{"new", "paid", ""}
	var all []store.InstanceSummary
	var created, later []store.Change
	for n := range 60 {
		i := store.InstanceSummary{
			Key:     store.InstanceKey{Workflow: []string{"order", "cart", "Über", "a b"}[n%4], ID: fmt.Sprint(n * 7 % 60)},
			Version: 1, Status: statuses[n%3], CreatedAt: at(n % 5),
		}
		i.LastEventAt = i.CreatedAt
		c := change(i.Key, 0, 1)
		c.Now, c.Status = i.CreatedAt, i.Status
		if n%6 == 0 { // completed at once
			i.CompletedAt = i.CreatedAt
			c = complete(c)
		}
		created = append(created, c)
		if n%6 == 1 || n%6 == 2 {
			i.Version, i.Status, i.LastEventAt = 3, statuses[(n+1)%3], at(10+n%4)
			c := change(i.Key, 1, 2)
			c.Now, c.Status = i.LastEventAt, i.Status
			if n%6 == 1 {
				i.CompletedAt = i.LastEventAt
				c = complete(c)
			}
			later = append(later, c)
		}
		all = append(all, i)
	}
	k.commit(created...)
	k.commit(later...)
	slices.SortFunc(all, func(a, b store.InstanceSummary) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Key.ID, b.Key.ID), cmp.Compare(a.Key.Workflow, b.Key.Workflow))
	})
	return all
}

// lets is what a filter means.
func lets(f store.InstanceFilter, i store.InstanceSummary) bool {
	within := func(t, from, before time.Time) bool {
		return !t.Before(from) && (before.IsZero() || t.Before(before))
	}
	return (f.Workflow == "" || f.Workflow == i.Key.Workflow) &&
		(f.Status == "" || f.Status == i.Status) &&
		(f.Activity == store.AnyActivity || (f.Activity == store.OnlyCompleted) == i.Completed()) &&
		within(i.CreatedAt, f.CreatedFrom, f.CreatedBefore) && within(i.LastEventAt, f.UpdatedFrom, f.UpdatedBefore)
}

// anyFilter makes a filter of which each part is there or not.
func anyFilter(r *rand.Rand) (f store.InstanceFilter) {
	maybe := func(set func()) {
		if r.IntN(3) == 0 {
			set()
		}
	}
	maybe(func() { f.Workflow = []string{"order", "cart", "Über", "a b", "unknown"}[r.IntN(5)] })
	maybe(func() { f.Status = []string{"new", "paid", "gone"}[r.IntN(3)] })
	maybe(func() { f.Activity = []store.Activity{store.OnlyActive, store.OnlyCompleted}[r.IntN(2)] })
	maybe(func() { f.CreatedFrom = at(r.IntN(6)) })
	maybe(func() { f.CreatedBefore = at(r.IntN(6)) })
	maybe(func() { f.UpdatedFrom = at(r.IntN(14)) })
	maybe(func() { f.UpdatedBefore = at(r.IntN(14)) })
	return f
}

func listInstances(k *kit) {
	all := population(k)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		filter := store.InstanceFilter{}
		if n > 0 {
			filter = anyFilter(r)
		}
		var want []store.InstanceSummary
		for _, i := range all {
			if lets(filter, i) {
				want = append(want, i)
			}
		}
		list := store.InstanceList{InstanceFilter: filter, Limit: 1 + r.IntN(25)}
		got := pages(k, list.Limit, func(after *store.InstanceSummary) ([]store.InstanceSummary, error) {
			list.After = placeOf(after)
			return k.inspection.ListInstances(k.ctx, list)
		})
		if !slices.Equal(got, want) {
			k.Fatalf("%+v, %d at once:\n got %+v\nwant %+v", filter, list.Limit, got, want)
		}

		counts, err := k.inspection.CountInstances(k.ctx, filter)
		if err != nil || !slices.Equal(counts, countOf(want)) {
			k.Fatalf("%+v:\n got %+v, error %v\nwant %+v", filter, counts, err, countOf(want))
		}
		if counts.Total() != int64(len(want)) {
			k.Fatalf("%+v: got %d in total, want %d", filter, counts.Total(), len(want))
		}
	}
}

// placeOf returns the place of an instance in a list; nil, the beginning, for nil.
func placeOf(i *store.InstanceSummary) *store.InstancePlace {
	if i == nil {
		return nil
	}
	return &store.InstancePlace{CreatedAt: i.CreatedAt, ID: i.Key.ID, Workflow: i.Key.Workflow}
}

func countOf(instances []store.InstanceSummary) (counts store.InstanceCounts) {
	numbers := map[store.InstanceCount]int64{}
	for _, i := range instances {
		numbers[store.InstanceCount{Workflow: i.Key.Workflow, Status: i.Status, Completed: i.Completed()}]++
	}
	for c, n := range numbers {
		c.Count = n
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b store.InstanceCount) int {
		rank := map[bool]int{true: 1}
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(rank[a.Completed], rank[b.Completed]), cmp.Compare(a.Status, b.Status))
	})
	return counts
}

// listWhileItChanges says that what is there from the first page to the last is on exactly one of them.
func listWhileItChanges(k *kit) {
	all := population(k)
	list := store.InstanceList{Limit: 4}
	seen := map[store.InstanceKey]int{}
	for n := 0; ; n++ {
		page, err := k.inspection.ListInstances(k.ctx, list)
		if err != nil {
			k.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, i := range page {
			seen[i.Key]++
		}
		list.After = placeOf(&page[len(page)-1])

		// Some complete, which moves them from one index to the other, and others come.
		for _, i := range all[n*3 : n*3+3] {
			if !i.Completed() {
				k.commit(complete(change(i.Key, i.Version, 1)))
			}
		}
		fresh := change(store.InstanceKey{Workflow: "order", ID: fmt.Sprintf("new-%d", n)}, 0, 1)
		fresh.Now = at(2)
		k.commit(fresh)
	}
	for _, i := range all {
		if seen[i.Key] != 1 {
			k.Errorf("%s was listed %d times", i.Key, seen[i.Key])
		}
	}
	for key, n := range seen {
		if n != 1 {
			k.Errorf("%s was listed %d times", key, n)
		}
	}
}

// listOneMoment lists instances while they complete, each of which must be on the list once.
func listOneMoment(k *kit) {
	const instances = 200
	var changes []store.Change
	for n := range instances {
		changes = append(changes, change(order(fmt.Sprint(n)), 0, 1))
	}
	k.commit(changes...)
	var done atomic.Bool
	k.together(2, func(n int) error {
		if n == 0 {
			defer done.Store(true)
			for n := range instances {
				if err := k.try(complete(change(order(fmt.Sprint(n)), 1, 1))); err != nil {
					return err
				}
			}
			return nil
		}
		for !done.Load() {
			page, err := k.inspection.ListInstances(k.ctx, store.InstanceList{Limit: 2 * instances})
			if err != nil {
				return err
			}
			seen := map[store.InstanceKey]bool{}
			for _, i := range page {
				seen[i.Key] = true
			}
			if len(page) != instances || len(seen) != instances {
				return fmt.Errorf("got %d instances, %d different ones, want %d", len(page), len(seen), instances)
			}
		}
		return nil
	})
}
