package store

import "context"

// Notifier is the ability of a store to let processes tell each other news, so that they need not wait for their next poll. No
// feature needs it: a notification may be lost, come late, or come without news.
type Notifier interface {
	// Notify wakes the listeners of all processes. The engine calls it beside its commits, not once for each of them.
	Notify(ctx context.Context, what News) error

	// Listen calls wake for each notification, on one goroutine, until ctx ends or the connection is lost. Then it returns the
	// reason. When it begins to listen, it calls wake once with all kinds of news, as it may have missed some.
	Listen(ctx context.Context, wake func(what News)) error
}

// News are kinds of news. They can be joined with |.
type News int

const (
	NewWork   News = 1 << iota // effects or timers are due
	NewEvents                  // the feed has grown
	NewOrders                  // a projection was told to do something else, or can be taken over
)
