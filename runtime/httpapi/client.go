package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Client sends requests to a handler of this package. S, I, E and R are the workflow's state and its interfaces of inputs, events
// and rejections. Generated clients use it. It is safe for concurrent use if HTTP is.
type Client[S, I, E, R any] struct {
	Base     string       // address of the handler, as in https://shop.example/api
	HTTP     *http.Client // nil means http.DefaultClient
	Workflow string

	States     workflow.StateCodec[S] // only Decode is used
	Inputs     workflow.Codec[I]
	Events     workflow.Codec[E]
	Rejections workflow.Codec[R] // zero if the workflow has none
}

// CallOption is an option of one request.
type CallOption func(http.Header)

// WithIdempotencyKey makes it safe to send an input again, as [runtime.WithInputID] does. The key has 1 to store.MaxIDLength
// bytes that are valid in a header. It is unique within the instance, and must not be used for another input.
func WithIdempotencyKey(key string) CallOption { return WithHeader("Idempotency-Key", key) }

// WithHeader sets a header of the request, for example Authorization or traceparent.
func WithHeader(name, value string) CallOption {
	return func(h http.Header) { h.Set(name, value) }
}

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 64 << 20

// Send sends an input. Ev is the interface of the events that it may lead to. The outcome says whether the input was accepted,
// rejected, or came after the instance had completed. For any other answer the error is *Error.
//
// If the server cannot be reached, the error is *runtime.Unavailable. If the answer was lost, or a gateway answered instead of
// the server, the error is runtime.ErrOutcomeUnknown.
func Send[Ev, S, I, E, R any](
	ctx context.Context, c *Client[S, I, E, R], input any, options ...CallOption,
) (out runtime.Outcome[Ev, R], err error) {
	in, ok := input.(I)
	if !ok {
		return out, fmt.Errorf("workflow %s: %T is not one of its inputs", c.Workflow, input)
	}
	name := c.Inputs.Name(in)
	if name == "" {
		return out, fmt.Errorf("workflow %s: %T is not one of its inputs; pass the struct itself, not a pointer", c.Workflow, input)
	}
	e := codec.NewEncoder()
	c.Inputs.Encode(e, in)
	body, err := e.Bytes()
	if err != nil {
		return out, fmt.Errorf("workflow %s: input %s: %w", c.Workflow, name, err)
	}
	var accepted Accepted
	err = c.call(ctx, http.MethodPost, []string{"inputs", url.PathEscape(name)}, nil, body, &accepted, options)
	answer, refused := errors.AsType[*Error](err)
	switch {
	case refused && answer.Code == Rejected && answer.Rejection != nil:
		var rejection R
		if rejection, err = decode(*answer.Rejection, c.Rejections); err == nil {
			out = workflow.RejectedOutcome[Ev](answer.Version, rejection)
		}
	case refused && answer.Code == AlreadyCompleted:
		return workflow.CompletedOutcome[Ev, R](answer.Version), nil
	case err == nil:
		var events []Ev
		if events, err = eventsOf[Ev](accepted.Events, c.Events); err == nil {
			out = workflow.AcceptedOutcome[Ev, R](accepted.Version, events...)
		}
	}
	if lost, is := errors.AsType[*unanswered](err); is || refused && answer.fromGateway() {
		if is {
			err = lost.err
		}
		err = fmt.Errorf("%w: %w", runtime.ErrOutcomeUnknown, err)
	}
	if err != nil {
		err = fmt.Errorf("workflow %s: input %s: %w", c.Workflow, name, err)
	}
	return out, err
}

// fromGateway reports whether a gateway answered because the server did not.
func (e *Error) fromGateway() bool {
	return e.Code == "" && (e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout)
}

// unanswered says that a request may have reached the server, but its answer did not reach the client.
type unanswered struct{ err error }

func (e *unanswered) Error() string { return e.err.Error() }
func (e *unanswered) Unwrap() error { return e.err }

func eventsOf[Ev, E any](encoded []workflow.Encoded, events workflow.Codec[E]) ([]Ev, error) {
	if events.Decode == nil { // of a workflow that is declared without events, as another service has it
		return nil, nil
	}
	list := make([]Ev, 0, len(encoded))
	for _, e := range encoded {
		event, err := decode(e, events)
		if err != nil {
			return nil, err
		}
		typed, ok := any(event).(Ev)
		if !ok {
			return nil, fmt.Errorf("event %T is not of the type this client expects", event)
		}
		list = append(list, typed)
	}
	return list, nil
}

func decode[T any](encoded workflow.Encoded, c workflow.Codec[T]) (v T, err error) {
	if c.Decode == nil {
		return v, fmt.Errorf("%s is not declared", encoded.Type)
	}
	d := codec.NewDecoder(encoded.Payload)
	if v, err = c.Decode(d, encoded.Type); err == nil {
		err = d.End()
	}
	if err != nil {
		return v, fmt.Errorf("%s: %w", encoded.Type, err)
	}
	return v, nil
}

// State returns the state of an instance. If the instance has no events, the error is *Error with the code UnknownInstance.
func (c *Client[S, I, E, R]) State(ctx context.Context, id string, options ...CallOption) (runtime.View[S], error) {
	return c.view(ctx, id, "state", nil, options)
}

// StateAt returns the state at a version. If the instance has not reached the version, the error is *Error with the code
// UnknownVersion.
func (c *Client[S, I, E, R]) StateAt(
	ctx context.Context, id string, version int64, options ...CallOption,
) (runtime.View[S], error) {
	return c.view(ctx, id, "state", url.Values{"version": {strconv.FormatInt(version, 10)}}, options)
}

// view asks for a state at a path below the instance.
func (c *Client[S, I, E, R]) view(ctx context.Context, id, path string, query url.Values, options []CallOption) (runtime.View[S], error) {
	if err := checkID(id); err != nil {
		return runtime.View[S]{}, fmt.Errorf("%s: state: %w", c.Workflow, err)
	}
	var answer State
	err := c.call(ctx, http.MethodGet, []string{idSegment(id), path}, query, nil, &answer, options)
	view := runtime.View[S]{Version: answer.Version, Completed: answer.Completed, LastEventAt: answer.LastEventAt}
	if err == nil {
		d := codec.NewDecoder(answer.State)
		view.State = c.States.Decode(d)
		err = d.End()
	}
	if err != nil {
		return runtime.View[S]{}, fmt.Errorf("%s/%s: state: %w", c.Workflow, id, err)
	}
	return view, nil
}

// History returns the events of an instance, oldest first, in one or more requests. If it has none, the error is *Error with the
// code UnknownInstance.
func (c *Client[S, I, E, R]) History(ctx context.Context, id string, options ...CallOption) ([]runtime.Recorded[E], error) {
	if err := checkID(id); err != nil {
		return nil, fmt.Errorf("%s: history: %w", c.Workflow, err)
	}
	var history []runtime.Recorded[E]
	query := url.Values{"limit": {strconv.Itoa(maxPage)}}
	for page := (History{More: true}); page.More; {
		page = History{}
		if err := c.call(ctx, http.MethodGet, []string{idSegment(id), "history"}, query, nil, &page, options); err != nil {
			return nil, fmt.Errorf("%s/%s: history: %w", c.Workflow, id, err)
		}
		for _, r := range page.Events {
			event, err := decode(r.Encoded, c.Events)
			if err != nil {
				return nil, fmt.Errorf("%s/%s: history: version %d: %w", c.Workflow, id, r.Version, err)
			}
			history = append(history, runtime.Recorded[E]{
				Version: r.Version, GlobalSequence: r.GlobalSequence, RecordedAt: r.RecordedAt, Type: r.Type, Event: event,
			})
			query.Set("after", strconv.FormatInt(r.Version, 10))
		}
		page.More = page.More && len(page.Events) > 0
	}
	return history, nil
}

// call makes a request and decodes the answer, or returns it as an *Error.
func (c *Client[S, I, E, R]) call(
	ctx context.Context, method string, path []string, query url.Values, body []byte, answer any, options []CallOption,
) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target, err := c.url(path, query)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, option := range options {
		option(req.Header)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if dial, is := errors.AsType[*net.OpError](err); is && dial.Op == "dial" {
		return &runtime.Unavailable{Reason: "the server cannot be reached", Err: err}
	}
	if err != nil {
		return &unanswered{err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &unanswered{fmt.Errorf("reading the answer: %w", err)}
	case len(text) > maxAnswer:
		return fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	case resp.StatusCode == http.StatusNoContent:
		return errNotYet
	case resp.StatusCode != http.StatusOK:
		return refusal(resp, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// url adds segments, which are escaped, to the path of the base.
func (c *Client[S, I, E, R]) url(path []string, query url.Values) (string, error) {
	base, err := url.Parse(c.Base)
	if err != nil {
		return "", err
	}
	if base.Scheme == "" || base.Host == "" {
		return "", fmt.Errorf("%q is not the address of a server; begin it with http:// or https://", c.Base)
	}
	target := strings.TrimRight(base.EscapedPath(), "/")
	for _, segment := range append([]string{url.PathEscape(c.Workflow)}, path...) {
		target += "/" + segment
	}
	base.RawPath, base.RawQuery = target, query.Encode()
	base.Path, err = url.PathUnescape(target)
	return base.String(), err
}

// refusal converts an answer to an *Error, whether the server or a gateway sent it.
func refusal(resp *http.Response, text []byte) *Error {
	answer := &Error{}
	if err := json.Unmarshal(text, answer); err != nil || answer.Code == "" {
		const excerpt = 200
		answer = &Error{Message: strings.ToValidUTF8(string(text[:min(len(text), excerpt)]), "")}
	}
	answer.Status = resp.StatusCode
	if after := resp.Header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			answer.RetryAfter = time.Duration(max(seconds, 0)) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			answer.RetryAfter = max(time.Until(at), 0)
		}
	}
	return answer
}
