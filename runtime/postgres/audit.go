package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// auditQueries are the statements of store.AuditLog.
type auditQueries struct{ record, put, insert, list string }

func newAuditQueries(in func(sql string) string) auditQueries {
	return auditQueries{record: in(recordAction), put: in(putAudit), insert: in(insertAudit), list: in(listAudit)}
}

// auditValues are the columns of auditFields.
const auditValues = `id, recorded_at, ended_at, done_by, reason, operation, workflow, input, target, count, progress::json, revision`

const auditColumns = `id, recorded_at, ended_at, done_by, reason, operation, workflow, input, target, count, progress, revision`

// auditFields are the columns of auditRow as a statement reads them.
const auditFields = `(id text, recorded_at timestamptz, ended_at timestamptz, done_by text, reason text, operation text, workflow text,
    input text, target text, count bigint, progress text, revision bigint)`

// auditing is a further WITH query of a statement. It records the action of a parameter, if that is not NULL, and adds the number of the rows
// of the query "done" to its count.
func auditing(param string) string {
	return strings.ReplaceAll(`, audited AS (
    INSERT INTO ironflow.audit_log AS a (`+auditColumns+`)
    SELECT r.id, r.recorded_at, r.ended_at, r.done_by, r.reason, r.operation, r.workflow, r.input, r.target, d.count, NULL, 1
    FROM (SELECT count(*) FROM done) d, json_to_record(<record>::json) AS r `+auditFields+`
    WHERE d.count > 0 AND <record>::json IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, count = a.count + excluded.count, revision = a.revision + 1
)`, "<record>", param)
}

// recordAction records the action $1, which has changed $2 more rows.
var recordAction = `WITH done AS (SELECT FROM generate_series(1, $2::bigint))` + auditing("$1") + `
SELECT 1`

// putAudit stores the record $1, and returns a row if its revision follows the stored one.
const putAudit = `
INSERT INTO ironflow.audit_log AS a (` + auditColumns + `)
SELECT ` + auditValues + ` FROM json_to_record($1::json) AS r ` + auditFields + `
WHERE r.revision = 1 OR EXISTS (SELECT FROM ironflow.audit_log o WHERE o.id = r.id)
ON CONFLICT (id) DO UPDATE
SET recorded_at = excluded.recorded_at, ended_at = excluded.ended_at, done_by = excluded.done_by, reason = excluded.reason,
    operation = excluded.operation, workflow = excluded.workflow, input = excluded.input, target = excluded.target, count = excluded.count,
    progress = excluded.progress, revision = excluded.revision
WHERE a.revision = excluded.revision - 1
RETURNING 1`

// insertAudit stores the records $1, which are new.
const insertAudit = `
INSERT INTO ironflow.audit_log (` + auditColumns + `)
SELECT ` + auditValues + ` FROM json_to_recordset($1::json) AS r ` + auditFields

// listAudit returns the records that the filter ($1 to $5) accepts behind the place ($6, $7), at most $8.
const listAudit = `
SELECT ` + auditColumns + `
FROM ironflow.audit_log
WHERE ($1::text = '' OR id = $1::text) AND ($2::text = '' OR done_by = $2::text) AND ($3::text = '' OR operation = $3::text)
  AND ($4::text = '' OR workflow = $4::text) AND ($5::text = '' OR target = $5::text)
  AND (recorded_at, id) < ($6::timestamptz, $7::text)
ORDER BY recorded_at DESC, id DESC
LIMIT $8::bigint`

// auditRow is a record as a parameter.
type auditRow struct {
	ID        string     `json:"id"`
	At        time.Time  `json:"recorded_at"`
	EndedAt   *time.Time `json:"ended_at"`
	By        string     `json:"done_by"`
	Reason    string     `json:"reason"`
	Operation string     `json:"operation"`
	Workflow  string     `json:"workflow"`
	Input     string     `json:"input"`
	Target    string     `json:"target"`
	Count     int64      `json:"count"`
	Progress  *string    `json:"progress"`
	Revision  int64      `json:"revision"`
}

func newAuditRow(r *store.AuditRecord) auditRow {
	return auditRow{
		ID: r.ID, At: r.At, EndedAt: orNull(r.EndedAt), By: usererr.Bound(r.By), Reason: usererr.Bound(r.Reason), Operation: r.Operation,
		Workflow: r.Workflow, Input: r.Input, Target: usererr.Bound(r.Target), Count: r.Count, Progress: orNullText(string(r.Progress)), Revision: r.Revision,
	}
}

// auditParam is the record of a context as a parameter; nil for none.
func auditParam(ctx context.Context) any {
	r := store.AuditOf(ctx)
	if r == nil {
		return nil
	}
	return auditJSON(newAuditRow(r))
}

// auditJSON encodes rows.
func auditJSON(rows any) string {
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err) // cannot fail: texts, numbers, and times of years that have four digits
	}
	return string(text)
}

// queueAudit adds the record of a context to a batch, which has changed n rows.
func queueAudit(ctx context.Context, batch *pgx.Batch, queries *queries, n int) {
	if record := auditParam(ctx); record != nil {
		batch.Queue(queries.audit.record, record, int64(n))
	}
}

// RecordAudit implements store.AuditLog.
func (s *Store) RecordAudit(ctx context.Context, record store.AuditRecord) error {
	stored, err := readRows(ctx, s.pool, pgx.RowTo[int], s.queries.audit.put, auditJSON(newAuditRow(&record)))
	switch {
	case err != nil:
		return wrap(err, "record the action %s", record.ID)
	case len(stored) == 0:
		return fmt.Errorf("postgres: record the action %s: %w", record.ID, store.ErrConflict)
	}
	return nil
}

// AuditRecords implements store.AuditLog.
func (s *Store) AuditRecords(ctx context.Context, list store.AuditList) ([]store.AuditRecord, error) {
	from := store.AuditPlace{At: endOfTime}
	if list.After != nil {
		from = *list.After
	}
	records, err := readRowsInOrder(ctx, s.pool, scanAudit, s.queries.audit.list, list.ID, list.By, list.Operation, list.Workflow, list.Target,
		from.At, from.ID, int64(list.Limit))
	if err != nil {
		return nil, wrap(err, "list audit records")
	}
	return records, nil
}

func scanAudit(row pgx.CollectableRow) (r store.AuditRecord, err error) {
	var ended *time.Time
	err = row.Scan(&r.ID, &r.At, &ended, &r.By, &r.Reason, &r.Operation, &r.Workflow, &r.Input, &r.Target, &r.Count, &r.Progress, &r.Revision)
	r.At, r.EndedAt = r.At.UTC(), orZero(ended)
	return r, err
}
