package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Deliveries that a dead process has leased are found with the name of the process, and when they will be delivered again. Those of
// processes that run, or may have begun just now, are not.
func TestLeasesOfDeadProcesses(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		ctx, now := t.Context(), store.StoredTime(time.Now())
		manifest, digest := (&workflow.Manifest{}).Encode()
		until := now.Add(time.Hour)
		kind := store.Kind{Workflow: "order", Name: "Charge"}
		for i, p := range []store.Program{
			{Process: "runs", SeenAt: now, Until: until},
			{Process: "died", SeenAt: now.Add(-5 * time.Minute), Until: now.Add(-4 * time.Minute)},
			{Process: "stopped", SeenAt: now.Add(-3 * time.Minute), Until: until, StoppedAt: now.Add(-2 * time.Minute)},
			{Process: "just stopped", SeenAt: now, Until: until, StoppedAt: now.Add(-time.Second)},
			{Process: "has two", SeenAt: now.Add(-5 * time.Minute), Until: now.Add(-4 * time.Minute), Version: "v1"},
			{Process: "is not heard", SeenAt: now.Add(-5 * time.Minute), Until: now.Add(-4 * time.Minute)},
			{Process: "is new"},
		} {
			claimed := now.Add(-6 * time.Minute)
			if p.Process == "is not heard" {
				claimed = now.Add(-time.Minute)
			}
			key := store.InstanceKey{Workflow: "order", ID: p.Process}
			change := store.Change{
				Instance: key, Now: claimed, Due: claimed, Events: []store.NewEvent{{Type: "Created", SchemaVersion: 1, Payload: []byte(`{}`)}},
				Effects: []store.NewEffect{{Kind: kind.Name, Payload: []byte(`{}`)}},
			}
			if err := st.Append(ctx, store.Batch{Commit: store.CommitID(i + 1), Changes: []store.Change{change}}); err != nil {
				t.Fatal(err)
			}
			claim := store.Claim{Kinds: []store.Kind{kind}, Now: claimed, Until: until, Limit: 1, Holder: p.Process}
			if got, err := st.Effects().Claim(ctx, claim); err != nil || len(got) != 1 || got[0].Lease.Instance != key {
				t.Fatalf("got %+v, error %v", got, err)
			}
			if p.Process == "is new" {
				continue
			}
			p.Digest, p.StartedAt = digest, now.Add(-time.Hour)
			if err := st.(store.Programs).RecordProgram(ctx, p, manifest); err != nil {
				t.Fatal(err)
			}
			if p.Process == "has two" {
				other, digest := (&workflow.Manifest{Projections: []string{"p"}}).Encode()
				p.Digest, p.SeenAt, p.Until = digest, now, until
				if err := st.(store.Programs).RecordProgram(ctx, p, other); err != nil {
					t.Fatal(err)
				}
			}
		}
		a := newAdmin(t, st, 0)
		texts := func(found []telemetry.AbandonedLeases) (texts []string) {
			for _, l := range found {
				texts = append(texts, l.String())
			}
			return texts
		}
		died := "1 of order/Charge are leased by died, which was last seen at " + now.Add(-5*time.Minute).Format(time.RFC3339) +
			"; they are delivered again when their leases end, the last one at " + until.Format(time.RFC3339)
		stopped := "1 of order/Charge are leased by stopped, which stopped at " + now.Add(-2*time.Minute).Format(time.RFC3339)
		want := func(where string, got []string) {
			t.Helper()
			if len(got) != 2 || got[0] != died || !strings.HasPrefix(got[1], stopped) {
				t.Errorf("%s: got %q", where, got)
			}
		}
		r, err := a.Stuck(ctx, admin.StuckQuery{})
		if err != nil || r.Empty() {
			t.Fatalf("got %+v, error %v", r, err)
		}
		want("Stuck", texts(r.Abandoned))
		if r, err := a.Stuck(ctx, admin.StuckQuery{Workflow: "cart"}); err != nil || len(r.Abandoned) > 0 {
			t.Errorf("of another workflow: %+v, error %v", r, err)
		}
		if r, err := a.Stuck(ctx, admin.StuckQuery{For: 4 * time.Minute}); err != nil || len(r.Abandoned) != 1 {
			t.Errorf("for 4 minutes: %+v, error %v", r, err)
		}
		h, err := a.Health(ctx)
		if err != nil || len(h.Abandoned) != 3 {
			t.Fatalf("got %+v, error %v", h.Abandoned, err)
		}
		var problems []string
		for _, p := range h.Problems() {
			if p.Reason == telemetry.ProblemAbandoned {
				problems = append(problems, p.Text)
			}
		}
		want("Problems", problems)
	})
}
