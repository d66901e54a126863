package admin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// AuditQuery selects a page of the audit log.
type AuditQuery struct {
	store.AuditFilter
	Limit  int    // records on the page; default 100, at most 1000
	Cursor string // Page.Next of the previous page; empty for the first page
}

// Audit lists what operators did on the store, the newest first: each change that an Admin or an engine made on request, each input that an
// operator sent, and each bulk run. store.WithOperator names the operator. Retention.Audit says how long records are kept.
func (a *Admin) Audit(ctx context.Context, query AuditQuery) (Page[store.AuditRecord], error) {
	if err := store.CheckArgument("AuditQuery", query); err != nil {
		return Page[store.AuditRecord]{}, err
	}
	after, err := decodeCursor[store.AuditPlace](query.Cursor)
	if err != nil {
		return Page[store.AuditRecord]{}, err
	}
	size := pageSize(query.Limit)
	list := store.AuditList{AuditFilter: query.AuditFilter, After: after, Limit: size + 1}
	found, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.AuditRecord, error) { return a.store.AuditRecords(ctx, list) })
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return Page[store.AuditRecord]{}, err
	}
	return page(found, size, func(r store.AuditRecord) store.AuditPlace { return store.AuditPlace{At: r.At, ID: r.ID} }), lacks.err
}

// action returns a context whose changes are recorded as an action, unless it is a part of one already.
func (a *Admin) action(ctx context.Context, operation, workflow, target string) context.Context {
	operator := store.OperatorOf(ctx)
	now := store.StoredTime(a.clock.Now())
	return store.WithAudit(ctx, store.AuditRecord{
		At: now, EndedAt: now, By: cmp.Or(operator.By, a.config.By), Operation: operation, Workflow: workflow, Target: target,
	})
}

// mayChange fails if the store is open for reading only, or the operator of a context cannot be stored.
func (a *Admin) mayChange(ctx context.Context) error {
	if !a.store.Operated() {
		return store.ErrReadOnly
	}
	return store.CheckArgument("the operator", store.OperatorOf(ctx))
}

// describeFilter says in words which dead letters a filter selects.
func describeFilter(f store.DeadLetterFilter) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf("%s %q", name, value))
		}
	}
	add("queue", string(f.Queue))
	add("kind", f.Kind)
	add("instance", f.Instance)
	add("error", f.ErrorContains)
	if !f.DiedSince.IsZero() {
		add("since", f.DiedSince.Format("2006-01-02T15:04:05.999999Z07:00"))
	}
	if !f.DiedUntil.IsZero() {
		add("until", f.DiedUntil.Format("2006-01-02T15:04:05.999999Z07:00"))
	}
	add("told", string(f.Told))
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}

// describeLetters says in words which dead letters are meant.
func describeLetters(letters []store.Lease) (workflow, target string) {
	if len(letters) == 0 {
		return "", ""
	}
	workflow, target = letters[0].Instance.Workflow, letters[0].Instance.ID
	for _, l := range letters[1:] {
		if l.Instance.Workflow != workflow {
			workflow = ""
		}
		if l.Instance.ID != target {
			target = fmt.Sprintf("%d dead letters", len(letters))
		}
	}
	return workflow, target
}
