package store

import (
	"context"
	"crypto/rand"
	"time"
)

// AuditLog is the ability of a store to record what operators do. Every such action has a record with who, why, and how much was
// changed.
//
// If the context of a call has a record, see WithAudit, then Revive, Discard, PauseWorkflow, ResumeWorkflow, UpdateProjection,
// ChangeSchedule, ForgetSubject and WriteStored store the record in their own transaction, unless they change nothing. If the record is stored already,
// its Count grows by what the call has changed. So one record describes an action of many transactions.
type AuditLog interface {
	// RecordAudit stores a record, in place of the stored one with the same ID. It fails with ErrConflict unless record.Revision is the
	// stored revision + 1, where the revision of a record that is not stored is 0.
	RecordAudit(ctx context.Context, record AuditRecord) error

	// AuditRecords returns records, sorted by At and ID, both descending.
	AuditRecords(ctx context.Context, list AuditList) ([]AuditRecord, error)
}

// AuditRecord describes what an operator did.
type AuditRecord struct {
	ID        string    // names the action
	At        time.Time // when it began
	EndedAt   time.Time // when its last change was made; zero for a bulk run that has not ended
	By        string    // who did it; empty if the program does not know
	Reason    string    // why; may be empty
	Operation string    // one of the Operations, such as "retry"
	Workflow  string    // empty if it is not about one workflow
	Input     string    // what was sent, with OpSend and OpBulk
	Target    string    // what was changed: an instance, a projection, a schedule, or a filter in words
	Count     int64     // how many deliveries, instances or records were changed
	Progress  []byte    // JSON, of a bulk run; nil for others
	Revision  int64     // see RecordAudit
}

// Operations of audit records.
const (
	OpRetry             = "retry"
	OpDiscard           = "discard"
	OpPause             = "pause"
	OpResume            = "resume"
	OpPauseProjection   = "pause projection"
	OpResumeProjection  = "resume projection"
	OpSkipEvent         = "skip event"
	OpRebuildProjection = "rebuild projection"
	OpPauseSchedule     = "pause schedule"
	OpResumeSchedule    = "resume schedule"
	OpTriggerSchedule   = "trigger schedule"
	OpBackfillSchedule  = "backfill schedule"
	OpImport            = "import"
	OpRetention         = "retention"
	OpForget            = "forget"
	OpSend              = "send"
	OpBulk              = "bulk"
)

// AuditList selects audit records.
type AuditList struct {
	AuditFilter
	After *AuditPlace // nil for the beginning
	Limit int
}

// AuditFilter selects audit records. A zero field accepts all.
type AuditFilter struct {
	ID, By, Operation, Workflow, Target string
}

// AuditPlace is the place of a record in a list.
type AuditPlace struct {
	At time.Time
	ID string
}

// Operator says who changes something, and why.
type Operator struct {
	By     string
	Reason string
}

type operatorKey struct{}
type auditKey struct{}

// WithOperator returns a context that says who makes the changes of calls with it, and why. Audit records have both.
func WithOperator(ctx context.Context, operator Operator) context.Context {
	return context.WithValue(ctx, operatorKey{}, operator)
}

// OperatorOf returns the operator of a context; the zero value if it has none.
func OperatorOf(ctx context.Context) Operator {
	operator, _ := ctx.Value(operatorKey{}).(Operator)
	return operator
}

// WithAudit returns a context whose calls store an audit record, see AuditLog. If the context has a record already, the calls are a part of
// that action, and WithAudit returns the context unchanged. It fills in the ID, and By and Reason from the operator of the context,
// where the record leaves them empty.
func WithAudit(ctx context.Context, record AuditRecord) context.Context {
	if AuditOf(ctx) != nil {
		return ctx
	}
	record = Audited(ctx, record)
	return context.WithValue(ctx, auditKey{}, &record)
}

// Audited returns a record with its ID, and with By and Reason of the operator of the context, where it leaves them empty.
func Audited(ctx context.Context, record AuditRecord) AuditRecord {
	if record.ID == "" {
		record.ID = rand.Text()
	}
	operator := OperatorOf(ctx)
	if record.By == "" {
		record.By = operator.By
	}
	if record.Reason == "" {
		record.Reason = operator.Reason
	}
	return record
}

// AuditOf returns the audit record of a context; nil for none.
func AuditOf(ctx context.Context) *AuditRecord {
	record, _ := ctx.Value(auditKey{}).(*AuditRecord)
	return record
}
