package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// The statements of [store.AuditLog].
const (
	insertAudit = `
INSERT INTO ironflow_audit_log
    (id, recorded_at, ended_at, done_by, reason, operation, workflow, input, target, count, progress, revision)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	// addAudit adds to the count of a record that is there.
	addAudit = insertAudit + `
ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, count = count + excluded.count, revision = revision + 1`
	auditRevision = `SELECT revision FROM ironflow_audit_log WHERE id = ?`
	dropAudit     = `DELETE FROM ironflow_audit_log WHERE id = ?`
	listAudit     = `
SELECT id, recorded_at, ended_at, done_by, reason, operation, workflow, input, target, count, progress, revision
FROM ironflow_audit_log
WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR done_by = ?2) AND (?3 = '' OR operation = ?3) AND (?4 = '' OR workflow = ?4)
  AND (?5 = '' OR target = ?5) AND (recorded_at, id) < (?6, ?7)
ORDER BY recorded_at DESC, id DESC LIMIT ?8`
)

func auditValues(r *store.AuditRecord) []driver.Value {
	return []driver.Value{
		r.ID, micros(r.At), orNull(r.EndedAt), usererr.Bound(r.By), usererr.Bound(r.Reason), r.Operation, r.Workflow, r.Input, usererr.Bound(r.Target),
		r.Count, optional(string(r.Progress)), r.Revision,
	}
}

// audit stores the record of a context, if it has one, of a change of n rows.
func audit(ctx context.Context, on session, n int) error {
	record := store.AuditOf(ctx)
	if record == nil || n == 0 {
		return nil
	}
	added := *record
	added.Count, added.Progress, added.Revision = int64(n), nil, 1
	_, err := on.exec(addAudit, auditValues(&added)...)
	return err
}

// RecordAudit implements [store.AuditLog].
func (s *Store) RecordAudit(ctx context.Context, record store.AuditRecord) error {
	err := s.writer.write(ctx, func(on *connection) error {
		revision := int64(0)
		row := func(columns []driver.Value) error {
			revision = number(columns[0])
			return nil
		}
		if err := on.query(row, auditRevision, record.ID); err != nil {
			return err
		}
		if record.Revision != revision+1 {
			return store.ErrConflict
		}
		if _, err := on.exec(dropAudit, record.ID); err != nil {
			return err
		}
		_, err := on.exec(insertAudit, auditValues(&record)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlite: record the action %s: %w", record.ID, err)
	}
	return nil
}

// AuditRecords implements [store.AuditLog].
func (s *Store) AuditRecords(ctx context.Context, list store.AuditList) (records []store.AuditRecord, err error) {
	before, id := int64(math.MaxInt64), ""
	if list.After != nil {
		before, id = micros(list.After.At), list.After.ID
	}
	row := func(c []driver.Value) error {
		r := store.AuditRecord{
			ID: text(c[0]), At: fromMicros(number(c[1])), EndedAt: orZero(c[2]), By: text(c[3]), Reason: text(c[4]), Operation: text(c[5]),
			Workflow: text(c[6]), Input: text(c[7]), Target: text(c[8]), Count: number(c[9]), Revision: number(c[11]),
		}
		if c[10] != nil {
			r.Progress = []byte(text(c[10]))
		}
		records = append(records, r)
		return ctx.Err()
	}
	err = s.readers.read(ctx, func(on *connection) error {
		return on.query(row, listAudit, list.ID, list.By, list.Operation, list.Workflow, list.Target, before, id, int64(list.Limit))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list audit records: %w", err)
	}
	return records, nil
}
