package admin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Instances that have changed lately count against the budget, too: there may be millions between those that have not.
func TestStuckKeepsItsBudget(t *testing.T) {
	const instances = 1200
	onStores(t, func(t *testing.T, st store.Store) {
		now := time.Now()
		for version, at := range []time.Time{now.Add(-time.Hour), now} {
			batch := store.Batch{Commit: store.CommitID(version + 1)}
			for n := range instances {
				if version > 0 && n == 0 { // the oldest, and so the last of the list
					continue
				}
				batch.Changes = append(batch.Changes, store.Change{
					Instance: store.InstanceKey{Workflow: "order", ID: fmt.Sprintf("%04d", n)}, Version: int64(version), Now: at,
					Events: []store.NewEvent{{Type: "Noted", SchemaVersion: 1, Payload: []byte(`{}`)}},
				})
			}
			if err := st.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		var found []string
		calls, looked := 0, 0
		for query := (admin.StuckQuery{For: time.Minute, Budget: 1}); ; {
			r, err := newAdmin(t, st, 0).Stuck(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			calls, looked = calls+1, looked+r.Looked
			for _, i := range r.Instances {
				found = append(found, i.Key.ID)
			}
			if query.Cursor = r.Next; r.Next == "" {
				break
			}
		}
		if calls != 3 || looked != 1 || len(found) != 1 || found[0] != "0000" {
			t.Errorf("%d calls looked at %d instances and found %q, want 3, 1 and 0000", calls, looked, found)
		}
	})
}
