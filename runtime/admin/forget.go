package admin

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Forget erases the personal values of a subject, which is the value of the field that the declaration calls the subject, or else an instance, as in
// "order/o-17". It deletes the key that encrypts the values, in one statement, and stores who did it and why. It reports whether the subject had a
// key. ForgottenSubject.At is set to the current time. By and Reason default to those of the context's operator, see
// store.WithOperator; Reason must not be empty.
//
// Afterwards, typed code gets the zero values of the fields or their declared defaults, and an Admin shows "[erased]". Programs in which Engine.Run
// runs are notified if the store is a store.Notifier. All others may see and use the values for another 10 seconds. Everything else of the instances
// stays, and they go on. The subject gets no other key: personal values of later inputs are stored erased, and the log says so.
//
// The values stay in what was read or copied before: projections, exports, backups, and what handlers and readers of the feed did with
// them. If the keys are in the store, a backup of it has the key. There is no way back.
func (a *Admin) Forget(ctx context.Context, forget store.ForgottenSubject) (had bool, err error) {
	operator := store.OperatorOf(ctx)
	forget.At, forget.By, forget.Reason = store.StoredTime(a.clock.Now()), cmp.Or(forget.By, operator.By), cmp.Or(forget.Reason, operator.Reason)
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("ForgottenSubject", forget)); err != nil {
		return false, err
	}
	switch {
	case forget.Subject == "":
		return false, &store.InvalidArgument{Argument: "ForgottenSubject.Subject", Problem: "is empty"}
	case forget.Reason == "":
		return false, &store.InvalidArgument{Argument: "ForgottenSubject.Reason", Problem: "is empty; say why, for the record that stays"}
	}
	if !a.store.HasKeys() {
		return false, bound.Need[store.SubjectKeys](a.store, "forgetting a subject")
	}
	before, err := a.store.KeyOf(ctx, forget.Subject)
	if err != nil {
		return false, err
	}
	if before.Forgotten != nil {
		return false, nil
	}
	ctx = a.action(asOperator(ctx, forget.By, forget.Reason), store.OpForget, "", forget.Subject)
	if had, err = a.store.Forget(ctx, forget); err != nil {
		return had, fmt.Errorf("ironflow: forget %q: %w", forget.Subject, err)
	}
	if a.config.Keys != nil && bound.Has[store.AuditLog](a.store) { // no transaction of the store has the record
		record := *store.AuditOf(ctx)
		record.Count, record.Revision = 1, 1
		if err := a.store.RecordAudit(ctx, record); err != nil {
			return had, fmt.Errorf("ironflow: the subject is forgotten, but the audit record could not be stored: %w", err)
		}
	}
	a.config.Logger.WarnContext(ctx, "ironflow: a subject is forgotten; the audit log names it", "by", forget.By, "reason", forget.Reason)
	return had, nil
}

// Subject returns whether a subject has a key, and if it is forgotten, when and why. The key itself is not returned.
func (a *Admin) Subject(ctx context.Context, subject string) (store.SubjectKey, error) {
	if err := store.CheckArgument("the subject", subject); err != nil {
		return store.SubjectKey{}, err
	}
	key, err := a.store.KeyOf(ctx, subject)
	key.Secret = nil
	return key, err
}
