package console

import (
	"context"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
)

const (
	countedFor  = 10 * time.Second // how long counts are shown before they are read again
	countWithin = time.Second      // how long counting may take
	countedMost = 2000             // instances that are counted, of those that are active and of those that have completed
)

// counts keeps the numbers of instances by status for a short time, so that many open pages read them once.
type counts struct {
	mu    sync.Mutex
	known map[string]counted // by workflow
}

type counted struct {
	at time.Time
	admin.NewestCounts
	Failed bool
}

// of returns the counts of a workflow that a program has described: there are few of those.
func (n *counts) of(ctx context.Context, a *admin.Admin, workflow string) counted {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.known[workflow]; time.Since(c.at) < countedFor {
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	found, err := a.CountNewest(ctx, workflow, countedMost)
	c := counted{time.Now(), found, err != nil}
	if n.known == nil {
		n.known = make(map[string]counted)
	}
	n.known[workflow] = c
	return c
}
