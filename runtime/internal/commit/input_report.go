package commit

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// StartInput returns how the end of an input is reported, nil for not at all.
func StartInput(ctx context.Context, to telemetry.Telemetry, req *Request) func(Result, error) {
	if to == nil {
		return nil
	}
	begin := time.Now()
	start := telemetry.InputStart{Instance: req.Key(), Input: req.Input.Name, InputID: req.InputID, Trace: req.Trace}
	if req.Arrival != nil {
		start.Delivery = &req.Arrival.Delivery
	}
	trace, end := to.StartInput(ctx, start)
	if trace != "" {
		req.Trace = trace
	}
	if end == nil {
		return nil
	}
	return func(r Result, err error) {
		report := telemetry.InputEnd{Duration: time.Since(begin), Err: err}
		if err == nil {
			report.Outcome, report.Version, report.Events, report.Repeated = string(r.Kind), r.Version, len(r.Events), r.repeated
		}
		end(report)
	}
}
