package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// NewRemote returns a Remote that sends inputs to the handler of another service; see runtime.Config.Remotes. base is the address of the
// handler, as in https://billing.example/api. A nil client means http.DefaultClient. The options hold for each request.
//
// The handler applies an input once, by the header Idempotency-Key, for as long as the other service keeps outcomes. An input must be one that
// clients of the other service may send.
//
// The answers rejected, already_completed, unknown_path and unknown_input of the handler are refusals. Other answers are errors. One with a
// status from 400 to 499 makes a dead letter of the effect at once, except 401, 403, 408, 425 and 429, a conflict of unique keys, and answers
// of another program, such as a proxy. After these, and after a status from 500, the delivery is tried again, at the time of Retry-After if
// there is one.
func NewRemote(base string, client *http.Client, options ...CallOption) workflow.Remote {
	return &remote{base, client, options}
}

type remote struct {
	base    string
	client  *http.Client
	options []CallOption
}

// Deliver implements workflow.Remote.
func (r *remote) Deliver(ctx context.Context, in workflow.RemoteInput) (workflow.RemoteOutcome, error) {
	c := Client[any, any, any, any]{Base: r.base, HTTP: r.client, Workflow: in.Workflow}
	options := append([]CallOption{WithIdempotencyKey(headerKey(in.Key))}, r.options...)
	if in.Trace != "" {
		options = append(options, WithHeader("traceparent", in.Trace))
	}
	var accepted Accepted
	err := c.call(ctx, http.MethodPost, []string{"inputs", url.PathEscape(in.Input)}, nil, in.Fields, &accepted, options)
	answer, is := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return workflow.RemoteOutcome{Outcome: workflow.SentAccepted}, nil
	case !is:
	case answer.Code == Rejected && answer.Rejection != nil:
		if answer.Version == 0 && answer.Rejection.Type == "NotAccepted" { // the declaration rejects each input that cannot create an instance
			return workflow.RemoteOutcome{Outcome: workflow.RefusedMissing}, nil
		}
		return workflow.RemoteOutcome{Outcome: workflow.RefusedRejected, Rejection: *answer.Rejection}, nil
	case answer.Code == AlreadyCompleted:
		return workflow.RemoteOutcome{Outcome: workflow.RefusedCompleted}, nil
	case answer.Code == UnknownPath, answer.Code == UnknownInput:
		return workflow.RemoteOutcome{Outcome: workflow.RefusedUnknown}, nil
	case answer.RetryAfter > 0:
		err = workflow.RetryAfter(err, answer.RetryAfter)
	case answer.final():
		err = workflow.Permanent(err)
	}
	return workflow.RemoteOutcome{}, fmt.Errorf("workflow %s: input %s: %w", in.Workflow, in.Input, err)
}

// final reports whether the same request would get the same answer again.
func (e *Error) final() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Code != "" && e.Code != UniqueKeyConflict && e.Status >= 400 && e.Status < 500
}

// headerKey returns a key that is valid in a header: the key itself, or a hash of it.
func headerKey(key string) string {
	if !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
