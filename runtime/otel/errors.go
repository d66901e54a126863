package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Outcomes: failed is that of all that ended with an error, the others are of transactions; lost is that of a projection only.
const (
	failed   = "error"
	stored   = "stored"
	conflict = "conflict"
	lost     = "lost"
)

func outcomeOf(err error) attribute.KeyValue {
	switch {
	case err == nil:
		return attribute.String(Outcome, stored)
	case errors.Is(err, store.ErrConflict):
		return attribute.String(Outcome, conflict)
	default:
		return attribute.String(Outcome, failed)
	}
}

// fail marks a span as failed.
func fail(span trace.Span, err error) {
	if span.IsRecording() {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(attribute.String(ErrorType, errorType(err)))
	}
}

// other is what the semantic conventions call an error without a type of its own.
const other = "_OTHER"

// errorTypes tell errors apart in as many words as a metric can have. A panic comes first, and what the engine says before what it may
// have come from.
var errorTypes = []struct {
	name string
	is   func(error) bool
}{
	{"panic", is[*runtime.PanicError]},
	{"workflow_paused", is[*runtime.WorkflowPaused]},
	{"unique_key_conflict", is[*runtime.UniqueKeyConflict]},
	{"input_id_reused", is[*runtime.InputIDReused]},
	{"payload_too_large", is[*runtime.PayloadTooLarge]},
	{"invalid_identifier", is[*runtime.InvalidIdentifier]},
	{"unknown_event", is[*runtime.UnknownEvent]},
	{"unfinished", is[*runtime.Unfinished]},
	{"lease_lost", is[*store.LeaseLost]},
	{"outcome_unknown", isOf(runtime.ErrOutcomeUnknown)},
	{conflict, isOf(store.ErrConflict)},
	{"timeout", isOf(context.DeadlineExceeded)},
	{"canceled", isOf(context.Canceled)},
}

// errorType returns the type of an error, "" for none.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	for _, t := range errorTypes {
		if t.is(err) {
			return t.name
		}
	}
	return other
}

func isOf(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
