package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// DeadLetterQuery asks an engine for a page of the list.
type DeadLetterQuery struct {
	DeadLetterFilter
	Limit  int    // dead letters on the page; default 100, at most 1000
	Cursor string // Page.Next of the page before; empty for the first
}

// DiscardedQuery asks an engine for a page of the list.
type DiscardedQuery struct {
	Workflow, Instance string // empty for all
	Limit              int    // records on the page; default 100, at most 1000
	Cursor             string // Page.Next of the page before; empty for the first
}

// DeadLetters lists dead letters of effects and timers, the last one first, also of workflows that are not registered with
// the engine. They are found by the time of their death; for the rest of the filter all in that time are looked at.
func (e *Engine) DeadLetters(ctx context.Context, query DeadLetterQuery) (Page[store.DeadLetter], error) {
	if err := checkDeadLetterFilter(query.DeadLetterFilter); err != nil {
		return Page[store.DeadLetter]{}, err
	}
	if err := store.CheckArgument("DeadLetterQuery", query); err != nil {
		return Page[store.DeadLetter]{}, err
	}
	after, err := decodeCursor[store.DeadLetterPlace](query.Cursor)
	if err != nil {
		return Page[store.DeadLetter]{}, err
	}
	size := pageSize(query.Limit)
	var all []store.DeadLetter
	for _, q := range eitherQueue(query.Queue) {
		list := store.DeadLetterList{DeadLetterFilter: query.DeadLetterFilter, After: placeIn(after, q), Limit: size + 1}
		list.Queue = q
		found, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]store.DeadLetter, error) { return e.store.ListDead(ctx, list) })
		if err != nil {
			return Page[store.DeadLetter]{}, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b store.DeadLetter) int {
		return -cmp.Or(a.DiedAt.Compare(b.DiedAt), cmp.Compare(a.Lease.Instance.ID, b.Lease.Instance.ID),
			cmp.Compare(a.Lease.Instance.Workflow, b.Lease.Instance.Workflow), cmp.Compare(a.Lease.Queue, b.Lease.Queue))
	})
	return page(all, size, func(d store.DeadLetter) store.DeadLetterPlace {
		return store.DeadLetterPlace{DiedAt: d.DiedAt, Lease: d.Lease}
	}), nil
}

// checkDeadLetterFilter fails with *InvalidArgument for a filter that no dead letter can be looked for with.
func checkDeadLetterFilter(f DeadLetterFilter) error {
	if err := store.CheckOneOf("DeadLetterFilter.Told", f.Told, store.NotTold, OnlyTold, ToldOrNot); err != nil {
		return err
	}
	if err := store.CheckOneOf("DeadLetterFilter.Queue", f.Queue, "", store.EffectQueue, store.TimerQueue); err != nil {
		return err
	}
	return store.CheckArgument("DeadLetterFilter", f)
}

// placeIn returns the place in the list of a queue that a place in the list of all queues means. That list has, of letters that died
// at one time in one instance, the timers first.
func placeIn(p *store.DeadLetterPlace, queue store.QueueName) *store.DeadLetterPlace {
	if p == nil || p.Lease.Queue == queue {
		return p
	}
	there := &store.DeadLetterPlace{DiedAt: p.DiedAt, Lease: Lease{Queue: queue, Instance: p.Lease.Instance, Version: maxVersion}}
	if queue > p.Lease.Queue {
		there.Lease.Version = 0
	}
	return there
}

// maxVersion is above all versions.
const maxVersion = 1<<63 - 1

// eitherQueue returns both queues for an empty name, else the one that is named.
func eitherQueue(name store.QueueName) []store.QueueName {
	if name != "" {
		return []store.QueueName{name}
	}
	return []store.QueueName{store.EffectQueue, store.TimerQueue}
}

// CountDeadLetters counts dead letters by queue and kind. It reads all that the filter accepts.
func (e *Engine) CountDeadLetters(ctx context.Context, filter DeadLetterFilter) ([]store.DeadLetterCount, error) {
	if err := checkDeadLetterFilter(filter); err != nil {
		return nil, err
	}
	var all []store.DeadLetterCount
	for _, q := range eitherQueue(filter.Queue) {
		filter.Queue = q
		counts, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]store.DeadLetterCount, error) { return e.store.CountDead(ctx, filter) })
		if err != nil {
			return nil, err
		}
		all = append(all, counts...)
	}
	return all, nil
}

// RetryDeadLetters makes dead letters due at once, with all their attempts before them. An effect keeps its idempotency key.
// It returns those that are no dead letters any more: somebody else retried or discarded them, or their instance replaced
// the timer or completed.
func (e *Engine) RetryDeadLetters(ctx context.Context, letters ...Lease) (gone []Lease, err error) {
	if err := store.CheckArgument("the dead letters", letters); err != nil {
		return letters, err
	}
	now := store.StoredTime(e.config.Clock.Now())
	gone, err = e.eachQueue(letters, func(queue store.QueueName, some []Lease) ([]Lease, error) {
		return e.store.Revive(ctx, queue, some, now)
	})
	if len(gone) < len(letters) {
		e.Wake()
		e.newWork.announce()
		e.config.Logger.InfoContext(ctx, "ironflow: dead letters retried", "deliveries", len(letters)-len(gone))
		e.reportDeadLetters(telemetry.DeadLettersReport{Retried: len(letters) - len(gone)})
	}
	return gone, err
}

// RetryDeadLettersWhere retries all dead letters that a filter accepts and returns how many. Dead letters whose instances were
// told of them are not among them, unless the filter asks for them: their workflow has settled the matter otherwise. Each is retried once, even
// when it dies again meanwhile. When it fails, those before the failure are retried all the same.
func (e *Engine) RetryDeadLettersWhere(ctx context.Context, filter DeadLetterFilter) (retried int, err error) {
	return e.eachPage(ctx, filter, func(letters []Lease) ([]Lease, error) { return e.RetryDeadLetters(ctx, letters...) })
}

// DiscardDeadLetters gives dead letters up. They are deleted, and a record of each is kept, to be read with DiscardedLetters,
// with the reason, which must not be empty. It returns those that are no dead letters any more.
//
// Their instances are not told: an instance that waits for the result goes on waiting.
func (e *Engine) DiscardDeadLetters(ctx context.Context, discard Discard, letters ...Lease) (gone []Lease, err error) {
	if strings.TrimSpace(discard.Reason) == "" {
		return nil, errors.New("ironflow: discarding dead letters needs a reason, which is kept with the record of them")
	}
	discard.At = store.StoredTime(e.config.Clock.Now())
	if err := store.CheckArgument("Discard", discard); err != nil {
		return letters, err
	}
	if err := store.CheckArgument("the dead letters", letters); err != nil {
		return letters, err
	}
	gone, err = e.eachQueue(letters, func(queue store.QueueName, some []Lease) ([]Lease, error) {
		return e.store.Discard(ctx, queue, some, discard)
	})
	if len(gone) < len(letters) {
		e.config.Logger.WarnContext(ctx, "ironflow: dead letters discarded", "deliveries", len(letters)-len(gone),
			"by", discard.By, "reason", discard.Reason)
		e.reportDeadLetters(telemetry.DeadLettersReport{Discarded: len(letters) - len(gone)})
	}
	return gone, err
}

// DiscardDeadLettersWhere discards all dead letters that a filter accepts and returns how many. An empty filter is an
// error. When it fails, those before the failure are discarded all the same.
func (e *Engine) DiscardDeadLettersWhere(ctx context.Context, discard Discard, filter DeadLetterFilter) (discarded int, err error) {
	if filter == (DeadLetterFilter{Told: filter.Told}) {
		return 0, errors.New("ironflow: an empty filter would discard every dead letter; say which")
	}
	return e.eachPage(ctx, filter, func(letters []Lease) ([]Lease, error) {
		return e.DiscardDeadLetters(ctx, discard, letters...)
	})
}

func (e *Engine) reportDeadLetters(report telemetry.DeadLettersReport) {
	if e.config.Telemetry != nil {
		e.config.Telemetry.DeadLettersEnded(report)
	}
}

// eachQueue gives letters to their queues. With an error, those that were not tried count as gone.
func (e *Engine) eachQueue(letters []Lease, do func(store.QueueName, []Lease) ([]Lease, error)) (gone []Lease, err error) {
	byQueue := make(map[store.QueueName][]Lease)
	for _, l := range letters {
		byQueue[l.Queue] = append(byQueue[l.Queue], l)
	}
	for _, q := range eitherQueue("") {
		some := byQueue[q]
		delete(byQueue, q)
		if len(some) == 0 {
			continue
		}
		lost, failure := do(q, some)
		if failure != nil {
			lost = some
		}
		gone, err = append(gone, lost...), errors.Join(err, failure)
	}
	for _, unknown := range byQueue { // the zero Lease, say
		gone = append(gone, unknown...)
	}
	return gone, err
}

// eachPage goes through all dead letters that a filter accepts, and counts those that do has not found gone.
func (e *Engine) eachPage(ctx context.Context, filter DeadLetterFilter, do func([]Lease) ([]Lease, error)) (n int, err error) {
	query := DeadLetterQuery{DeadLetterFilter: filter, Limit: maxPageSize}
	for {
		page, err := e.DeadLetters(ctx, query)
		if err != nil {
			return n, err
		}
		var letters []Lease
		for _, d := range page.Items {
			letters = append(letters, d.Lease)
		}
		gone, err := do(letters)
		n += len(letters) - len(gone)
		if err != nil || page.Next == "" {
			return n, err
		}
		query.Cursor = page.Next
	}
}

// DiscardedLetters lists the records of dead letters that were discarded, the last one first.
func (e *Engine) DiscardedLetters(ctx context.Context, query DiscardedQuery) (Page[store.DiscardedLetter], error) {
	if err := store.CheckArgument("DiscardedQuery", query); err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	after, err := decodeCursor[store.DeadLetterPlace](query.Cursor)
	if err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	size := pageSize(query.Limit)
	list := store.DiscardedList{Workflow: query.Workflow, Instance: query.Instance, After: after, Limit: size + 1}
	found, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]store.DiscardedLetter, error) { return e.store.ListDiscarded(ctx, list) })
	if err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	return page(found, size, func(d store.DiscardedLetter) store.DeadLetterPlace {
		return store.DeadLetterPlace{DiedAt: d.Discard.At, Lease: d.Lease}
	}), nil
}
