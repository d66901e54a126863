package admin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// DeadLetterGroup is a group of dead letters of one kind whose errors have one fingerprint, see store.Fingerprint. They most likely have one
// cause.
type DeadLetterGroup struct {
	ID             string // names the group: a hash of Queue, Kind and Error
	Queue          store.QueueName
	Kind           store.Kind
	Error          string // the fingerprint
	Count          int64
	Oldest, Newest time.Time        // when they became dead letters
	Example        store.DeadLetter // the newest
}

// GroupOf returns the id of the group of a dead letter.
func GroupOf(d store.DeadLetter) string { return groupID(d, store.Fingerprint(d.Error)) }

func groupID(d store.DeadLetter, fingerprint string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", d.Lease.Queue, d.Kind.Workflow, d.Kind.Name, fingerprint))
	return hex.EncodeToString(sum[:5])
}

// DeadLetterGroups groups the dead letters that a filter accepts by kind and error, the largest group first. It reads all of them, in pages.
func (a *Admin) DeadLetterGroups(ctx context.Context, filter store.DeadLetterFilter) ([]DeadLetterGroup, error) {
	groups := make(map[string]*DeadLetterGroup)
	_, err := a.eachPage(ctx, filter, func(letters []store.DeadLetter) ([]store.Lease, error) {
		for _, d := range letters {
			fingerprint := store.Fingerprint(d.Error)
			id := groupID(d, fingerprint)
			g := groups[id]
			if g == nil { // the newest comes first
				g = &DeadLetterGroup{ID: id, Queue: d.Lease.Queue, Kind: d.Kind, Error: fingerprint, Newest: d.DiedAt, Example: d}
				groups[id] = g
			}
			g.Count++
			g.Oldest = d.DiedAt
		}
		return nil, nil
	})
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return nil, err
	}
	list := make([]DeadLetterGroup, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b DeadLetterGroup) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) })
	return list, lacks.err
}

// RetryDeadLetterGroup is RetryDeadLettersWhere for the dead letters of one group, by its id.
func (a *Admin) RetryDeadLetterGroup(ctx context.Context, filter store.DeadLetterFilter, group string) (retried int, err error) {
	if err := cmp.Or(a.mayChange(ctx), checkGroup(group)); err != nil {
		return 0, err
	}
	ctx = a.action(ctx, store.OpRetry, filter.Workflow, describeGroup(filter, group))
	return a.eachPage(ctx, filter, func(letters []store.DeadLetter) ([]store.Lease, error) {
		return a.onGroup(letters, group, func(some []store.Lease) ([]store.Lease, error) { return a.RetryDeadLetters(ctx, some...) })
	})
}

// DiscardDeadLetterGroup is DiscardDeadLettersWhere for the dead letters of one group, by its id. The filter may be empty.
func (a *Admin) DiscardDeadLetterGroup(
	ctx context.Context, discard store.Discard, filter store.DeadLetterFilter, group string,
) (discarded int, err error) {
	discard = withOperator(ctx, discard)
	if err := cmp.Or(a.mayChange(ctx), checkGroup(group), store.CheckArgument("Discard", discard)); err != nil {
		return 0, err
	}
	ctx = a.action(asOperator(ctx, discard.By, discard.Reason), store.OpDiscard, filter.Workflow, describeGroup(filter, group))
	return a.eachPage(ctx, filter, func(letters []store.DeadLetter) ([]store.Lease, error) {
		return a.onGroup(letters, group, func(some []store.Lease) ([]store.Lease, error) {
			return a.DiscardDeadLetters(ctx, discard, some...)
		})
	})
}

func checkGroup(group string) error {
	if group == "" {
		return &store.InvalidArgument{Argument: "the group", Problem: "is empty; DeadLetterGroups returns the ids of groups"}
	}
	return nil
}

func describeGroup(filter store.DeadLetterFilter, group string) string {
	if filter == (store.DeadLetterFilter{Workflow: filter.Workflow}) {
		return "group " + group
	}
	return "group " + group + ", " + describeFilter(filter)
}

// onGroup calls do for the dead letters of a group. The others count as gone.
func (a *Admin) onGroup(letters []store.DeadLetter, group string, do func([]store.Lease) ([]store.Lease, error)) (gone []store.Lease, err error) {
	var some []store.Lease
	for _, d := range letters {
		if strings.EqualFold(GroupOf(d), group) {
			some = append(some, d.Lease)
		} else {
			gone = append(gone, d.Lease)
		}
	}
	if len(some) == 0 {
		return gone, nil
	}
	lost, err := do(some)
	return append(gone, lost...), err
}
