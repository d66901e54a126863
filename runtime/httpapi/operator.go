package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ReasonHeader is the header in which an operator says why an input is sent. In it, characters other than printable ASCII are written
// as %XX, as in a URL.
const ReasonHeader = "Ironflow-Reason"

// NewOperatorHandler returns a handler through which operators send inputs to the workflows of an engine, also those whose declaration says
// "from: operator". It serves POST /WORKFLOW/inputs/INPUT, as the handler of NewHandler does for clients, and needs the header
// Ironflow-Reason. "ironflow send" is its client. It serves POST /WORKFLOW/bulk/INPUT for one input to many instances: the body is a BulkRequest, and
// the answer has a BulkProgress on each line. "ironflow bulk" is its client. It serves POST /WORKFLOW/plan/INPUT, which says what an input would lead to and
// stores nothing: the body is a PlanRequest, and the answer an admin.PlannedInput. The console of "ironflow console" is its client.
//
// authorize says who the caller is, such as from a token, a client certificate or the headers of a proxy. For a caller that it does not know,
// it returns an error or an empty name, and the answer has status 403. The name is stored with each decision, and in the audit log.
func NewOperatorHandler(engine *runtime.Engine, authorize func(*http.Request) (by string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := &handler{engine: engine, bodyLimit: bodyLimit}
		by, err := authorize(r)
		if err != nil || strings.TrimSpace(by) == "" {
			h.fail(w, &Error{Status: http.StatusForbidden, Code: Forbidden, Message: "the caller is not known as an operator"})
			return
		}
		segments := strings.Split(r.URL.EscapedPath(), "/")
		if len(segments) != 4 || segments[0] != "" || !slices.Contains([]string{"inputs", "bulk", "plan"}, segments[2]) || unescaped(segments[1]) == "" || unescaped(segments[3]) == "" {
			h.fail(w, &Error{Status: http.StatusNotFound, Code: UnknownPath,
				Message: "there is nothing at this path; inputs are sent to /WORKFLOW/inputs/INPUT, planned by /WORKFLOW/plan/INPUT, and sent to many instances by /WORKFLOW/bulk/INPUT"})
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			h.fail(w, &Error{Status: http.StatusMethodNotAllowed, Code: MethodNotAllowed, Message: "this path allows only " + http.MethodPost})
			return
		}
		reason, err := url.PathUnescape(r.Header.Get(ReasonHeader))
		if err != nil || strings.TrimSpace(reason) == "" {
			h.fail(w, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: "the header " + ReasonHeader + " must say why the input is sent"})
			return
		}
		h.workflow.Name = unescaped(segments[1])
		r = r.WithContext(runtime.WithUnavailableTimeout(r.Context(), unavailableTimeout))
		if !isJSON(r.Header.Get("Content-Type")) {
			w.Header().Set("Accept-Post", "application/json")
			h.fail(w, &Error{Status: http.StatusUnsupportedMediaType, Code: UnsupportedMediaType, Message: "send the input as application/json"})
			return
		}
		body, err := h.body(w, r)
		switch input := (Input{Name: unescaped(segments[3])}); {
		case err != nil:
			h.fail(w, unreadable(err))
		case segments[2] == "bulk":
			h.bulk(w, r, input, body, runtime.Bulk{By: by, Reason: reason})
		case segments[2] == "plan":
			h.plan(w, r, input, body)
		default:
			h.operatorInput(w, r, input, body, runtime.AsOperator(by, reason))
		}
	})
}

func (h *handler) operatorInput(w http.ResponseWriter, r *http.Request, input Input, body []byte, operator runtime.ExecuteOption) {
	options := []runtime.ExecuteOption{operator, runtime.WithTrace(r.Header.Get("traceparent"))}
	if keys := r.Header.Values("Idempotency-Key"); len(keys) > 0 {
		options = append(options, runtime.WithInputID(strings.Join(keys, ", ")))
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitLimit)
	defer cancel()
	out, err := h.engine.ExecuteDynamicAs(ctx, h.workflow.Name, input.Name, body, options...)
	if err != nil {
		h.operatorFailed(w, r, input, body, err)
		return
	}
	h.outcome(w, out)
}

// PlanRequest asks the handler of NewOperatorHandler what an input would lead to.
type PlanRequest struct {
	Instance string          `json:"instance"` // its id
	Fields   json.RawMessage `json:"fields"`   // all fields of the input
}

func (h *handler) plan(w http.ResponseWriter, r *http.Request, input Input, body []byte) {
	var request PlanRequest
	if err := json.Unmarshal(body, &request); err != nil {
		h.fail(w, &Error{Status: http.StatusBadRequest, Code: MalformedJSON, Message: "the body must be the JSON of a plan: " + err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitLimit)
	defer cancel()
	planned, err := h.engine.PlanInput(ctx, admin.OperatorInput{
		Instance: store.InstanceKey{Workflow: h.workflow.Name, ID: request.Instance}, Input: input.Name, Fields: request.Fields,
	})
	if err != nil {
		h.operatorFailed(w, r, input, request.Fields, err)
		return
	}
	h.answer(w, http.StatusOK, planned)
}

// operatorFailed answers with an error. Input and body are those of an input; empty for a bulk run.
func (h *handler) operatorFailed(w http.ResponseWriter, r *http.Request, input Input, body []byte, err error) {
	unknown, wrong := (*runtime.UnknownWorkflow)(nil), (*runtime.InvalidArgument)(nil)
	switch {
	case errors.As(err, &unknown):
		h.fail(w, &Error{Status: http.StatusNotFound, Code: UnknownPath, Message: fmt.Sprintf("this program has no workflow %q", unknown.Workflow)})
	case errors.As(err, &wrong):
		h.fail(w, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: wrong.Error()})
	default:
		h.failed(w, r, input, body, err)
	}
}
