package runtime

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/bulk"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Bulk describes one input to many instances.
type Bulk struct {
	// ID names the run, in at most 200 bytes. A run that ended early goes on when it is started again with the same ID, filter and input, by
	// any process. A run that has ended is not repeated.
	ID string

	By, Reason string // who starts the run, and why; neither may be empty

	// Filter selects active instances; its Workflow must be set. Instances that are created after the run began are left out.
	Filter InstanceFilter

	// Input is the input, such as order.Cancel{Reason: "the shop closed"}, or an Encoded with its name and all its fields. Leave its id empty: each
	// instance gets it with its own.
	Input any

	Rate        float64                 // inputs a second at most; 0 means no limit
	Concurrency int                     // inputs on their way at once. Default: 64
	Progressed  func(report BulkReport) // is called after every 500 instances; nil for none
}

// BulkReport says what a bulk run has done, or would do: how many instances were Sent the input, and in Groups what it led to. An outcome is
// accepted, rejected, completed (the instance had completed before), missing (it was deleted before), or failed with an error.
type BulkReport = bulk.Report

// RunBulk sends an input to all active instances that a filter accepts, and returns when all have decided. Each instance decides once, however
// often the run is interrupted and started again: the id of the input follows from Bulk.ID. So outcomes of inputs must be kept for longer
// than a run takes, see Retention.InputOutcomes.
//
// The audit log has one record of the run, with its progress and the number of instances that accepted the input. The decisions are stored
// with Bulk.By and Bulk.Reason. Failures of single instances, such as a panic of the decider, are counted in the report. If the store
// fails, a workflow refuses inputs, or ctx ends, RunBulk returns the error; start the run again later. If another process has started the
// run again meanwhile, the error says so. Call PlanBulk first.
func (e *Engine) RunBulk(ctx context.Context, b Bulk) (BulkReport, error) {
	r, err := e.bulkRun(b)
	if err != nil {
		return BulkReport{}, fmt.Errorf("ironflow: bulk run %q: %w", b.ID, err)
	}
	if e.readOnly {
		return BulkReport{}, ErrReadOnly
	}
	return r.Do(ctx)
}

// PlanBulk asks the decider what RunBulk would lead to, and stores nothing. The groups of the report have the status of the instances, and the
// events, effects or rejection. limit is how many instances are asked, the newest first; 0 means all of them.
func (e *Engine) PlanBulk(ctx context.Context, b Bulk, limit int) (BulkReport, error) {
	r, err := e.bulkRun(b)
	if err == nil && limit < 0 {
		err = &store.InvalidArgument{Argument: "limit", Problem: "must not be negative"}
	}
	if err != nil {
		return BulkReport{}, fmt.Errorf("ironflow: bulk run %q: %w", b.ID, err)
	}
	return r.Dry(ctx, limit)
}

const maxBulkID = 200

// bulkRun checks a run.
func (e *Engine) bulkRun(b Bulk) (*bulk.Run, error) {
	w, err := e.workflow(b.Filter.Workflow)
	if err != nil {
		return nil, err
	}
	b.Filter.Activity = cmp.Or(b.Filter.Activity, store.OnlyActive)
	switch {
	case b.ID == "" || len(b.ID) > maxBulkID:
		return nil, &store.InvalidArgument{Argument: "Bulk.ID", Problem: fmt.Sprintf("must have 1 to %d bytes", maxBulkID)}
	case strings.TrimSpace(b.By) == "" || strings.TrimSpace(b.Reason) == "":
		return nil, &store.InvalidArgument{Argument: "Bulk.By and Bulk.Reason", Problem: "must say who starts the run, and why"}
	case b.Filter.Activity != store.OnlyActive:
		return nil, &store.InvalidArgument{Argument: "Bulk.Filter.Activity", Problem: "must be active: completed instances accept no input"}
	case !(b.Rate >= 0) || b.Concurrency < 0: // not a number, either
		return nil, &store.InvalidArgument{Argument: "Bulk.Rate and Bulk.Concurrency", Problem: "must be numbers that are not negative"}
	}
	for _, value := range []any{b.ID, b.By, b.Reason, b.Filter} {
		if err := store.CheckArgument("Bulk", value); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(bound.Need[store.AuditLog](e.store, "a bulk run"), bound.Need[store.InputLog](e.store, "a bulk run"),
		bound.Need[store.Inspection](e.store, "a bulk run")); err != nil {
		return nil, err
	}
	if fields, is := b.Input.(Encoded); is {
		if b.Input, err = bulkInput(w, fields); err != nil {
			return nil, err
		}
	}
	// The input without an id is what all instances have in common.
	sample, err := w.Addressed(b.Input, "any")
	if err != nil {
		return nil, fmt.Errorf("Bulk.Input: %w", err)
	}
	prepared, err := w.Prepare(sample)
	if err != nil {
		return nil, err
	}
	encoded, err := w.EncodeInput(prepared.Value)
	if err != nil {
		return nil, err
	}
	request := func(id string) (commit.Request, error) {
		in, err := w.Prepare(w.WithID(b.Input, id))
		return commit.Request{
			Workflow: w, Input: in, To: commit.OldInstance(0), Operator: store.Operator{By: b.By, Reason: b.Reason}, Action: true,
		}, err
	}
	sum := sha256.Sum256(encoded.Payload)
	return &bulk.Run{
		ID: b.ID, By: b.By, Reason: b.Reason, Filter: b.Filter, Input: prepared.Name, Digest: hex.EncodeToString(sum[:]),
		Rate: b.Rate, Concurrency: cmp.Or(b.Concurrency, 64), Store: e.store, Clock: e.config.Clock, Progressed: b.Progressed,
		Send: func(ctx context.Context, id, inputID string) (bulk.Answer, error) {
			req, err := request(id)
			if err != nil {
				return bulk.Answer{}, err
			}
			req.InputID = inputID
			result, err := e.execute(ctx, req)
			if err != nil {
				return bulk.Answer{}, err
			}
			return bulkAnswer(w, result)
		},
		Plan: func(ctx context.Context, i store.InstanceSummary) (bulk.Answer, error) {
			req, err := request(i.Key.ID)
			if err != nil {
				return bulk.Answer{Status: i.Status}, err
			}
			p, err := e.executor.Plan(ctx, req)
			return bulk.Answer{
				Status: cmp.Or(p.Status, i.Status), Outcome: string(p.Kind), Events: typesOf(p.Events), Effects: typesOf(p.Effects), Rejection: p.Rejection.Type,
			}, err
		},
		Fatal: func(err error) bool {
			paused := (*WorkflowPaused)(nil)
			timeout := (*StoreTimeout)(nil)
			_, failed := usererr.OwnAs[*bound.StoreError](err)
			return failed || bound.IsUnavailable(err) || errors.Is(err, ErrOutcomeUnknown) || errors.As(err, &paused) || errors.As(err, &timeout)
		},
	}, nil
}

// bulkInput reads an input whose id is empty.
func bulkInput(w *Workflow, fields Encoded) (any, error) {
	prepared, mistakes := workflow.ReadDynamic(w, fields.Type, fields.Payload)
	mistakes = slices.DeleteFunc(mistakes, func(err error) bool {
		id, is := errors.AsType[*InvalidIdentifier](err)
		return is && id.What == store.InstanceID && prepared.Instance == ""
	})
	switch {
	case len(mistakes) > 0:
		return nil, &InvalidInput{Workflow: w.Name(), Input: prepared.Name, Mistakes: mistakes}
	case prepared.Instance != "":
		return nil, &InvalidArgument{Argument: "Bulk.Input", Problem: fmt.Sprintf("names the instance %q; leave its id empty, because each instance gets it with its own", prepared.Instance)}
	}
	return prepared.Value, nil
}

func typesOf(encoded []Encoded) (types []string) {
	for _, e := range encoded {
		types = append(types, e.Type)
	}
	return types
}

// bulkAnswer is what became of an input, in names.
func bulkAnswer(w *workflow.Workflow, r commit.Result) (a bulk.Answer, err error) {
	a.Outcome = string(r.Kind)
	for _, event := range r.Events {
		encoded, err := w.EncodeEvent(event)
		if err != nil {
			return a, err
		}
		a.Events = append(a.Events, encoded.Type)
	}
	if r.Kind == commit.Rejected {
		encoded, err := w.EncodeRejection(r.Rejection)
		if err != nil {
			return a, err
		}
		a.Rejection = encoded.Type
	}
	a.Events = slices.Clip(a.Events)
	return a, nil
}
