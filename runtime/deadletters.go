package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// DeadLetters is the part of a Queue that keeps what could not be delivered until people decide about it.
//
// A dead letter is named by a Lease whose Token is the one it has as a dead letter. What happens to it raises the token or
// deletes it, so that of two who decide about it one is told that it is gone.
type DeadLetters interface {
	// ListDead returns dead letters that a filter accepts, in the order of descending times of death, ids, workflows,
	// versions and positions or keys, beginning behind a place in that order.
	ListDead(ctx context.Context, list DeadLetterList) ([]DeadLetter, error)

	// CountDead counts them by kind, sorted by kind.
	CountDead(ctx context.Context, filter DeadLetterFilter) ([]DeadLetterCount, error)

	// Revive makes dead letters due at a time, with all their attempts before them. It returns those that are no dead letters
	// any more, of which nothing is changed.
	Revive(ctx context.Context, letters []Lease, at time.Time) (gone []Lease, err error)

	// Discard deletes dead letters and keeps a record of them. It returns those that are no dead letters any more, of which
	// nothing is changed.
	Discard(ctx context.Context, letters []Lease, discard Discard) (gone []Lease, err error)
}

// DeadLetter is an effect or timer whose attempts are used up, or whose handler said that no attempt can help.
type DeadLetter struct {
	Lease    Lease // names it
	Kind     Kind
	Payload  []byte    // of an effect, or the input of a timer
	Attempts int       // that were made
	Error    string    // of the last one
	Due      time.Time // when the effect was requested, or when the timer was set to fire
	DiedAt   time.Time
	ToldAt   time.Time // when its instance accepted the input that tells of it, see EffectOptions.Dead; zero for not
}

// ToldFilter selects dead letters by whether their instances were told of them.
//
// The workflow has dealt with such a dead letter itself. It stays in the store, as long as its instance does, for people to
// look at. It is not counted, raises no alert, does not keep its instance from being deleted, and is not in lists unless they
// ask for it.
type ToldFilter string

const (
	NotTold   ToldFilter = ""     // the default: dead letters that somebody has to decide about
	OnlyTold  ToldFilter = "told" // dead letters whose instances were told
	ToldOrNot ToldFilter = "all"
)

// DeadLetterFilter selects dead letters. A zero field accepts all; a zero Told accepts only those that no instance was told of.
type DeadLetterFilter struct {
	Queue    QueueName // only effects, or only timers; a Queue has but its own
	Workflow string
	Kind     string // name of the effect, or of the timer's input
	Instance string // id

	ErrorContains        string
	DiedSince, DiedUntil time.Time // DiedUntil itself is not in it

	Told ToldFilter // default: only those whose instances were not told
}

// validate finds what is no filter.
func (f *DeadLetterFilter) validate() error {
	if err := checkOneOf("DeadLetterFilter.Told", f.Told, NotTold, OnlyTold, ToldOrNot); err != nil {
		return err
	}
	if err := checkOneOf("DeadLetterFilter.Queue", f.Queue, "", EffectQueue, TimerQueue); err != nil {
		return err
	}
	return checkArgument("DeadLetterFilter", *f)
}

// DeadLetterPlace is the place of a dead letter in a list. The lease's token does not matter.
type DeadLetterPlace struct {
	DiedAt time.Time
	Lease  Lease
}

// DeadLetterList asks a queue for a part of the list.
type DeadLetterList struct {
	DeadLetterFilter
	After *DeadLetterPlace // nil for the beginning
	Limit int
}

// DeadLetterQuery asks an engine for a page of the list.
type DeadLetterQuery struct {
	DeadLetterFilter
	Limit  int    // dead letters on the page; default 100, at most 1000
	Cursor string // Page.Next of the page before; empty for the first
}

// DeadLetterCount is a number of dead letters of one kind.
type DeadLetterCount struct {
	Queue          QueueName
	Kind           Kind
	Count          int64
	Oldest, Newest time.Time // when they died
}

// Discard says who gave dead letters up, when and why.
type Discard struct {
	By     string // may be empty
	Reason string
	At     time.Time // filled in by the engine
}

// DiscardedLetter is the record of a dead letter that was discarded.
type DiscardedLetter struct {
	DeadLetter // its lease has no token
	Discard    Discard
}

// DiscardedList asks a store for records of dead letters that were discarded, the last one first, in the order of descending
// times, ids, workflows, queues, versions and positions or keys.
type DiscardedList struct {
	Workflow, Instance string           // empty for all
	After              *DeadLetterPlace // DiedAt is when it was discarded; nil for the beginning
	Limit              int
}

// DiscardedQuery asks an engine for a page of the list.
type DiscardedQuery struct {
	Workflow, Instance string // empty for all
	Limit              int    // records on the page; default 100, at most 1000
	Cursor             string // Page.Next of the page before; empty for the first
}

// DeadLetters lists dead letters of effects and timers, the last one first, also of workflows that are not registered with
// the engine. They are found by the time of their death; for the rest of the filter all in that time are looked at.
func (e *Engine) DeadLetters(ctx context.Context, query DeadLetterQuery) (Page[DeadLetter], error) {
	if err := query.validate(); err != nil {
		return Page[DeadLetter]{}, err
	}
	if err := checkArgument("DeadLetterQuery", query); err != nil {
		return Page[DeadLetter]{}, err
	}
	after, err := decodeCursor[DeadLetterPlace](query.Cursor)
	if err != nil {
		return Page[DeadLetter]{}, err
	}
	size := pageSize(query.Limit)
	var all []DeadLetter
	for _, q := range e.queues(query.Queue) {
		list := DeadLetterList{DeadLetterFilter: query.DeadLetterFilter, After: after.in(q.name), Limit: size + 1}
		found, err := untilAvailable(ctx, &e.config, func() ([]DeadLetter, error) { return q.ListDead(ctx, list) })
		if err != nil {
			return Page[DeadLetter]{}, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b DeadLetter) int {
		return -cmp.Or(a.DiedAt.Compare(b.DiedAt), cmp.Compare(a.Lease.Instance.ID, b.Lease.Instance.ID),
			cmp.Compare(a.Lease.Instance.Workflow, b.Lease.Instance.Workflow), cmp.Compare(a.Lease.Queue, b.Lease.Queue))
	})
	return page(all, size, func(d DeadLetter) DeadLetterPlace { return DeadLetterPlace{DiedAt: d.DiedAt, Lease: d.Lease} }), nil
}

// in returns the place in the list of a queue that a place in the list of all queues means. That list has, of letters that died
// at one time in one instance, the timers first.
func (p *DeadLetterPlace) in(queue QueueName) *DeadLetterPlace {
	if p == nil || p.Lease.Queue == queue {
		return p
	}
	there := &DeadLetterPlace{DiedAt: p.DiedAt, Lease: Lease{Queue: queue, Instance: p.Lease.Instance, Version: maxVersion}}
	if queue > p.Lease.Queue {
		there.Lease.Version = 0
	}
	return there
}

// maxVersion is above all versions.
const maxVersion = 1<<63 - 1

// namedQueue is one of the queues.
type namedQueue struct {
	Queue
	name QueueName
}

// queues returns the queue of a name, or both for an empty one.
func (e *Engine) queues(name QueueName) []namedQueue {
	all := []namedQueue{{e.store.Effects(), EffectQueue}, {e.store.Timers(), TimerQueue}}
	return slices.DeleteFunc(all, func(q namedQueue) bool { return name != "" && name != q.name })
}

// CountDeadLetters counts dead letters by queue and kind. It reads all that the filter accepts.
func (e *Engine) CountDeadLetters(ctx context.Context, filter DeadLetterFilter) ([]DeadLetterCount, error) {
	if err := filter.validate(); err != nil {
		return nil, err
	}
	var all []DeadLetterCount
	for _, q := range e.queues(filter.Queue) {
		counts, err := untilAvailable(ctx, &e.config, func() ([]DeadLetterCount, error) { return q.CountDead(ctx, filter) })
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
	if err := checkArgument("the dead letters", letters); err != nil {
		return letters, err
	}
	now := storedTime(e.config.Clock.Now())
	gone, err = e.eachQueue(letters, func(q Queue, some []Lease) ([]Lease, error) { return q.Revive(ctx, some, now) })
	if len(gone) < len(letters) {
		e.Wake()
		e.newWork.announce()
		e.config.Logger.InfoContext(ctx, "ironflow: dead letters retried", "deliveries", len(letters)-len(gone))
		e.config.reportDeadLetters(DeadLettersReport{Retried: len(letters) - len(gone)})
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
	discard.At = storedTime(e.config.Clock.Now())
	if err := checkArgument("Discard", discard); err != nil {
		return letters, err
	}
	if err := checkArgument("the dead letters", letters); err != nil {
		return letters, err
	}
	gone, err = e.eachQueue(letters, func(q Queue, some []Lease) ([]Lease, error) { return q.Discard(ctx, some, discard) })
	if len(gone) < len(letters) {
		e.config.Logger.WarnContext(ctx, "ironflow: dead letters discarded", "deliveries", len(letters)-len(gone),
			"by", discard.By, "reason", discard.Reason)
		e.config.reportDeadLetters(DeadLettersReport{Discarded: len(letters) - len(gone)})
	}
	return gone, err
}

// DiscardDeadLettersWhere discards all dead letters that a filter accepts and returns how many. An empty filter is an
// error. When it fails, those before the failure are discarded all the same.
func (e *Engine) DiscardDeadLettersWhere(ctx context.Context, discard Discard, filter DeadLetterFilter) (discarded int, err error) {
	if filter == (DeadLetterFilter{Told: filter.Told}) {
		return 0, errors.New("ironflow: an empty filter would discard every dead letter; say which")
	}
	return e.eachPage(ctx, filter, func(letters []Lease) ([]Lease, error) { return e.DiscardDeadLetters(ctx, discard, letters...) })
}

// eachQueue gives letters to their queues. With an error, those that were not tried count as gone.
func (e *Engine) eachQueue(letters []Lease, do func(Queue, []Lease) ([]Lease, error)) (gone []Lease, err error) {
	byQueue := make(map[QueueName][]Lease)
	for _, l := range letters {
		byQueue[l.Queue] = append(byQueue[l.Queue], l)
	}
	for _, q := range e.queues("") {
		some := byQueue[q.name]
		delete(byQueue, q.name)
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
func (e *Engine) DiscardedLetters(ctx context.Context, query DiscardedQuery) (Page[DiscardedLetter], error) {
	if err := checkArgument("DiscardedQuery", query); err != nil {
		return Page[DiscardedLetter]{}, err
	}
	after, err := decodeCursor[DeadLetterPlace](query.Cursor)
	if err != nil {
		return Page[DiscardedLetter]{}, err
	}
	size := pageSize(query.Limit)
	list := DiscardedList{Workflow: query.Workflow, Instance: query.Instance, After: after, Limit: size + 1}
	found, err := untilAvailable(ctx, &e.config, func() ([]DiscardedLetter, error) { return e.store.ListDiscarded(ctx, list) })
	if err != nil {
		return Page[DiscardedLetter]{}, err
	}
	return page(found, size, func(d DiscardedLetter) DeadLetterPlace {
		return DeadLetterPlace{DiedAt: d.Discard.At, Lease: d.Lease}
	}), nil
}
