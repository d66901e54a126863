package store

import "context"

// Notifier is the ability of a store to notify processes of news, so that they need not wait for their next poll. No feature
// needs it: a notification may be lost, come late, or come without news.
type Notifier interface {
	// Notify wakes the listeners of all processes. The engine calls it outside of commits, and less often than it commits.
	Notify(ctx context.Context, what News) error

	// Listen calls wake for each notification, on one goroutine, until ctx ends or the connection is lost. Then it returns the
	// reason. When it begins to listen, it calls wake once with all kinds of news, because it may have missed some.
	Listen(ctx context.Context, wake func(what News)) error
}

// News is a set of kinds of news, joined with |.
type News int

const (
	NewWork      News = 1 << iota // effects or timers are due
	NewEvents                     // the feed has grown
	NewOrders                     // a projection was paused, resumed, skipped or rebuilt, or can be taken over
	NewForgotten                  // a subject was forgotten

	AllNews News = 1<<iota - 1
)
