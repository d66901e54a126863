package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var searchRules = []rule{
	{name: "an instance is found by the newest value of a field", check: findByValue},
	{name: "values are stored with their commit, or not at all", check: searchWithCommit},
	{name: "an instance is found by its unique key while it holds it", check: findByUniqueKey},
	{name: "instances are found by the beginning of their ids, in pages", check: findByPrefix},
	{name: "a value that is stored later does not replace one of a newer version", check: putSearchValues},
	{name: "a deleted instance is not found", check: searchForgets, needs: []string{"Forgetting"}},
	{name: "values move with their instance", check: searchTransfers, needs: []string{"Transfer"}},
}

// searched is a change with values of search fields, as in "customer=c-1".
func searched(c store.Change, values ...string) store.Change {
	for _, v := range values {
		field, value, _ := strings.Cut(v, "=")
		c.Search = append(c.Search, store.SearchValue{Field: field, Value: value})
	}
	return c
}

func (k *kit) wantFound(query store.FindQuery, want ...string) {
	k.Helper()
	if query.Limit == 0 {
		query.Limit = 10
	}
	found, err := k.search.FindInstances(k.ctx, query)
	if err != nil {
		k.Fatal(err)
	}
	var got []string
	for _, i := range found {
		got = append(got, i.Key.String())
		summary := store.InstanceSummary{Key: i.Key, Version: int64(len(k.load(i.Key).Events))}
		if i.Version != summary.Version || i.CreatedAt.IsZero() {
			k.Errorf("%+v: got %+v", query, i)
		}
	}
	if !slices.Equal(got, want) {
		k.Errorf("%+v: got %q, want %q", query, got, want)
	}
}

func byValue(field, value string) store.FindQuery {
	return store.FindQuery{Workflow: "order", Field: field, Value: value}
}

func findByValue(k *kit) {
	k.commit(searched(change(order("1"), 0, 1), "customer=c-1", "city=Oslo"), searched(change(order("2"), 0, 2), "customer=c-1"),
		searched(change(store.InstanceKey{Workflow: "cart", ID: "3"}, 0, 1), "customer=c-1"), change(order("4"), 0, 1))
	k.wantFound(byValue("customer", "c-1"), "order/1", "order/2")
	k.wantFound(store.FindQuery{Workflow: "cart", Field: "customer", Value: "c-1"}, "cart/3")
	k.wantFound(byValue("city", "Oslo"), "order/1")
	k.wantFound(byValue("city", "oslo"))
	k.wantFound(byValue("customer", "c"))
	k.wantFound(store.FindQuery{Workflow: "order", Field: "customer", Value: "c-1", After: order("1")}, "order/2")
	k.wantFound(store.FindQuery{Workflow: "order", Field: "customer", Value: "c-1", Limit: 1}, "order/1")
	odd := strings.Repeat("ü'\"%_\\", 60)
	k.commit(searched(change(order("1"), 1, 1), "customer=c-2", "city="), searched(change(order("2"), 2, 1), "city="+odd))
	k.wantFound(byValue("customer", "c-1"), "order/2")
	k.wantFound(byValue("customer", "c-2"), "order/1")
	k.wantFound(byValue("city", "Oslo"))
	k.wantFound(byValue("city", odd), "order/2")
	k.commit(change(order("1"), 2, 1))
	k.wantFound(byValue("customer", "c-2"), "order/1")
	k.commit(complete(searched(change(order("1"), 3, 1), "customer=c-3")))
	k.wantFound(byValue("customer", "c-3"), "order/1")
}

func searchWithCommit(k *kit) {
	k.commit(searched(change(order("1"), 0, 1), "customer=c-1"))
	k.refuse(isConflict, searched(change(order("1"), 0, 1), "customer=c-2"))
	k.refuse(isConflict, searched(change(order("1"), 5, 1), "customer=c-2"))
	k.wantFound(byValue("customer", "c-1"), "order/1")
	k.wantFound(byValue("customer", "c-2"))
}

func findByUniqueKey(k *kit) {
	c := change(order("1"), 0, 1)
	c.UniqueKey = "cart-7"
	k.commit(c, change(order("2"), 0, 1))
	k.wantFound(store.FindQuery{Workflow: "order", UniqueKey: "cart-7"}, "order/1")
	k.wantFound(store.FindQuery{Workflow: "order", UniqueKey: "cart"})
	k.wantFound(store.FindQuery{Workflow: "cart", UniqueKey: "cart-7"})
	k.commit(complete(change(order("1"), 1, 1)))
	k.wantFound(store.FindQuery{Workflow: "order", UniqueKey: "cart-7"})
}

func findByPrefix(k *kit) {
	var changes []store.Change
	for _, id := range []string{"a", "a-1", "a-2", "a-\u00e4", "A-1", "b", "a%"} {
		changes = append(changes, change(order(id), 0, 1))
	}
	k.commit(append(changes, change(store.InstanceKey{Workflow: "cart", ID: "a-1"}, 0, 1))...)
	k.wantFound(store.FindQuery{IDPrefix: "a-"}, "cart/a-1", "order/a-1", "order/a-2", "order/a-ä")
	k.wantFound(store.FindQuery{IDPrefix: "a-", Workflow: "order"}, "order/a-1", "order/a-2", "order/a-ä")
	k.wantFound(store.FindQuery{IDPrefix: "a%"}, "order/a%")
	k.wantFound(store.FindQuery{IDPrefix: "c"})
	k.wantFound(store.FindQuery{IDPrefix: "a-", Limit: 1}, "cart/a-1")
	k.wantFound(store.FindQuery{IDPrefix: "a-", Limit: 2, After: store.InstanceKey{Workflow: "cart", ID: "a-1"}}, "order/a-1", "order/a-2")
	k.wantFound(store.FindQuery{IDPrefix: "a-", After: order("a-2")}, "order/a-ä")
}

func putSearchValues(k *kit) {
	k.commit(change(order("1"), 0, 3), searched(change(order("2"), 0, 1), "customer=c-1"))
	k.commit(searched(change(order("2"), 1, 1), "customer=c-2"))
	k.commit(searched(change(order("2"), 2, 1), "city="))
	put := func(id string, version int64, values ...string) {
		k.Helper()
		v := store.InstanceSearch{Instance: order(id), Version: version, Values: searched(store.Change{}, values...).Search}
		if err := k.search.PutSearchValues(k.ctx, []store.InstanceSearch{v}); err != nil {
			k.Fatal(err)
		}
	}
	put("1", 3, "customer=c-2", "city=Oslo")
	put("2", 1, "customer=c-9", "city=Oslo")
	put("none", 1, "customer=c-2")
	k.wantFound(byValue("customer", "c-2"), "order/1", "order/2")
	k.wantFound(byValue("city", "Oslo"), "order/1")
	k.wantFound(byValue("customer", "c-9"))
	put("2", 3, "customer=c-9")
	k.wantFound(byValue("customer", "c-9"), "order/2")
	if err := k.search.PutSearchValues(k.ctx, nil); err != nil {
		k.Error(err)
	}
}

func searchForgets(k *kit) {
	k.commit(complete(searched(change(order("1"), 0, 1), "customer=c-1")), searched(change(order("2"), 0, 1), "customer=c-1"))
	kept, err := k.forgetting.DeleteInstances(k.ctx, []store.InstanceVersion{{Instance: order("1"), Version: 1}}, 1<<40)
	if err != nil || len(kept) > 0 {
		k.Fatalf("kept %v, error %v", kept, err)
	}
	k.wantFound(byValue("customer", "c-1"), "order/2")
	k.commit(change(order("1"), 0, 1))
	k.wantFound(byValue("customer", "c-1"), "order/2")
}

func searchTransfers(k *kit) {
	k.commit(complete(searched(change(order("1"), 0, 2), "customer=c-1", "city=Oslo")))
	stored, err := k.transfer.ReadStored(k.ctx, []store.InstanceKey{order("1")})
	if err != nil || len(stored) != 1 {
		k.Fatalf("got %+v, error %v", stored, err)
	}
	if got := fmt.Sprint(stored[0].Search); got != "[{city Oslo} {customer c-1}]" {
		k.Errorf("got %s", got)
	}
	stored[0].Key = order("2")
	for i := range stored[0].Events {
		stored[0].Events[i].Instance = order("2")
	}
	if err := k.transfer.WriteStored(k.ctx, stored); err != nil {
		k.Fatal(err)
	}
	k.wantFound(byValue("customer", "c-1"), "order/1", "order/2")
}
