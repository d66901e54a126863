package runtime

import (
	"context"
	"time"
)

// startInput returns how the end of an input is reported, nil for not at all.
func startInput(ctx context.Context, to Telemetry, req *request) func(result, error) {
	if to == nil {
		return nil
	}
	begin := time.Now()
	start := InputStart{Instance: req.key(), Input: req.input.name, InputID: req.inputID, Trace: req.trace}
	if req.arrival != nil {
		start.Delivery = &req.arrival.Delivery
	}
	trace, end := to.StartInput(ctx, start)
	if trace != "" {
		req.trace = trace
	}
	if end == nil {
		return nil
	}
	return func(r result, err error) {
		report := InputEnd{Duration: time.Since(begin), Err: err}
		if err == nil {
			report.Outcome, report.Version, report.Events, report.Repeated = reportedOutcome(r.kind), r.version, len(r.events), r.repeated
		}
		end(report)
	}
}

// reportedOutcome is the name of an outcome in reports.
func reportedOutcome(kind outcomeKind) string {
	switch kind {
	case existed: // the child that was to be started
		return "existed"
	case missing: // the instance that was to hear of something
		return "missing"
	case replaced: // by another of the same id
		return "replaced"
	}
	return outcomeNames[kind]
}
