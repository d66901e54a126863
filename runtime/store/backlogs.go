package store

import "time"

// Backlog is how much there is of one kind of deliveries.
type Backlog struct {
	Kind    Kind
	Due     int64 // could be claimed
	Leased  int64 // are being worked on, somewhere
	Delayed int64 // wait for their time: timers, and what is to be tried again
	Dead    int64 // are dead letters that no instance was told of

	OldestDue time.Time // since when the oldest that is due has been; zero when none is

	// Blocked is how many of those that are due, leased or delayed wait for another process, because none that claimed them could
	// take them. OldestBlocked is since when the oldest of them waits, and BlockedError why; zero when there is none.
	Blocked       int64
	OldestBlocked time.Time
	BlockedError  string
}

// Add counts another backlog in.
func (b *Backlog) Add(other Backlog) {
	b.Due, b.Leased, b.Delayed, b.Dead = b.Due+other.Due, b.Leased+other.Leased, b.Delayed+other.Delayed, b.Dead+other.Dead
	b.Blocked += other.Blocked
	if b.OldestBlocked.IsZero() || !other.OldestBlocked.IsZero() && other.OldestBlocked.Before(b.OldestBlocked) {
		b.OldestBlocked, b.BlockedError = other.OldestBlocked, other.BlockedError
	}
	if b.OldestDue.IsZero() || !other.OldestDue.IsZero() && other.OldestDue.Before(b.OldestDue) {
		b.OldestDue = other.OldestDue
	}
}

// WaitingDelivery is an effect or timer that is not done.
type WaitingDelivery struct {
	Lease     Lease // names it
	Kind      Kind
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // when it is due; while it is leased, when the lease ends
	Attempts  int       // that were made, or are being made
	LastError string
	ClaimedAt time.Time // by whoever works on it, or did when his lease ended; zero for none
	Holder    string    // Config.Name of the process that has the lease, or had it when it ended; empty for none
	DiedAt    time.Time // zero unless it is a dead letter
	ToldAt    time.Time // when its instance accepted the input that tells of the dead letter; zero for not

	// BlockedSince is since when it waits for another process, because none that claimed it could take it; LastError says why.
	// It is zero for what does not wait so.
	BlockedSince time.Time
}

// DeliveryState says what a delivery waits for.
type DeliveryState string

const (
	DeliveryDue     DeliveryState = "due"     // for somebody to claim it
	DeliveryLeased  DeliveryState = "leased"  // for whoever works on it
	DeliveryDelayed DeliveryState = "delayed" // for its time
	DeliveryBlocked DeliveryState = "blocked" // for a process that can take it; none that claimed it could
	DeliveryDead    DeliveryState = "dead"    // for somebody to decide about it
)

// StateAt says what the delivery waits for at a time.
func (w WaitingDelivery) StateAt(now time.Time) DeliveryState {
	switch {
	case !w.DiedAt.IsZero():
		return DeliveryDead
	case w.RunAt.After(now) && !w.ClaimedAt.IsZero() && w.Attempts > 0: // a timer that replaces a leased one has made none
		return DeliveryLeased
	case !w.BlockedSince.IsZero():
		return DeliveryBlocked
	case !w.RunAt.After(now):
		return DeliveryDue
	default:
		return DeliveryDelayed
	}
}
