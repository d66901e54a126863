package store

import (
	"context"
	"fmt"
	"time"
)

// Replicas is the ability of a store to read from a replica, which follows the database and may be behind it.
//
// The store reads the feed from the replica, never beyond what is settled and what the replica has. It also reads from it for calls
// whose context allows that, see AllowLag. While the replica cannot be used, these calls fail with *Unavailable. All other
// calls go to the database itself.
type Replicas interface {
	// ReplicaStatus returns how far the replica is behind the database; nil if the store has no replica.
	ReplicaStatus(ctx context.Context) (*ReplicaStatus, error)
}

// ReplicaStatus says how far a replica is behind the database.
type ReplicaStatus struct {
	// Lag is the age of the newest commit that the replica has; 0 if it has everything.
	Lag time.Duration

	// Bytes is how much of the database's log the replica has not applied.
	Bytes int64

	// Problem says why nothing is read from the replica; empty if it can be used. Readers wait until there is no problem.
	Problem string
}

func (s ReplicaStatus) String() string {
	if s.Problem != "" {
		return "not usable: " + s.Problem
	}
	return fmt.Sprintf("%v and %d bytes behind", s.Lag.Round(time.Millisecond), s.Bytes)
}

type allowLagKey struct{}

// AllowLag returns a context whose reads may be answered by a replica.
func AllowLag(ctx context.Context) context.Context {
	return context.WithValue(ctx, allowLagKey{}, true)
}

// LagAllowed reports whether the reads of a context may be answered by a replica.
func LagAllowed(ctx context.Context) bool {
	allowed, _ := ctx.Value(allowLagKey{}).(bool)
	return allowed
}
