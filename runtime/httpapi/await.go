package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

const (
	// awaitTimeout is how long a request waits unless it says otherwise, and maxAwait the longest that it can ask for.
	awaitTimeout, maxAwait = 30 * time.Second, 5 * time.Minute

	// writeLimit is how long a client may take to receive what is written to it.
	writeLimit = 30 * time.Second

	// heartbeat is how often a stream of events without events has a comment, so that proxies keep the connection.
	heartbeat = 15 * time.Second
)

// await answers with the state when the instance is as the query says, or with 204 when it is not so in time.
func (h *handler) await(w http.ResponseWriter, r *http.Request) {
	until, timeout, err := untilOf(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	// The server's WriteTimeout counts from the request on. A writer that cannot set deadlines has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeLimit))
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	view, failure := h.engine.AwaitDynamic(ctx, h.workflow.Name, r.PathValue("id"), until)
	_, unavailable := errors.AsType[*runtime.Unavailable](failure)
	switch {
	case failure == nil:
		h.answer(w, http.StatusOK, State{view.State, view.Version, view.Completed, view.LastEventAt})
	case ctx.Err() != nil && !unavailable:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.failed(w, r, Input{}, nil, failure)
	}
}

// untilOf reads what a request waits for, and how long.
func untilOf(r *http.Request) (until runtime.Until, timeout time.Duration, err *Error) {
	query := r.URL.Query()
	seconds, _, err := number(r, "timeout", int64(awaitTimeout/time.Second))
	if err != nil {
		return until, 0, err
	}
	if longest := int64(maxAwait / time.Second); seconds > longest {
		return until, 0, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: fmt.Sprintf("timeout must be at most %d seconds", longest)}
	}
	version, byVersion, err := number(r, "version", 0)
	if err != nil {
		return until, 0, err
	}
	delivered, byDelivery, err := number(r, "delivered", 0)
	if err != nil {
		return until, 0, err
	}
	given := 0
	for _, is := range []bool{byVersion, byDelivery, len(query["status"]) > 0} {
		if is {
			given++
		}
	}
	if given > 1 {
		return until, 0, &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: "give only one of status, version and delivered"}
	}
	switch {
	case byVersion:
		until = runtime.UntilVersion(version)
	case byDelivery:
		until = runtime.UntilDelivered(delivered)
	case len(query["status"]) > 0:
		until = runtime.UntilStatus(query["status"]...)
	}
	return until, time.Duration(seconds) * time.Second, nil
}

// events sends the events of an instance as they are stored, until it has completed or the client has gone.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	after, _, err := number(r, "after", 0)
	if last := r.Header.Get("Last-Event-ID"); last != "" && err == nil { // a browser that connects again sends the same query
		var wrong error
		if after, wrong = strconv.ParseInt(last, 10, 64); wrong != nil || after < 0 {
			err = &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: "Last-Event-ID must be the id of an event of this stream"}
		}
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	key := runtime.InstanceKey{Workflow: h.workflow.Name, ID: r.PathValue("id")}
	if _, failure := h.engine.AwaitDynamic(expired, key.Workflow, key.ID, runtime.UntilVersion(1)); failure != nil && !errors.Is(failure, context.Canceled) {
		h.failed(w, r, Input{}, nil, failure) // the id is not valid, for example
		return
	}
	stream := eventStream{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead || !stream.send(": the events of this instance\n\n") {
		return
	}

	type next struct {
		event runtime.Recorded[runtime.Encoded]
		err   error
	}
	coming := make(chan next)
	go func() {
		defer close(coming)
		for event, err := range h.engine.FollowDynamic(ctx, key, after) {
			select {
			case coming <- next{event, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if !stream.send(":\n\n") {
				return
			}
		case n, more := <-coming:
			switch {
			case ctx.Err() != nil:
				return
			case !more:
				stream.send("event: end\ndata: {}\n\n")
				return
			case n.err != nil:
				stream.send("event: failed\ndata: " + oneLine(answerTo(Input{}, nil, n.err)) + "\n\n")
				return
			}
			e := n.event
			data := oneLine(RecordedEvent{e.Event, e.Version, e.GlobalSequence, e.RecordedAt})
			if !stream.send(fmt.Sprintf("id: %d\ndata: %s\n\n", e.Version, data)) {
				return
			}
		}
	}
}

// expired is a context that has ended, with which a call finds mistakes in its arguments and waits for nothing.
var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// eventStream writes server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send reports whether the client can get more.
func (s *eventStream) send(text string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeLimit)) // a writer that cannot set deadlines has none
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

// oneLine returns a value as JSON without line ends.
func oneLine(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return `{"error":"internal","message":"something went wrong"}`
	}
	compact := bytes.NewBuffer(make([]byte, 0, text.Len()))
	if err := json.Compact(compact, text.Bytes()); err != nil {
		return `{"error":"internal","message":"something went wrong"}`
	}
	return compact.String()
}

// errNotYet is the answer to a request that has waited in vain.
var errNotYet = errors.New("what the request waits for has not happened in time")

// awaitRequest is how long a client asks the server to wait with one request.
const awaitRequest = 25 * time.Second

// Await waits until an instance is as until says, and returns its state. It sends one request after the other, each of which the server
// answers as soon as it is so; see [runtime.Await]. The wait ends with ctx: give it a deadline. If the instance has completed otherwise,
// the error is *Error with the code NeverReached. While the server is unavailable, the error is *Error or *runtime.Unavailable; call
// Await again.
func (c *Client[S, I, E, R]) Await(ctx context.Context, id string, until runtime.Until, options ...CallOption) (runtime.View[S], error) {
	query := url.Values{"timeout": {strconv.Itoa(int(awaitRequest / time.Second))}}
	switch {
	case until.Statuses != nil:
		query["status"] = until.Statuses
	case until.Delivered:
		query.Set("delivered", strconv.FormatInt(until.Version, 10))
	case until.Version > 0:
		query.Set("version", strconv.FormatInt(until.Version, 10))
	}
	for {
		view, err := c.view(ctx, id, "await", query, options)
		if !errors.Is(err, errNotYet) {
			return view, err
		}
	}
}
