package store

import (
	"context"
	"time"
)

// DeadLetters is the ability of a store to list dead letters, and to revive or discard them. The methods of Engine about dead letters
// need it. A store without it keeps dead letters all the same.
//
// A dead letter is named by a Lease with the token that it has as a dead letter. Revive and Discard raise the token or delete the
// dead letter, so that the second of two people who decide about it is told that it is gone. Each call is about one queue.
type DeadLetters interface {
	// ListDead returns the dead letters of the queue list.Queue that the filter accepts, in the order of descending times of death,
	// ids, workflows, versions and positions or keys, from list.After on.
	ListDead(ctx context.Context, list DeadLetterList) ([]DeadLetter, error)

	// CountDead counts the dead letters of the queue filter.Queue that the filter accepts by kind, sorted by kind.
	CountDead(ctx context.Context, filter DeadLetterFilter) ([]DeadLetterCount, error)

	// Revive makes dead letters due at a time, with no attempt made. It returns those that are no dead letters any more, of
	// which nothing is changed.
	Revive(ctx context.Context, queue QueueName, letters []Lease, at time.Time) (gone []Lease, err error)

	// Discard deletes dead letters, and stores a record of each. It returns those that are no dead letters any more, of which
	// nothing is changed.
	Discard(ctx context.Context, queue QueueName, letters []Lease, discard Discard) (gone []Lease, err error)

	// ListDiscarded returns records of discarded dead letters, of both queues.
	ListDiscarded(ctx context.Context, list DiscardedList) ([]DiscardedLetter, error)
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
	Queue    QueueName // effects or timers; never empty when it is given to a store
	Workflow string
	Kind     string // name of the effect, or of the timer's input
	Instance string // id

	ErrorContains        string
	DiedSince, DiedUntil time.Time // DiedUntil itself is not in it

	Told ToldFilter // default: only those whose instances were not told
}

// DeadLetterPlace is the place of a dead letter in a list. The lease's token does not matter.
type DeadLetterPlace struct {
	DiedAt time.Time
	Lease  Lease
}

// DeadLetterList asks for a part of the list of a queue.
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
