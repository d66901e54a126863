package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var auditRules = []rule{
	{name: "audit records are listed in pages as the filter says", check: listAudits},
	{name: "a record is replaced by the revision after it only", check: replaceAudits},
	{name: "a change of dead letters, a pause, a projection or a transfer is recorded with it", check: auditChanges, needs: []string{"DeadLetters", "Pauses", "Projections", "Transfer"}},
	{name: "what changes nothing is not recorded", check: auditNothing, needs: []string{"DeadLetters", "Pauses", "Projections"}},
	{name: "a change that fails is not recorded", check: auditFailures, needs: []string{"Projections", "Transfer"}},
	{name: "an input of an operator is recorded with its decision", check: auditInputs, needs: []string{"InputLog"}},
}

// acting returns a copy of the kit whose calls are an action.
func (k *kit) acting(r store.AuditRecord) *kit {
	acting := *k
	acting.ctx = store.WithAudit(store.WithOperator(k.ctx, store.Operator{By: "ann", Reason: "the bank is back"}), r)
	return &acting
}

func (k *kit) audits(f store.AuditFilter) []store.AuditRecord {
	k.Helper()
	got, err := k.audit.AuditRecords(k.ctx, store.AuditList{AuditFilter: f, Limit: 1000})
	if err != nil {
		k.Fatalf("AuditRecords: %v", err)
	}
	return got
}

func (k *kit) wantAudits(want ...store.AuditRecord) {
	k.Helper()
	got := k.audits(store.AuditFilter{})
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		k.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func listAudits(k *kit) {
	var all []store.AuditRecord
	for n := range 20 {
		r := store.AuditRecord{
			ID: fmt.Sprint("id", n), At: at(n / 3), By: []string{"ann", "bob's", ""}[n%3], Reason: `"why" \u0000 é`, Operation: []string{store.OpRetry, store.OpBulk}[n%2],
			Workflow: []string{"order", "cart", ""}[n%3], Target: []string{"o-1", ""}[n%2], Count: int64(n), Revision: 1,
		}
		if n%2 == 1 {
			r.Progress, r.EndedAt = []byte(`{"a":  "\u0000"}`), at(100+n)
		}
		if err := k.audit.RecordAudit(k.ctx, r); err != nil {
			k.Fatalf("RecordAudit: %v", err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b store.AuditRecord) int {
		if a.At.Equal(b.At) {
			return strings.Compare(b.ID, a.ID)
		}
		return b.At.Compare(a.At)
	})
	for _, f := range []store.AuditFilter{
		{}, {ID: "id7"}, {By: "bob's"}, {Operation: store.OpBulk}, {Workflow: "cart"}, {Target: "o-1"}, {Workflow: "order", Operation: store.OpRetry}, {ID: "none"},
	} {
		var want []store.AuditRecord
		for _, r := range all {
			if (f.ID == "" || f.ID == r.ID) && (f.By == "" || f.By == r.By) && (f.Operation == "" || f.Operation == r.Operation) &&
				(f.Workflow == "" || f.Workflow == r.Workflow) && (f.Target == "" || f.Target == r.Target) {
				want = append(want, r)
			}
		}
		list := store.AuditList{AuditFilter: f, Limit: 3}
		got := pages(k, list.Limit, func(after *store.AuditRecord) ([]store.AuditRecord, error) {
			if after != nil {
				list.After = &store.AuditPlace{At: after.At, ID: after.ID}
			}
			return k.audit.AuditRecords(k.ctx, list)
		})
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			k.Errorf("%+v:\n got %+v\nwant %+v", f, got, want)
		}
	}
}

func replaceAudits(k *kit) {
	r := store.AuditRecord{ID: "run", At: at(0), By: "ann", Operation: store.OpBulk, Revision: 1}
	store1 := func(want bool) {
		k.Helper()
		if err := k.audit.RecordAudit(k.ctx, r); want != (err == nil) || !want && !isConflict(err) {
			k.Errorf("revision %d: error %v", r.Revision, err)
		}
	}
	r.Revision = 2
	store1(false)
	r.Revision = 1
	store1(true)
	store1(false)
	r.Revision, r.Count, r.Progress, r.EndedAt = 2, 9, []byte(`{"n":1}`), at(4)
	store1(true)
	k.wantAudits(r)
	r.Revision, r.Count = 2, 10
	store1(false)
	r.Revision = 4
	store1(false)
	r.Revision, r.Progress = 3, nil
	store1(true)
	k.wantAudits(r)
	won := make([]bool, 6)
	k.together(len(won), func(i int) error {
		mine := r
		mine.Revision, mine.Count = 4, int64(i)
		err := k.audit.RecordAudit(k.ctx, mine)
		won[i] = err == nil
		if isConflict(err) {
			err = nil
		}
		return err
	})
	if n := len(slices.DeleteFunc(slices.Clone(won), func(w bool) bool { return !w })); n != 1 {
		k.Errorf("%d stored revision 4, want 1", n)
	}
}

func auditChanges(k *kit) {
	record := func(id, operation string, count, revision int64) store.AuditRecord {
		return store.AuditRecord{
			ID: id, At: at(1), EndedAt: at(1), By: "ann", Reason: "the bank is back", Operation: operation, Workflow: "order", Count: count, Revision: revision,
		}
	}
	begin := func(id, operation string) *kit { return k.acting(record(id, operation, 0, 0)) }
	var letters []store.Lease
	for n := range 5 {
		letters = append(letters, k.effects().putDead(fmt.Sprint(n)).Lease)
	}
	retrying := begin("a", store.OpRetry)
	for _, some := range [][]store.Lease{letters[:2], letters[1:3], letters[:1]} { // the second has a letter that is gone, the third only that
		if _, err := k.deadLetters.Revive(retrying.ctx, store.EffectQueue, some, at(9)); err != nil {
			k.Fatalf("Revive: %v", err)
		}
	}
	discarding := begin("b", store.OpDiscard)
	if _, err := k.deadLetters.Discard(discarding.ctx, store.EffectQueue, letters[2:], store.Discard{Reason: "x", At: at(2)}); err != nil {
		k.Fatalf("Discard: %v", err)
	}
	if err := k.pauses.PauseWorkflow(begin("c", store.OpPause).ctx, store.Pause{Workflow: "order", At: at(1)}); err != nil {
		k.Fatalf("PauseWorkflow: %v", err)
	}
	if err := k.pauses.ResumeWorkflow(begin("d", store.OpResume).ctx, "order"); err != nil {
		k.Fatalf("ResumeWorkflow: %v", err)
	}
	if err := k.progress.UpdateProjection(begin("e", store.OpPauseProjection).ctx, "board", moveTo(0, 1)); err != nil {
		k.Fatalf("UpdateProjection: %v", err)
	}
	stored, err := k.transfer.ReadStored(k.ctx, []store.InstanceKey{order("0"), order("1")})
	if err != nil {
		k.Fatalf("ReadStored: %v", err)
	}
	for i := range stored {
		id := "copy" + stored[i].Key.ID
		stored[i].Key.ID, stored[i].Effects = id, nil
		for j := range stored[i].Events {
			stored[i].Events[j].Instance.ID = id
		}
	}
	if err := k.transfer.WriteStored(begin("f", store.OpImport).ctx, stored); err != nil {
		k.Fatalf("WriteStored: %v", err)
	}
	k.wantAudits(record("f", store.OpImport, 2, 1), record("e", store.OpPauseProjection, 1, 1), record("d", store.OpResume, 1, 1),
		record("c", store.OpPause, 1, 1), record("b", store.OpDiscard, 2, 1), record("a", store.OpRetry, 3, 2))
}

func auditNothing(k *kit) {
	acting := k.acting(store.AuditRecord{At: at(1), Operation: store.OpRetry})
	gone := k.effects().putDead("1").Lease
	gone.Token++
	for what, err := range map[string]error{
		"ResumeWorkflow": k.pauses.ResumeWorkflow(acting.ctx, "order"),
		"Revive":         last(k.deadLetters.Revive(acting.ctx, store.EffectQueue, []store.Lease{gone}, at(1))),
		"Discard":        last(k.deadLetters.Discard(acting.ctx, store.EffectQueue, []store.Lease{gone}, store.Discard{Reason: "x", At: at(1)})),
	} {
		if err != nil {
			k.Errorf("%s: %v", what, err)
		}
	}
	k.wantAudits()
}

func last[T any](_ T, err error) error { return err }

func auditFailures(k *kit) {
	acting := k.acting(store.AuditRecord{At: at(1), Operation: store.OpImport})
	if err := k.progress.UpdateProjection(acting.ctx, "board", func(*store.ProjectionState) error { return errUpdate }); err == nil {
		k.Error("UpdateProjection did not fail")
	}
	k.commit(change(order("1"), 0, 1))
	stored, err := k.transfer.ReadStored(k.ctx, []store.InstanceKey{order("1")})
	if err != nil {
		k.Fatalf("ReadStored: %v", err)
	}
	if err := k.transfer.WriteStored(acting.ctx, stored); !isConflict(err) {
		k.Errorf("WriteStored: %v", err)
	}
	k.wantAudits()
}

func auditInputs(k *kit) {
	r := store.AuditRecord{
		ID: "a", At: at(1), EndedAt: at(1), By: "ann", Reason: "he paid in cash", Operation: store.OpSend, Workflow: "order", Input: "Pay", Target: "1", Count: 1, Revision: 1,
	}
	c := change(order("1"), 0, 1)
	c.Inputs.Audit = []store.AuditRecord{r}
	k.commit(c)
	k.wantAudits(r)
	other := r
	other.ID, other.Count = "b", 0
	if err := k.inputLog.RecordInputs(k.ctx, store.InputRecords{Audit: []store.AuditRecord{other}}); err != nil {
		k.Fatalf("RecordInputs: %v", err)
	}
	k.wantAudits(other, r)
}
