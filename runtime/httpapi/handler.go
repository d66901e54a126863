package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Workflow has what a handler needs to know about a declaration. Generated code fills it in.
type Workflow struct {
	Name    string
	Inputs  []Input           // inputs that clients may send; the handler knows no others
	Machine *workflow.Machine // nil for a workflow without states
	OpenAPI string            // JSON
}

// Input is a declared input.
type Input struct {
	Name   string
	ID     string // the field that names the instance
	Unique string // the field that is its unique key; empty for none
}

const (
	// waitLimit is how long a request waits for its turn. After that an overloaded engine answers with 503.
	waitLimit = 30 * time.Second

	// bodyLimit is how long a body may take to arrive. Without it, a client that sends a byte now and then would hold a
	// connection for ever.
	bodyLimit = 30 * time.Second

	// retryAfter is the value of the header Retry-After, in seconds.
	retryAfter = "1"

	// unavailableTimeout is how long a request waits for a store that is unavailable. After that the client can try again.
	unavailableTimeout = 2 * time.Second

	defaultPage, maxPage = 100, 1000
)

type handler struct {
	engines  runtime.Engines
	engine   *runtime.Engine // of a request's instance, or any
	workflow Workflow
	reserved map[string]http.HandlerFunc // by the path segment after the workflow's name; an id may be the same

	bodyLimit time.Duration
}

// NewHandler returns a handler that serves a workflow, which must be registered with the engine or the cells.Router. It does not authenticate
// callers: wrap it in a handler that does. To serve it below another path than the root, use [http.StripPrefix].
//
// A request waits at most 30 seconds for its turn and 2 seconds for a store that is unavailable, or until its context ends. A
// body may have as many bytes as runtime.Config.MaxPayloadBytes. Internal errors are logged with [slog.Default].
func NewHandler(engines runtime.Engines, workflow Workflow) http.Handler {
	h := &handler{engines: engines, engine: engines.AnyEngine(), workflow: workflow, bodyLimit: bodyLimit}
	h.reserved = map[string]http.HandlerFunc{"openapi.json": h.openAPI}
	if workflow.Machine != nil {
		h.reserved["machine"] = h.machine
	}
	return h
}

// ServeHTTP answers requests for unknown paths with an [Error] as well; an http.ServeMux would answer in plain text, or redirect.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(runtime.WithUnavailableTimeout(r.Context(), unavailableTimeout))
	handle, allowed := h.find(r).handler(r.Method)
	switch {
	case handle != nil:
		handle(w, r)
	case allowed != "":
		w.Header().Set("Allow", allowed)
		h.fail(w, &Error{Status: http.StatusMethodNotAllowed, Code: MethodNotAllowed, Message: "this path allows only " + allowed})
	default:
		h.fail(w, &Error{Status: http.StatusNotFound, Code: UnknownPath,
			Message: fmt.Sprintf("there is nothing at this path; the workflow is below /%s", url.PathEscape(h.workflow.Name))})
	}
}

func (h *handler) input(w http.ResponseWriter, r *http.Request) {
	input, ok := h.declared(r.PathValue("input"))
	if !ok {
		h.fail(w, &Error{Status: http.StatusNotFound, Code: UnknownInput,
			Message: fmt.Sprintf("the workflow %s has no input of this name that clients may send", h.workflow.Name)})
		return
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		w.Header().Set("Accept-Post", "application/json")
		h.fail(w, &Error{Status: http.StatusUnsupportedMediaType, Code: UnsupportedMediaType, Message: "send the input as application/json"})
		return
	}
	body, err := h.body(w, r)
	if err != nil {
		h.fail(w, unreadable(err))
		return
	}
	options := []runtime.ExecuteOption{runtime.WithTrace(r.Header.Get("traceparent"))}
	if keys := r.Header.Values("Idempotency-Key"); len(keys) > 0 {
		options = append(options, runtime.WithInputID(strings.Join(keys, ", ")))
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitLimit)
	defer cancel()
	out, err := h.engine.ExecuteDynamicAs(ctx, h.workflow.Name, input.Name, body, options...)
	if err != nil {
		h.failed(w, r, input, body, err)
		return
	}
	h.outcome(w, out)
}

// outcome answers with the outcome of an input.
func (h *handler) outcome(w http.ResponseWriter, out runtime.Outcome[runtime.Encoded, runtime.Encoded]) {
	switch {
	case out.Rejected():
		h.fail(w, &Error{Status: http.StatusConflict, Code: Rejected, Message: "the input was rejected with " + out.Rejection.Type,
			Rejection: &out.Rejection, Version: out.Version})
	case out.AlreadyCompleted():
		h.fail(w, &Error{Status: http.StatusConflict, Code: AlreadyCompleted, Message: "the instance had completed before", Version: out.Version})
	default:
		h.answer(w, http.StatusOK, Accepted{Outcome: "accepted", Version: out.Version, Events: out.Events})
	}
}

// body reads a body within bodyLimit. If the writer cannot set deadlines, as in a test, there is no limit.
func (h *handler) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	bounded := control.SetReadDeadline(time.Now().Add(h.bodyLimit)) == nil
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.engine.MaxPayloadBytes())))
	if bounded && err == nil {
		// Without this the request would end at the deadline. After an error the deadline stays, because the server reads on
		// before it closes the connection.
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

func (h *handler) declared(name string) (Input, bool) {
	for _, in := range h.workflow.Inputs {
		if in.Name == name {
			return in, true
		}
	}
	return Input{}, false
}

// isJSON reports whether a content type is application/json or ends in +json, with any parameters.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// placed handles a request about an instance with the engine that has the instance.
func (h *handler) placed(handle func(*handler, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		engine, err := h.engines.EngineOf(r.Context(), runtime.InstanceKey{Workflow: h.workflow.Name, ID: r.PathValue("id")})
		if err != nil {
			h.failed(w, r, Input{}, nil, err)
			return
		}
		of := *h
		of.engine = engine
		handle(&of, w, r)
	}
}

func (h *handler) state(w http.ResponseWriter, r *http.Request) {
	version, given, err := number(r, "version", 0)
	if err != nil {
		h.fail(w, err)
		return
	}
	var view runtime.View[json.RawMessage]
	var failure error
	if given {
		view, failure = h.engine.StateAtDynamic(r.Context(), h.workflow.Name, r.PathValue("id"), version)
	} else {
		view, failure = h.engine.StateDynamic(r.Context(), h.workflow.Name, r.PathValue("id"))
	}
	if failure != nil {
		h.failed(w, r, Input{}, nil, failure)
		return
	}
	h.answer(w, http.StatusOK, State{view.State, view.Version, view.Completed, view.LastEventAt})
}

func (h *handler) history(w http.ResponseWriter, r *http.Request) {
	after, _, err := number(r, "after", 0)
	if err != nil {
		h.fail(w, err)
		return
	}
	limit, _, err := number(r, "limit", defaultPage)
	if err == nil && (limit < 1 || limit > maxPage) {
		err = &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: fmt.Sprintf("limit must be from 1 to %d", maxPage)}
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	key := runtime.InstanceKey{Workflow: h.workflow.Name, ID: r.PathValue("id")}
	events, more, failure := h.engine.HistoryPage(r.Context(), key, after, int(limit))
	if failure != nil {
		h.failed(w, r, Input{}, nil, failure)
		return
	}
	page := History{Events: make([]RecordedEvent, 0, len(events)), More: more}
	for _, e := range events {
		page.Events = append(page.Events, RecordedEvent{e.Event, e.Version, e.GlobalSequence, e.RecordedAt})
	}
	h.answer(w, http.StatusOK, page)
}

// number reads a number from the query.
func number(r *http.Request, name string, otherwise int64) (n int64, given bool, err *Error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, false, nil
	}
	n, parseErr := strconv.ParseInt(text, 10, 64)
	if parseErr != nil || n < 0 {
		return 0, true, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: name + " must be a whole number of at least 0"}
	}
	return n, true, nil
}

const mermaidType = "text/vnd.mermaid"

func (h *handler) machine(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	format := r.URL.Query().Get("format")
	if format == "" && prefers(r.Header.Get("Accept"), mermaidType) {
		format = "mermaid"
	}
	switch format {
	case "", "json":
		h.answer(w, http.StatusOK, machineOf(h.workflow.Machine))
	case "mermaid":
		h.write(w, http.StatusOK, mermaidType+"; charset=utf-8", []byte(h.workflow.Machine.Mermaid()))
	default:
		h.fail(w, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: `format must be "json" or "mermaid"`})
	}
}

// prefers reports whether an Accept header names a media type before JSON.
func prefers(accept, media string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case media:
			return true
		case "application/json", "*/*", "application/*":
			return false
		}
	}
	return false
}

func (h *handler) openAPI(w http.ResponseWriter, _ *http.Request) {
	h.write(w, http.StatusOK, "application/json", []byte(h.workflow.OpenAPI))
}

func (h *handler) fail(w http.ResponseWriter, err *Error) {
	if err.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	h.answer(w, err.Status, err)
}

func (h *handler) answer(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // it adds a line end
	encoder.SetEscapeHTML(false)      // escaping would turn one byte into six
	if err := encoder.Encode(body); err != nil {
		slog.Error("ironflow: an answer over HTTP could not be written as JSON", "workflow", h.workflow.Name, "error", err)
		status = http.StatusInternalServerError
		text.Reset()
		text.WriteString(`{"error":"internal","message":"something went wrong"}` + "\n")
	}
	h.write(w, status, "application/json", text.Bytes())
}

func (h *handler) write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
}

// unreadable says why a body could not be read.
func unreadable(err error) *Error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: TooLarge,
			Message: fmt.Sprintf("the input may have at most %d bytes", tooLarge.Limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{Status: http.StatusRequestTimeout, Code: RequestTimeout, Message: "the body took too long"}
	}
	return &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: "the body could not be read to its end"}
}
