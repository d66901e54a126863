// Package project runs projections, and reads the feed for them and for subscriptions.
//
// A FeedWatch tells readers when there are new events. A Board has the projections of an engine: it lists them, changes what they are to do,
// and runs them. Each projection has a projector, which waits until the projection is free and then makes a run of steps, until the run has lost
// the projection or the engine stops:
//
//	Board.Run → projector.run → takeOver → projectorRun.run → advance → read, apply → Spec.Apply
//
// Spec.Apply, which package runtime makes of a Projection, calls user code in a transaction of the store.
package project
