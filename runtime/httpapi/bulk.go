package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/bulk"
)

// BulkRequest asks the handler of NewOperatorHandler to send one input to many instances, see runtime.Bulk. The caller is Bulk.By, and the
// header Ironflow-Reason is Bulk.Reason.
type BulkRequest struct {
	ID     string          `json:"id"`
	Fields json.RawMessage `json:"fields"` // all fields of the input; the id is empty

	Status        string    `json:"status,omitzero"` // only instances in this status
	CreatedFrom   time.Time `json:"created_from,omitzero"`
	CreatedBefore time.Time `json:"created_before,omitzero"`
	UpdatedFrom   time.Time `json:"updated_from,omitzero"`
	UpdatedBefore time.Time `json:"updated_before,omitzero"`

	Rate float64 `json:"rate,omitzero"` // inputs a second at most; 0 means no limit

	// Plan asks what the input would lead to, and stores nothing. Limit is how many instances are asked, the newest first; 0 means all of them.
	Plan  bool `json:"plan,omitzero"`
	Limit int  `json:"limit,omitzero"`
}

// BulkProgress is a line of the answer to a BulkRequest: how far the run is. The last line has Ended or Failed. After Failed, or without such a
// line, send the request again: the run goes on.
type BulkProgress struct {
	runtime.BulkReport
	Ended  bool   `json:"ended,omitzero"`
	Failed *Error `json:"failed,omitempty"`
}

// bulk does a bulk run while the client reads its progress.
func (h *handler) bulk(w http.ResponseWriter, r *http.Request, input Input, body []byte, run runtime.Bulk) {
	var request BulkRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		h.fail(w, &Error{Status: http.StatusBadRequest, Code: MalformedJSON, Message: "the body must be the JSON of a bulk run: " + err.Error()})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	lines := make(chan BulkProgress)
	send := func(line BulkProgress) {
		select {
		case lines <- line:
		case <-ctx.Done():
		}
	}
	run.ID, run.Rate, run.Input = request.ID, request.Rate, runtime.Encoded{Type: input.Name, Payload: request.Fields}
	run.Filter = runtime.InstanceFilter{
		Workflow: h.workflow.Name, Status: request.Status, CreatedFrom: request.CreatedFrom, CreatedBefore: request.CreatedBefore,
		UpdatedFrom: request.UpdatedFrom, UpdatedBefore: request.UpdatedBefore,
	}
	run.Progressed = func(report runtime.BulkReport) { send(BulkProgress{BulkReport: report}) }
	var failure error
	go func() {
		defer close(lines)
		var report runtime.BulkReport
		if request.Plan {
			report, failure = h.engine.PlanBulk(ctx, run, request.Limit)
		} else {
			report, failure = h.engine.RunBulk(ctx, run)
		}
		if failure == nil {
			send(BulkProgress{BulkReport: report, Ended: true})
		}
	}()

	stream := eventStream{w: w, control: http.NewResponseController(w)}
	begun := false
	write := func(text string) {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no") // nginx would hold lines back
			w.WriteHeader(http.StatusOK)
		}
		if !stream.send(text) {
			cancel()
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			write("\n")
		case line, more := <-lines:
			switch {
			case more:
				write(oneLine(line) + "\n")
			case ctx.Err() != nil, failure == nil:
				return
			case begun:
				write(oneLine(BulkProgress{Failed: bulkFailure(body, failure)}) + "\n")
				return
			default:
				if refused := bulkRefusal(failure); refused != nil {
					h.fail(w, refused)
				} else {
					h.operatorFailed(w, r, Input{}, body, failure)
				}
				return
			}
		}
	}
}

// bulkFailure describes an error of a run that has begun.
func bulkFailure(body []byte, err error) *Error {
	if refused := bulkRefusal(err); refused != nil {
		return refused
	}
	return answerTo(Input{}, body, err)
}

// bulkRefusal describes an error that is about other runs; nil for any other error.
func bulkRefusal(err error) *Error {
	mismatch, taken := (*bulk.Mismatch)(nil), (*bulk.TakenOver)(nil)
	switch {
	case errors.As(err, &mismatch):
		return &Error{Status: http.StatusUnprocessableEntity, Code: IdempotencyKeyReused, Message: mismatch.Error()}
	case errors.As(err, &taken):
		return &Error{Status: http.StatusConflict, Code: RunTakenOver, Message: taken.Error()}
	}
	return nil
}
