// Package delivery carries out what decisions asked for: effects, timers, children, and schedules. A worker claims deliveries, hands
// each to its handler or brings it in as an input, and settles it. [Deliveries] is the door.
package delivery
