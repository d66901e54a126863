package cells

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func (u *union) Revive(ctx context.Context, queue store.QueueName, letters []store.Lease, at time.Time) (gone []store.Lease, err error) {
	return u.decide(ctx, letters, func(ctx context.Context, c *cell, some []store.Lease) ([]store.Lease, error) {
		return c.shown.Revive(ctx, queue, some, at)
	})
}

func (u *union) Discard(ctx context.Context, queue store.QueueName, letters []store.Lease, discard store.Discard) (gone []store.Lease, err error) {
	return u.decide(ctx, letters, func(ctx context.Context, c *cell, some []store.Lease) ([]store.Lease, error) {
		return c.shown.Discard(ctx, queue, some, discard)
	})
}

// decide changes dead letters in the cells that have them. Every cell has a schedule, so the dead letters of schedules go to all. After an
// error, what was changed stays so.
func (u *union) decide(
	ctx context.Context, letters []store.Lease, change func(context.Context, *cell, []store.Lease) ([]store.Lease, error),
) (gone []store.Lease, err error) {
	var instances []store.InstanceKey
	for _, l := range letters {
		if !l.OfSchedule() {
			instances = append(instances, l.Instance)
		}
	}
	homes, err := u.homes(ctx, instances)
	if err != nil {
		return nil, err
	}
	in := make(map[*cell][]store.Lease)
	for _, l := range letters {
		for _, c := range u.router.cells {
			if l.OfSchedule() || homes[l.Instance] == c {
				in[c] = append(in[c], l)
			}
		}
	}
	var errs []error
	lost := make(map[store.Lease]int) // in how many cells a letter is gone
	for _, c := range u.router.cells {
		if len(in[c]) == 0 {
			continue
		}
		missing, err := change(ctx, c, in[c])
		if err != nil {
			missing = in[c]
			errs = append(errs, fmt.Errorf("cell %q: %w", c.name, err))
		}
		for _, l := range missing {
			lost[l]++
		}
	}
	for _, l := range letters {
		if n := lost[l]; n > 0 && (n == len(u.router.cells) || !l.OfSchedule()) {
			gone = append(gone, l)
		}
	}
	return gone, errors.Join(errs...)
}

func (u *union) PauseWorkflow(ctx context.Context, pause store.Pause) error {
	_, err := everywhere(ctx, u, func(ctx context.Context, c *cell) (bool, error) { return true, c.shown.PauseWorkflow(ctx, pause) })
	return err
}

func (u *union) ResumeWorkflow(ctx context.Context, workflow string) error {
	_, err := everywhere(ctx, u, func(ctx context.Context, c *cell) (bool, error) { return true, c.shown.ResumeWorkflow(ctx, workflow) })
	return err
}

func (u *union) PutSchedules(context.Context, []store.StoredSchedule) error { return store.ErrReadOnly }

func (u *union) ChangeSchedule(ctx context.Context, change store.ScheduleChange) (found bool, err error) {
	is, err := everywhere(ctx, u, func(ctx context.Context, c *cell) (bool, error) { return c.shown.ChangeSchedule(ctx, change) })
	return slices.Contains(is, true), err
}

// RecordAudit stores the record of an action that the stores do not know of, such as forgetting a key that another system has. Bulk runs,
// whose records change, belong to an engine.
func (u *union) RecordAudit(ctx context.Context, record store.AuditRecord) error {
	if record.Revision != 1 {
		return store.ErrReadOnly
	}
	return u.router.cells[0].shown.RecordAudit(ctx, record)
}

// SubjectKeys says whether subjects have keys, without the keys: those are not the same in all cells, and each cell decrypts what it returns. A
// subject is forgotten if it is in all cells.
func (u *union) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	all, err := everywhere(ctx, u, func(ctx context.Context, c *cell) ([]store.SubjectKey, error) {
		return c.shown.SubjectKeys(ctx, subjects)
	})
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(all[0])
	for i := range keys {
		keys[i].Secret = nil
		for _, other := range all[1:] {
			if o := other[i]; keys[i].CreatedAt.IsZero() || !o.CreatedAt.IsZero() && o.CreatedAt.Before(keys[i].CreatedAt) {
				keys[i].CreatedAt = o.CreatedAt
			}
			if other[i].Forgotten == nil {
				keys[i].Forgotten = nil
			}
		}
	}
	return keys, nil
}

func (u *union) AddSubjectKeys(context.Context, []store.SubjectKey) error { return store.ErrReadOnly }

func (u *union) ForgetSubject(ctx context.Context, subject store.ForgottenSubject) (had bool, err error) {
	is, err := everywhere(ctx, u, func(ctx context.Context, c *cell) (bool, error) { return c.shown.ForgetSubject(ctx, subject) })
	return slices.Contains(is, true), err
}
