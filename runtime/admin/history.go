package admin

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// historyPage is how many events History reads at once.
const historyPage = 1000

// History returns up to limit events of an instance after a version, oldest first, as they are stored. A limit of 0 means all
// events. A page ends early when its payloads reach store.PageBytes, so read on after the last event until a page is empty. After
// the newest version the page is empty. If the instance has no events, the error is *UnknownInstance. History is for tools
// without the workflow's types; generated clients have a typed History.
func (a *Admin) History(ctx context.Context, instance store.InstanceKey, after int64, limit int) ([]store.StoredEvent, error) {
	if err := checkInstance(instance); err != nil {
		return nil, err
	}
	if err := store.CheckArgument("the limit", limit); err != nil {
		return nil, err
	}
	if err := store.CheckArgument("the version", after); err != nil {
		return nil, err
	}
	all := limit == 0
	if all {
		limit = historyPage
	}
	events, err := a.history(ctx, instance, after, limit)
	for page := events; all && err == nil && len(page) > 0; {
		page, err = a.history(ctx, instance, page[len(page)-1].Version, limit)
		events = append(events, page...)
	}
	if err != nil || len(events) > 0 {
		return events, err
	}
	// The instance may have no events after the version, or none at all.
	first, err := a.history(ctx, instance, 0, 1)
	if err == nil && len(first) == 0 {
		err = &store.UnknownInstance{Instance: instance}
	}
	return nil, err
}

func (a *Admin) history(ctx context.Context, instance store.InstanceKey, after int64, limit int) ([]store.StoredEvent, error) {
	return bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.StoredEvent, error) {
		return a.store.History(store.AllowLag(ctx), instance, after, limit)
	})
}

// Observations returns inputs with their outcomes, the newest first: those of one instance, of one workflow, or all, as the query
// says. It has the inputs that Config.Observe selected. A limit of 0 means 100. For the next page, set Before and BeforeNumber to
// ObservedAt and Number of the last observation, until a page is empty. A page ends early when its payloads reach
// store.PageBytes.
func (a *Admin) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	if err := store.CheckArgument("ObservationQuery", query); err != nil {
		return nil, err
	}
	if query.Limit == 0 {
		query.Limit = 100
	}
	return bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.Observation, error) { return a.store.Observations(store.AllowLag(ctx), query) })
}
