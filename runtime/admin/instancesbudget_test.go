package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A list by what has no index ends when its time is over, says so, and continues with nothing left out or repeated.
func TestInstancesKeepTheirBudget(t *testing.T) {
	const instances = 1200
	start := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	onStores(t, func(t *testing.T, st store.Store) {
		for version := range int64(2) {
			batch := store.Batch{Commit: store.CommitID(version + 1)}
			for n := range instances {
				c := store.Change{
					Instance: store.InstanceKey{Workflow: "order", ID: fmt.Sprintf("%04d", n)}, Version: version, Now: start, Status: "open",
					Events: []store.NewEvent{{Type: "Noted", SchemaVersion: 1, Payload: []byte(`{}`)}},
				}
				switch {
				case version == 0:
				case n%7 != 0:
					continue
				default:
					c.Now, c.Status = start.Add(time.Duration(n)*time.Second), "paid"
					if n%2 == 0 {
						c.Status, c.Complete = "closed", true
					}
				}
				batch.Changes = append(batch.Changes, c)
			}
			if err := st.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		a := newAdmin(t, st, 0)
		// The oldest instance is the last of the list.
		if err := st.Append(t.Context(), store.Batch{Commit: 3, Changes: []store.Change{{
			Instance: store.InstanceKey{Workflow: "order", ID: "oldest"}, Now: start.Add(-time.Hour), Status: "rare",
			Events: []store.NewEvent{{Type: "Noted", SchemaVersion: 1, Payload: []byte(`{}`)}},
		}}}); err != nil {
			t.Fatal(err)
		}

		query := admin.InstanceQuery{InstanceFilter: store.InstanceFilter{Status: "rare"}, Limit: 400, Budget: 1}
		first, err := a.Instances(t.Context(), query)
		if err != nil || first.Looked != 401 || len(first.Items) != 0 || first.Next == "" {
			t.Errorf("got %d items, looked at %d, next %q, %v; want none of 401, and a cursor", len(first.Items), first.Looked, first.Next, err)
		}
		query.Budget = time.Minute
		if all, err := a.Instances(t.Context(), query); err != nil || all.Looked != 0 || all.Next != "" || len(all.Items) != 1 || all.Items[0].Key.ID != "oldest" {
			t.Errorf("within a minute: got %+v, %v", all, err)
		}

		for _, filter := range []store.InstanceFilter{
			{Status: "rare"}, {Status: "open", Workflow: "order"}, {Status: "paid", Activity: store.OnlyActive}, {Status: "closed"},
			{Status: "closed", Activity: store.OnlyActive}, {UpdatedFrom: start.Add(700 * time.Second), UpdatedBefore: start.Add(1000*time.Second + 300)},
			{Status: "open", UpdatedBefore: start.Add(time.Second), CreatedFrom: start}, {Activity: store.OnlyCompleted},
		} {
			want, err := st.(store.Inspection).ListInstances(t.Context(), store.InstanceList{InstanceFilter: filter, Limit: 10 * instances})
			if err != nil {
				t.Fatal(err)
			}
			for _, limit := range []int{70, 1000} {
				var got []store.InstanceSummary
				for query := (admin.InstanceQuery{InstanceFilter: filter, Limit: limit, Budget: 1}); ; {
					page, err := a.Instances(t.Context(), query)
					if err != nil || len(page.Items) > limit {
						t.Fatalf("%+v: a page of %d, %v", filter, len(page.Items), err)
					}
					got = append(got, page.Items...)
					if query.Cursor = page.Next; page.Next == "" {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%+v in pages of %d: got %d instances, want %d", filter, limit, len(got), len(want))
				}
			}
		}
	})
}
