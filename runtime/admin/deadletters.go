package admin

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

// DeadLetterQuery selects a page of the list of dead letters.
type DeadLetterQuery struct {
	store.DeadLetterFilter
	Limit  int    // dead letters on the page; default 100, at most 1000
	Cursor string // Page.Next of the previous page; empty for the first page
}

// DiscardedQuery selects a page of the list of discarded dead letters.
type DiscardedQuery struct {
	Workflow, Instance string // empty for all
	Limit              int    // records on the page; default 100, at most 1000
	Cursor             string // Page.Next of the previous page; empty for the first page
}

// DeadLetters lists dead letters of effects and timers, the newest first. An index finds them by the time of death. The other parts of
// the filter are applied to each dead letter of that time.
func (a *Admin) DeadLetters(ctx context.Context, query DeadLetterQuery) (Page[store.DeadLetter], error) {
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
	var lacks lacking
	for _, q := range eitherQueue(query.Queue) {
		list := store.DeadLetterList{DeadLetterFilter: query.DeadLetterFilter, After: placeIn(after, q), Limit: size + 1}
		list.Queue = q
		found, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.DeadLetter, error) { return a.store.ListDead(ctx, list) })
		if err := lacks.fails(err); err != nil {
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
	}), lacks.err
}

// checkDeadLetterFilter fails with *InvalidArgument for a filter that no store can look for.
func checkDeadLetterFilter(f store.DeadLetterFilter) error {
	if err := store.CheckOneOf("DeadLetterFilter.Told", f.Told, store.NotTold, store.OnlyTold, store.ToldOrNot); err != nil {
		return err
	}
	if err := store.CheckOneOf("DeadLetterFilter.Queue", f.Queue, "", store.EffectQueue, store.TimerQueue); err != nil {
		return err
	}
	return store.CheckArgument("DeadLetterFilter", f)
}

// placeIn converts a place in the list of both queues to a place in the list of one. In the list of both, of the letters of one
// instance with the same time, timers come first.
func placeIn(p *store.DeadLetterPlace, queue store.QueueName) *store.DeadLetterPlace {
	if p == nil || p.Lease.Queue == queue {
		return p
	}
	there := &store.DeadLetterPlace{DiedAt: p.DiedAt, Lease: store.Lease{Queue: queue, Instance: p.Lease.Instance, Version: maxVersion}}
	if queue > p.Lease.Queue {
		there.Lease.Version = 0
	}
	return there
}

// maxVersion is above all versions.
const maxVersion = 1<<63 - 1

// eitherQueue returns the named queue, or both for an empty name.
func eitherQueue(name store.QueueName) []store.QueueName {
	if name != "" {
		return []store.QueueName{name}
	}
	return []store.QueueName{store.EffectQueue, store.TimerQueue}
}

// CountDeadLetters counts dead letters by queue and kind. It reads all dead letters that the filter accepts.
func (a *Admin) CountDeadLetters(ctx context.Context, filter store.DeadLetterFilter) ([]store.DeadLetterCount, error) {
	if err := checkDeadLetterFilter(filter); err != nil {
		return nil, err
	}
	var all []store.DeadLetterCount
	var lacks lacking
	for _, q := range eitherQueue(filter.Queue) {
		filter.Queue = q
		counts, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.DeadLetterCount, error) { return a.store.CountDead(ctx, filter) })
		if err := lacks.fails(err); err != nil {
			return nil, err
		}
		all = append(all, counts...)
	}
	return all, lacks.err
}

// RetryDeadLetters makes dead letters due at once, with the full number of attempts again. An effect keeps its idempotency key.
// It returns the leases that are not dead letters any more: they were retried or discarded before, or their instance replaced the
// timer or completed.
func (a *Admin) RetryDeadLetters(ctx context.Context, letters ...store.Lease) (gone []store.Lease, err error) {
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("the dead letters", letters)); err != nil {
		return letters, err
	}
	now := store.StoredTime(a.clock.Now())
	workflow, target := describeLetters(letters)
	ctx = a.action(ctx, store.OpRetry, workflow, target)
	gone, err = a.eachQueue(letters, func(queue store.QueueName, some []store.Lease) ([]store.Lease, error) {
		return a.store.Revive(ctx, queue, some, now)
	})
	if len(gone) < len(letters) {
		a.moreWork(ctx)
		a.config.Logger.InfoContext(ctx, "ironflow: dead letters retried", "deliveries", len(letters)-len(gone))
		a.reportDeadLetters(telemetry.DeadLettersReport{Retried: len(letters) - len(gone)})
	}
	return gone, err
}

// RetryDeadLettersWhere retries all dead letters that a filter accepts and returns how many. It leaves out dead letters that
// their instances were told of, unless DeadLetterFilter.Told selects these: the workflow has dealt with them already. Each is
// retried once, even if it becomes a dead letter again meanwhile. After an error, the dead letters before it have been retried.
func (a *Admin) RetryDeadLettersWhere(ctx context.Context, filter store.DeadLetterFilter) (retried int, err error) {
	if err := a.mayChange(ctx); err != nil {
		return 0, err
	}
	ctx = a.action(ctx, store.OpRetry, filter.Workflow, describeFilter(filter))
	return a.eachPage(ctx, filter, func(letters []store.DeadLetter) ([]store.Lease, error) {
		return a.RetryDeadLetters(ctx, leases(letters)...)
	})
}

// DiscardDeadLetters deletes dead letters and stores a record of each, with the reason, which must not be empty. DiscardedLetters
// lists these records. It returns the leases that are not dead letters any more.
//
// The instances receive no input: an instance that waits for the result keeps waiting.
func (a *Admin) DiscardDeadLetters(ctx context.Context, discard store.Discard, letters ...store.Lease) (gone []store.Lease, err error) {
	if err := a.mayChange(ctx); err != nil {
		return letters, err
	}
	discard = withOperator(ctx, discard)
	if strings.TrimSpace(discard.Reason) == "" {
		return nil, errors.New("ironflow: Discard.Reason is empty; set the reason, which is stored with the record of the dead letters")
	}
	discard.At = store.StoredTime(a.clock.Now())
	if err := store.CheckArgument("Discard", discard); err != nil {
		return letters, err
	}
	if err := store.CheckArgument("the dead letters", letters); err != nil {
		return letters, err
	}
	workflow, target := describeLetters(letters)
	ctx = a.action(asOperator(ctx, discard.By, discard.Reason), store.OpDiscard, workflow, target)
	gone, err = a.eachQueue(letters, func(queue store.QueueName, some []store.Lease) ([]store.Lease, error) {
		return a.store.Discard(ctx, queue, some, discard)
	})
	if len(gone) < len(letters) {
		a.config.Logger.WarnContext(ctx, "ironflow: dead letters discarded", "deliveries", len(letters)-len(gone),
			"by", discard.By, "reason", discard.Reason)
		a.reportDeadLetters(telemetry.DeadLettersReport{Discarded: len(letters) - len(gone)})
	}
	return gone, err
}

// DiscardDeadLettersWhere discards all dead letters that a filter accepts and returns how many. An empty filter is an error.
// After an error, the dead letters before it have been discarded.
func (a *Admin) DiscardDeadLettersWhere(ctx context.Context, discard store.Discard, filter store.DeadLetterFilter) (discarded int, err error) {
	if filter == (store.DeadLetterFilter{Told: filter.Told}) {
		return 0, errors.New("ironflow: an empty filter would discard every dead letter; set a field of it")
	}
	discard = withOperator(ctx, discard)
	if err := cmp.Or(a.mayChange(ctx), store.CheckArgument("Discard", discard)); err != nil {
		return 0, err
	}
	ctx = a.action(asOperator(ctx, discard.By, discard.Reason), store.OpDiscard, filter.Workflow, describeFilter(filter))
	return a.eachPage(ctx, filter, func(letters []store.DeadLetter) ([]store.Lease, error) {
		return a.DiscardDeadLetters(ctx, discard, leases(letters)...)
	})
}

// withOperator fills in By and Reason from the operator of a context.
func withOperator(ctx context.Context, discard store.Discard) store.Discard {
	operator := store.OperatorOf(ctx)
	discard.By, discard.Reason = cmp.Or(discard.By, operator.By), cmp.Or(discard.Reason, operator.Reason)
	return discard
}

// asOperator returns a context whose operator has the name and the reason that a call was given.
func asOperator(ctx context.Context, by, reason string) context.Context {
	return store.WithOperator(ctx, store.Operator{By: by, Reason: reason})
}

func (a *Admin) reportDeadLetters(report telemetry.DeadLettersReport) {
	if a.config.Telemetry != nil {
		a.config.Telemetry.DeadLettersEnded(report)
	}
}

// eachQueue calls do for the letters of each queue. After an error, the letters that were not tried count as gone.
func (a *Admin) eachQueue(letters []store.Lease, do func(store.QueueName, []store.Lease) ([]store.Lease, error)) (gone []store.Lease, err error) {
	byQueue := make(map[store.QueueName][]store.Lease)
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
	for _, unknown := range byQueue { // such as the zero Lease
		gone = append(gone, unknown...)
	}
	return gone, err
}

// eachPage calls do for all dead letters that a filter accepts, and counts those that do did not return as gone.
func (a *Admin) eachPage(ctx context.Context, filter store.DeadLetterFilter, do func([]store.DeadLetter) ([]store.Lease, error)) (n int, err error) {
	query := DeadLetterQuery{DeadLetterFilter: filter, Limit: maxPageSize}
	var lacks lacking
	for {
		page, err := a.DeadLetters(ctx, query)
		if err := lacks.fails(err); err != nil {
			return n, err
		}
		gone, err := do(page.Items)
		n += len(page.Items) - len(gone)
		if err != nil || page.Next == "" {
			return n, cmp.Or(err, lacks.err)
		}
		query.Cursor = page.Next
	}
}

func leases(letters []store.DeadLetter) (leases []store.Lease) {
	for _, d := range letters {
		leases = append(leases, d.Lease)
	}
	return leases
}

// DiscardedLetters lists the records of discarded dead letters, the newest first.
func (a *Admin) DiscardedLetters(ctx context.Context, query DiscardedQuery) (Page[store.DiscardedLetter], error) {
	if err := store.CheckArgument("DiscardedQuery", query); err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	after, err := decodeCursor[store.DeadLetterPlace](query.Cursor)
	if err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	size := pageSize(query.Limit)
	list := store.DiscardedList{Workflow: query.Workflow, Instance: query.Instance, After: after, Limit: size + 1}
	found, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.DiscardedLetter, error) { return a.store.ListDiscarded(ctx, list) })
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return Page[store.DiscardedLetter]{}, err
	}
	return page(found, size, func(d store.DiscardedLetter) store.DeadLetterPlace {
		return store.DeadLetterPlace{DiedAt: d.Discard.At, Lease: d.Lease}
	}), lacks.err
}
