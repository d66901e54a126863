package store

import (
	"context"
	"time"
)

// DeadLetters is the ability of a store to list dead letters, and to revive or discard them. The methods of Engine for dead
// letters need it. A store without it keeps dead letters too.
//
// A dead letter is named by a Lease with the token that it has as a dead letter. Revive and Discard raise the token or delete the
// dead letter. So when two people decide about one dead letter, the second one learns that it is gone. Each call is for one
// queue.
type DeadLetters interface {
	// ListDead returns the dead letters of the queue list.Queue that the filter accepts and that come after list.After. They are
	// sorted by DiedAt, id, workflow, version, and position or key, all descending.
	ListDead(ctx context.Context, list DeadLetterList) ([]DeadLetter, error)

	// CountDead counts the dead letters of the queue filter.Queue that the filter accepts by kind, sorted by kind.
	CountDead(ctx context.Context, filter DeadLetterFilter) ([]DeadLetterCount, error)

	// Revive makes dead letters due at a time. Their attempts count from 0 again. It returns the leases that are not dead letters
	// any more, and changes nothing for these.
	Revive(ctx context.Context, queue QueueName, letters []Lease, at time.Time) (gone []Lease, err error)

	// Discard deletes dead letters, and stores a record of each. It returns the leases that are not dead letters any more, and
	// changes nothing for these.
	Discard(ctx context.Context, queue QueueName, letters []Lease, discard Discard) (gone []Lease, err error)

	// ListDiscarded returns records of discarded dead letters, of both queues.
	ListDiscarded(ctx context.Context, list DiscardedList) ([]DiscardedLetter, error)
}

// DeadLetter is an effect or timer whose attempts have all failed, or whose handler returned a permanent error.
type DeadLetter struct {
	Lease    Lease // names it
	Kind     Kind
	Payload  []byte    // of an effect, or the input of a timer
	Attempts int       // how many were made
	Error    string    // of the last one
	Due      time.Time // when the effect was requested, or when the timer was set to fire
	DiedAt   time.Time
	ToldAt   time.Time // when its instance accepted the input that reports it, see EffectOptions.Dead; zero if it did not
}

// ToldFilter selects dead letters by whether their instances were told of them, which means that an instance accepted the input
// that the effect declares for this case.
//
// The workflow has then dealt with the dead letter itself. The dead letter stays in the store until its instance is deleted, so
// that people can look at it. It is not counted, raises no alert, does not prevent the deletion of its instance, and is listed
// only on request.
type ToldFilter string

const (
	NotTold   ToldFilter = ""     // the default: dead letters that a person has to decide about
	OnlyTold  ToldFilter = "told" // dead letters whose instances were told
	ToldOrNot ToldFilter = "all"
)

// DeadLetterFilter selects dead letters. A zero field accepts all, except Told: its zero value accepts only those that no
// instance was told of.
type DeadLetterFilter struct {
	Queue    QueueName // effects or timers; the engine never passes an empty one to a store
	Workflow string
	Kind     string // name of the effect, or of the timer's input
	Instance string // id

	ErrorContains        string
	DiedSince, DiedUntil time.Time // from DiedSince until before DiedUntil

	Told ToldFilter // default: only those whose instances were not told
}

// DeadLetterPlace is the place of a dead letter in a list. The token of the lease is ignored.
type DeadLetterPlace struct {
	DiedAt time.Time
	Lease  Lease
}

// DeadLetterList asks a store for a part of the list of one queue.
type DeadLetterList struct {
	DeadLetterFilter
	After *DeadLetterPlace // nil for the beginning
	Limit int
}

// DeadLetterCount is a number of dead letters of one kind.
type DeadLetterCount struct {
	Queue          QueueName
	Kind           Kind
	Count          int64
	Oldest, Newest time.Time // when they became dead letters
}

// Discard says who discarded dead letters, when and why.
type Discard struct {
	By     string // may be empty
	Reason string
	At     time.Time // set by the engine
}

// DiscardedLetter is the record of a dead letter that was discarded.
type DiscardedLetter struct {
	DeadLetter // its lease has no token
	Discard    Discard
}

// DiscardedList asks a store for records of discarded dead letters, sorted by time, id, workflow, queue, version, and position or
// key, all descending.
type DiscardedList struct {
	Workflow, Instance string           // empty for all
	After              *DeadLetterPlace // its DiedAt is the time of discarding; nil for the beginning
	Limit              int
}
