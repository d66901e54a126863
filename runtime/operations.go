package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/delivery"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Operations of package admin, as methods of an engine. Those that name a workflow or an instance know the workflows that are registered.

// Page is a part of a list.
type Page[T any] = admin.Page[T]

// InstanceQuery selects a page of the list of instances.
type InstanceQuery = admin.InstanceQuery

// InstanceReport describes one instance: its status, the inputs it accepts, and its waiting deliveries.
type InstanceReport = admin.InstanceReport

// DeadLetterQuery selects a page of the list of dead letters.
type DeadLetterQuery = admin.DeadLetterQuery

// DiscardedQuery selects a page of the list of discarded dead letters.
type DiscardedQuery = admin.DiscardedQuery

// Audit lists what operators did on the store, the newest first: each change that this or another process made on request, each input that
// an operator sent, and each bulk run. store.WithOperator names the operator; without it, records name the process. Retention.Audit says
// how long records are kept.
func (e *Engine) Audit(ctx context.Context, query admin.AuditQuery) (Page[store.AuditRecord], error) {
	return e.admin.Audit(ctx, query)
}

// workChanged makes this process, and others, look at what the operations have changed.
func (e *Engine) workChanged() {
	e.pauses.forget()
	e.Wake()
	e.newWork.announce()
}

// Instances lists instances, the newest first. It includes workflows that are not registered with the engine.
//
// Workflow, Activity and the times of creation are found by an index. There is no index on Status and the times of the last
// event: every commit changes them, so an index would slow every commit. A query by these checks one instance after the other, for at most
// InstanceQuery.Budget. If the page is not full by then, Page.Looked says how many instances were checked, and Page.Next continues after them;
// such a page may be empty. When you look for a status, also set Activity to skip most of the others.
func (e *Engine) Instances(ctx context.Context, query InstanceQuery) (Page[store.InstanceSummary], error) {
	return e.admin.Instances(ctx, query)
}

// CountInstances counts instances by workflow and status. It reads all instances that the other parts of the filter accept to find those with a
// Status or with times of the last event, which takes seconds for millions of them. admin.Admin.CountNewest takes no longer for millions.
func (e *Engine) CountInstances(ctx context.Context, filter InstanceFilter) (store.InstanceCounts, error) {
	return e.admin.CountInstances(ctx, filter)
}

// Inspect describes an instance: its status, the inputs it accepts, and its waiting deliveries. The parts are read one after the
// other, so they may show different moments. If the instance has no events, the error is *UnknownInstance.
func (e *Engine) Inspect(ctx context.Context, instance InstanceKey) (*InstanceReport, error) {
	if _, _, err := e.known(instance.Workflow, instance.ID); err != nil {
		return nil, err
	}
	return e.admin.Inspect(ctx, instance)
}

// History returns up to limit events of an instance after a version, oldest first, as they are stored. A limit of 0 means all
// events. A page ends early when its payloads reach store.PageBytes, so read on after the last event until a page is empty. After
// the newest version the page is empty. If the instance has no events, the error is *UnknownInstance. History is for tools
// without the workflow's types; generated clients have a typed History.
func (e *Engine) History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error) {
	if _, _, err := e.known(instance.Workflow, instance.ID); err != nil {
		return nil, err
	}
	return e.admin.History(ctx, instance, after, limit)
}

// Forget erases the personal values of a subject by deleting the key that encrypts them; see [admin.Admin.Forget].
func (e *Engine) Forget(ctx context.Context, forget store.ForgottenSubject) (had bool, err error) {
	had, err = e.admin.Forget(ctx, forget)
	e.store.DropKeys() // the admin has a store of its own
	return had, err
}

// Observations returns inputs with their outcomes, the newest first: those of one instance, of one workflow, or all, as the query
// says. It has the inputs that Config.Observe selected. A limit of 0 means 100. For the next page, set Before and BeforeNumber to
// ObservedAt and Number of the last observation, until a page is empty. A page ends early when its payloads reach
// store.PageBytes.
func (e *Engine) Observations(ctx context.Context, query ObservationQuery) ([]store.Observation, error) {
	return e.admin.Observations(ctx, query)
}

// FeedStatus returns how far the feed can be read. If transactions hold it back, it names them.
func (e *Engine) FeedStatus(ctx context.Context) (store.FeedStatus, error) {
	return e.admin.FeedStatus(ctx)
}

// Why explains the decision that stored an event of an instance. It names the decisions that led to it, across instances, back to
// the input of a client or a schedule. It also says how the effects and timers of the decision ended.
//
// It reads at most 100 decisions back and 10,000 events forward. It reads them one after the other, so they may show different
// moments. If the instance has no events, the error is *UnknownInstance; if it has not reached the version, *UnknownVersion.
func (e *Engine) Why(ctx context.Context, instance InstanceKey, version int64) (*Explanation, error) {
	if _, _, err := e.known(instance.Workflow, instance.ID); err != nil {
		return nil, err
	}
	return e.admin.Why(ctx, instance, version)
}

// WhyDelivery explains an effect or timer that waits, is a dead letter, or is done: which decisions led to it, and how it ended.
// The Token of the lease is ignored, so you can pass the lease of a WaitingDelivery or DeadLetter, or what ParseIdempotencyKey
// returns. If no stored decision requested the delivery, the error is *UnknownDelivery.
func (e *Engine) WhyDelivery(ctx context.Context, delivery Lease) (*Explanation, error) {
	if !delivery.OfSchedule() {
		if _, _, err := e.known(delivery.Instance.Workflow, delivery.Instance.ID); err != nil {
			return nil, err
		}
	}
	return e.admin.WhyDelivery(ctx, delivery)
}

// ParseIdempotencyKey returns the effect that an EffectCall.IdempotencyKey names, to pass to WhyDelivery.
func ParseIdempotencyKey(key string) (Lease, error) { return admin.ParseIdempotencyKey(key) }

// DeadLetters lists dead letters of effects and timers, the newest first. It includes workflows that are not registered with the engine.
// An index finds dead letters by the time of death. The other parts of the filter are applied to each dead letter of that time.
func (e *Engine) DeadLetters(ctx context.Context, query DeadLetterQuery) (Page[store.DeadLetter], error) {
	return e.admin.DeadLetters(ctx, query)
}

// CountDeadLetters counts dead letters by queue and kind. It reads all dead letters that the filter accepts.
func (e *Engine) CountDeadLetters(ctx context.Context, filter DeadLetterFilter) ([]store.DeadLetterCount, error) {
	return e.admin.CountDeadLetters(ctx, filter)
}

// RetryDeadLetters makes dead letters due at once, with the full number of attempts again. An effect keeps its idempotency key.
// It returns the leases that are not dead letters any more: they were retried or discarded before, or their instance replaced the
// timer or completed.
func (e *Engine) RetryDeadLetters(ctx context.Context, letters ...Lease) (gone []Lease, err error) {
	return e.admin.RetryDeadLetters(ctx, letters...)
}

// RetryDeadLettersWhere retries all dead letters that a filter accepts and returns how many. It leaves out dead letters that
// their instances were told of, unless DeadLetterFilter.Told selects these: the workflow has dealt with them already. Each is
// retried once, even if it becomes a dead letter again meanwhile. After an error, the dead letters before it have been retried.
func (e *Engine) RetryDeadLettersWhere(ctx context.Context, filter DeadLetterFilter) (retried int, err error) {
	return e.admin.RetryDeadLettersWhere(ctx, filter)
}

// DiscardDeadLetters deletes dead letters and stores a record of each, with the reason, which must not be empty. DiscardedLetters
// lists these records. It returns the leases that are not dead letters any more.
//
// The instances receive no input: an instance that waits for the result keeps waiting.
func (e *Engine) DiscardDeadLetters(ctx context.Context, discard Discard, letters ...Lease) (gone []Lease, err error) {
	return e.admin.DiscardDeadLetters(ctx, discard, letters...)
}

// DiscardDeadLettersWhere discards all dead letters that a filter accepts and returns how many. An empty filter is an error.
// After an error, the dead letters before it have been discarded.
func (e *Engine) DiscardDeadLettersWhere(ctx context.Context, discard Discard, filter DeadLetterFilter) (discarded int, err error) {
	return e.admin.DiscardDeadLettersWhere(ctx, discard, filter)
}

// DiscardedLetters lists the records of discarded dead letters, the newest first.
func (e *Engine) DiscardedLetters(ctx context.Context, query DiscardedQuery) (Page[store.DiscardedLetter], error) {
	return e.admin.DiscardedLetters(ctx, query)
}

// PauseWorkflow pauses a workflow until ResumeWorkflow: no process on this store claims its effects, timers and schedules.
// Deliveries that were claimed before are finished. With Pause.RefuseInputs, inputs of clients fail with *WorkflowPaused: in this
// process at once, in others within Config.PollInterval. Pause.At is set to the current time.
//
// The pause is stored, so it lasts when this process ends.
func (e *Engine) PauseWorkflow(ctx context.Context, pause Pause) error {
	if _, err := e.workflow(pause.Workflow); err != nil {
		return err
	}
	return e.admin.PauseWorkflow(ctx, pause)
}

// ResumeWorkflow ends the pause of a workflow. Deliveries that became due meanwhile are delivered now. If the workflow is not
// paused, nothing changes.
func (e *Engine) ResumeWorkflow(ctx context.Context, workflow string) error {
	if _, err := e.workflow(workflow); err != nil {
		return err
	}
	return e.admin.ResumeWorkflow(ctx, workflow)
}

// PausedWorkflows returns the paused workflows, sorted by name. It includes workflows that are not registered with this engine.
func (e *Engine) PausedWorkflows(ctx context.Context) ([]Pause, error) {
	return e.admin.PausedWorkflows(ctx)
}

// Schedules lists the schedules of a workflow, or of all workflows for an empty name, by workflow and name.
func (e *Engine) Schedules(ctx context.Context, workflow string) ([]admin.Schedule, error) {
	return e.admin.Schedules(ctx, workflow)
}

// PauseSchedule stops a schedule until ResumeSchedule, in all processes.
func (e *Engine) PauseSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.PauseSchedule(ctx, workflow, name)
}

// ResumeSchedule ends the pause of a schedule.
func (e *Engine) ResumeSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.ResumeSchedule(ctx, workflow, name)
}

// TriggerSchedule makes a schedule fire now.
func (e *Engine) TriggerSchedule(ctx context.Context, workflow, name string) error {
	return e.admin.TriggerSchedule(ctx, workflow, name)
}

// maxBackfill is how many firings one call makes.
const maxBackfill = 10_000

// BackfillSchedule sends the input of a schedule for each of its regular times from a time until before another one, the oldest first, and
// returns how many were accepted. There may be 10,000 of them. The id of each input follows from the schedule and the time: so after an
// error, call it again, and no time is decided twice. The schedule itself is not changed.
//
// The operator of the context is stored with each decision, and in the audit log. For an unknown name the error is *admin.UnknownSchedule.
func (e *Engine) BackfillSchedule(ctx context.Context, workflow, name string, from, until time.Time) (accepted int, err error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return 0, err
	}
	operator := store.OperatorOf(ctx)
	operator.By = cmp.Or(operator.By, e.config.Name)
	if err := cmp.Or(store.CheckArgument("the operator", operator), bound.Need[store.AuditLog](e.store, "BackfillSchedule"),
		bound.Need[store.InputLog](e.store, "BackfillSchedule")); err != nil {
		return 0, err
	}
	unknown := &admin.UnknownSchedule{Workflow: workflow, Name: name}
	for _, s := range w.Schedules() {
		if s.Name != name {
			unknown.Known = append(unknown.Known, s.Name)
			continue
		}
		var times []time.Time
		firings := w.Scheduled(name)
		for at := firings.After(from.Add(-time.Nanosecond)); !at.IsZero() && at.Before(until); at = firings.After(at) {
			if times = append(times, at); len(times) > maxBackfill {
				return 0, fmt.Errorf("ironflow: schedule %s of workflow %s has more than %d times from %v until %v", name, workflow, maxBackfill, from, until)
			}
		}
		record := store.Audited(ctx, store.AuditRecord{
			At: store.StoredTime(e.config.Clock.Now()), By: operator.By, Operation: store.OpBackfillSchedule, Workflow: workflow, Input: s.Input,
			Target:   fmt.Sprintf("%s from %s until %s", name, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)),
			Revision: 1,
		})
		if err := e.store.RecordAudit(ctx, record); err != nil {
			return 0, err
		}
		for _, at := range times {
			in, err := delivery.Firing(w, s, at)
			if err != nil {
				return accepted, err
			}
			result, err := e.execute(ctx, commit.Request{
				Workflow: w, Input: in, Operator: operator, Action: true, InputID: fmt.Sprintf("schedule/%s/%s", name, at.UTC().Format(time.RFC3339)),
			})
			if err != nil {
				return accepted, err
			}
			if result.Kind == commit.Accepted {
				accepted++
			}
		}
		record.Count, record.EndedAt, record.Revision = int64(accepted), store.StoredTime(e.config.Clock.Now()), 2
		return accepted, e.store.RecordAudit(ctx, record)
	}
	return 0, unknown
}

// PlanInput asks the decider what an input of an operator would lead to now, and stores nothing. The errors are those of ExecuteDynamic. If the
// instance does not exist, the error is *UnknownInstance. If the workflow is not registered, the error is also errors.ErrUnsupported.
func (e *Engine) PlanInput(ctx context.Context, input admin.OperatorInput) (p admin.PlannedInput, err error) {
	w, prepared, err := e.operatorInput(input)
	if err != nil {
		return p, err
	}
	planned, err := e.executor.Plan(ctx, commit.Request{Workflow: w, Input: prepared})
	if err == nil && planned.Kind == commit.Missing {
		err = &UnknownInstance{Instance: input.Instance}
	}
	return admin.PlannedInput{
		Outcome: string(planned.Kind), Status: planned.Status, Next: planned.Next, Completes: planned.Completes,
		Events: planned.Events, Effects: planned.Effects, Rejection: planned.Rejection,
	}, err
}

// SendInput is ExecuteDynamicAs for an input that an operator sends to an instance that exists, with AsOperator and WithInputID. If the
// instance does not exist, the error is *UnknownInstance. If the workflow is not registered, the error is also errors.ErrUnsupported.
func (e *Engine) SendInput(ctx context.Context, input admin.OperatorInput) (Outcome[Encoded, Encoded], error) {
	w, prepared, err := e.operatorInput(input)
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	result, err := e.execute(ctx, commit.Request{Workflow: w, Input: prepared, To: commit.OldInstance(0)},
		AsOperator(input.By, input.Reason), WithInputID(input.ID))
	if err == nil && result.Kind == commit.Missing {
		err = &UnknownInstance{Instance: input.Instance}
	}
	if err == nil {
		result, err = encoded(w, result)
	}
	if err != nil {
		return Outcome[Encoded, Encoded]{}, err
	}
	return typedOutcome[Encoded, Encoded](result)
}

// operatorInput reads an input of an operator, which must name its instance.
func (e *Engine) operatorInput(input admin.OperatorInput) (*Workflow, workflow.PreparedInput, error) {
	w, err := e.workflow(input.Instance.Workflow)
	if err != nil {
		return nil, workflow.PreparedInput{}, fmt.Errorf("%w (%w)", err, errors.ErrUnsupported)
	}
	prepared, err := e.readDynamic(w, input.Input, input.Fields)
	if err == nil && prepared.Instance != input.Instance.ID {
		err = &InvalidArgument{Argument: "OperatorInput.Fields", Problem: fmt.Sprintf("names the instance %q instead of %q", prepared.Instance, input.Instance.ID)}
	}
	return w, prepared, err
}
