// Package delivery carries out what decisions asked for: effects, timers, children, and schedules. A worker claims deliveries, hands
// each to its handler or brings it in as an input, and settles it. [Deliveries] is the door.
//
// The way of an effect: the commit that makes it leases it for a handler that is free (lending.go), or a worker claims it (claims.go). The
// worker makes an attempt (attempt.go) by the route of its kind (router.go). The handler is called, and its result goes as an input through
// the Door; the commit of the input settles the effect (effect.go, input.go). If there is no input, or the input is refused, the settler
// settles the effect (settle.go). After a failed attempt the effect is due again later, or becomes a dead letter. Timers, schedules, and
// effects that lead to other workflows go the same way with other routes (timer.go, schedule.go, child.go, refused.go, remote.go).
//
// A lease makes a delivery this process's for a time (lease.go). What a process does after it has lost the lease is refused by the store.
package delivery
