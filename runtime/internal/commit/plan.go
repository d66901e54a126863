package commit

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Plan is what an input would lead to.
type Plan struct {
	Kind      Kind
	Status    string // before
	Next      string // the status after an accepted input
	Completes bool
	Events    []workflow.Encoded
	Effects   []workflow.Encoded
	Rejection workflow.Encoded
}

// Plan asks the decider about an input as it would be asked now, and stores nothing.
func (x *Executor) Plan(ctx context.Context, req Request) (p Plan, err error) {
	w, key := req.Workflow, req.Key()
	if err := x.stuck.refuse(key, true); err != nil {
		return p, err
	}
	found, err := x.store.Read(ctx, []store.ReadRequest{{Instance: key, Schema: w.Schema()}})
	if err != nil {
		return p, err
	}
	instance := found[0]
	switch {
	case instance.Version == 0:
		return Plan{Kind: Missing}, nil
	case instance.Completed:
		return Plan{Kind: Completed}, nil
	}
	var failed error
	if _, err := x.stuck.guard(ctx, func(on *watch) {
		on.enterFor(key, req.Input.Name, nil)
		p, failed = x.plan(req, instance)
		on.leave()
	}); err != nil {
		return Plan{}, err // the code may still run
	}
	return p, failed
}

func (x *Executor) plan(req Request, instance store.Instance) (p Plan, err error) {
	w := req.Workflow
	state, err := w.Replay(nil, instance)
	if err != nil {
		return p, unknown.Mark(err)
	}
	p.Status = w.Status(state)
	now := latest(store.StoredTime(x.config.Clock.Now()), instance.LastEventAt)
	rejection, decided, err := w.Decide(now, instance.Version, state, req.Input)
	switch {
	case err != nil:
		return p, err
	case rejection != nil:
		encoded, err := w.EncodeRejection(rejection)
		p.Kind, p.Rejection = Rejected, encoded
		return p, err
	}
	p.Kind, p.Next, p.Completes = Accepted, decided.Status, decided.Complete
	for _, e := range decided.Stored {
		p.Events = append(p.Events, workflow.Encoded{Type: e.Type, Payload: e.Payload})
	}
	for _, e := range decided.Effects {
		p.Effects = append(p.Effects, workflow.Encoded{Type: e.Kind, Payload: e.Payload})
	}
	return p, nil
}
