package runtime_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestInstances(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		engine := b.engine(b.config(c), tickets(ticket.Decider{}, ticket.Handler{}), ledgers(ledger.Decider{}, ledger.Handler{}))
		ctx := b.Context()
		for n := range 4 {
			out, err := ticket.NewClient(engine).Open(ctx, ticket.Open{ID: fmt.Sprint(n), Subject: fmt.Sprint(n)})
			must(b, out, err)
			added, err := ledger.NewClient(engine).Add(ctx, ledger.Add{Account: fmt.Sprint(n)})
			must(b, added, err)
			c.advance(time.Minute)
		}
		closed, err := ledger.NewClient(engine).Close(ctx, ledger.Close{Account: "1"})
		must(b, closed, err)

		list := func(filter runtime.InstanceFilter, limit int) (all []string) {
			b.Helper()
			query := runtime.InstanceQuery{InstanceFilter: filter, Limit: limit}
			for {
				page, err := engine.Instances(ctx, query)
				if err != nil {
					b.Fatal(err)
				}
				for _, i := range page.Items {
					all = append(all, i.Key.String())
				}
				if len(page.Items) != limit && page.Next != "" {
					b.Errorf("a page of %d that is not the last has %d", limit, len(page.Items))
				}
				if page.Next == "" {
					return all
				}
				query.Cursor = page.Next
			}
		}
		everything := []string{"ticket/3", "ledger/3", "ticket/2", "ledger/2", "ticket/1", "ledger/1", "ticket/0", "ledger/0"}
		for limit := 1; limit <= 9; limit++ {
			if got := list(runtime.InstanceFilter{}, limit); !slices.Equal(got, everything) {
				b.Errorf("%d at once: got %v", limit, got)
			}
		}
		for _, test := range []struct {
			filter runtime.InstanceFilter
			want   []string
		}{
			{runtime.InstanceFilter{Activity: runtime.OnlyCompleted}, []string{"ledger/1"}},
			{runtime.InstanceFilter{Workflow: "ledger", Activity: runtime.OnlyActive}, []string{"ledger/3", "ledger/2", "ledger/0"}},
			{runtime.InstanceFilter{UpdatedFrom: epoch.Add(4 * time.Minute).Truncate(time.Microsecond)}, []string{"ledger/1"}},
			{runtime.InstanceFilter{UpdatedBefore: epoch.Add(time.Minute).Truncate(time.Microsecond)}, []string{"ticket/0", "ledger/0"}},
		} {
			if got := list(test.filter, 2); !slices.Equal(got, test.want) {
				b.Errorf("%+v: got %v, want %v", test.filter, got, test.want)
			}
			counts, err := engine.CountInstances(ctx, test.filter)
			if err != nil || counts.Total() != int64(len(test.want)) {
				b.Errorf("%+v: counted %+v, %v", test.filter, counts, err)
			}
		}

		page, err := engine.Instances(ctx, runtime.InstanceQuery{Limit: 1})
		if err != nil {
			b.Fatal(err)
		}
		want := store.InstanceSummary{
			Key: runtime.InstanceKey{Workflow: "ticket", ID: "3"}, Version: 1, Status: page.Items[0].Status,
			CreatedAt: epoch.Add(3 * time.Minute).Truncate(time.Microsecond), LastEventAt: epoch.Add(3 * time.Minute).Truncate(time.Microsecond),
		}
		if page.Items[0] != want {
			b.Errorf("got %+v, want %+v", page.Items[0], want)
		}
		for _, cursor := range []string{"x", "eyJYIjoxfQ", page.Next + "A", page.Next[:5]} {
			_, err := engine.Instances(ctx, runtime.InstanceQuery{Cursor: cursor})
			wantError(b, err, "cursor", "Page.Next")
		}
	})
}
