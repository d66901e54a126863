package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// audit stores the record of a context, if it has one, of a change of n rows.
func (d *data) audit(ctx context.Context, t *transaction, n int) {
	record := store.AuditOf(ctx)
	if record == nil || n == 0 {
		return
	}
	added := storedAudit(*record)
	before := d.audits[added.ID]
	if before.ID != "" {
		before.EndedAt, added = added.EndedAt, before
	}
	added.Count, added.Revision = before.Count+int64(n), before.Revision+1
	put(t, d.audits, added.ID, added)
}

// storedAudit returns a record as the store keeps it.
func storedAudit(r store.AuditRecord) store.AuditRecord {
	r.At, r.EndedAt = store.StoredTime(r.At), storedOrZero(r.EndedAt)
	r.By, r.Reason, r.Target = usererr.Bound(r.By), usererr.Bound(r.Reason), usererr.Bound(r.Target)
	r.Progress = bytes.Clone(r.Progress)
	return r
}

// RecordAudit implements [store.AuditLog].
func (s *Store) RecordAudit(ctx context.Context, record store.AuditRecord) error {
	return s.write(ctx, "record the action "+record.ID, func(t *transaction) error {
		if record.Revision != s.audits[record.ID].Revision+1 {
			return store.ErrConflict
		}
		put(t, s.audits, record.ID, storedAudit(record))
		return nil
	})
}

// AuditRecords implements [store.AuditLog].
func (s *Store) AuditRecords(ctx context.Context, list store.AuditList) (records []store.AuditRecord, err error) {
	newestFirst := func(a, b store.AuditRecord) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) }
	matches := func(want, got string) bool { return want == "" || want == got }
	err = s.read(ctx, "list audit records", func() error {
		for _, r := range s.audits {
			if matches(list.ID, r.ID) && matches(list.By, r.By) && matches(list.Operation, r.Operation) && matches(list.Workflow, r.Workflow) &&
				matches(list.Target, r.Target) &&
				(list.After == nil || newestFirst(store.AuditRecord{At: store.StoredTime(list.After.At), ID: list.After.ID}, r) < 0) {
				r.Progress = bytes.Clone(r.Progress)
				records = append(records, r)
			}
		}
		return nil
	})
	slices.SortFunc(records, newestFirst)
	return records[:min(len(records), max(list.Limit, 0))], err
}
