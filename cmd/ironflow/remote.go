package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// authorizationVariable has the value of the header Authorization: a flag would show it to other users of the machine.
const authorizationVariable = "IRONFLOW_AUTHORIZATION"

// remote is the operator handler of a running program, by its address. As an admin.Engine it plans and sends inputs, and knows no states.
type remote string

// answer is what the program answers to an input.
type answer struct {
	httpapi.Accepted
	refused *httpapi.Error // nil if it was accepted
}

// post sends an input. An error says that there was no answer.
func (r remote) post(ctx context.Context, workflowName, input, reason, id string, body []byte) (a answer, err error) {
	response, err := r.do(ctx, "inputs", workflowName, input, reason, id, body)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		a.refused, err = refusal(response)
		return a, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return a, fmt.Errorf("the answer of %s broke off; send the input again with the same -id: %w", response.Request.URL.Host, err)
	}
	if err := json.Unmarshal(text, &a.Accepted); err != nil {
		return a, fmt.Errorf("%s answered with something else than a program of ironflow: %w", response.Request.URL.Host, err)
	}
	return a, nil
}

// do sends a request about an input: to "inputs", "bulk" or "plan". An error says that there was no answer.
func (r remote) do(ctx context.Context, to, workflowName, input, reason, id string, body []byte) (*http.Response, error) {
	address := strings.TrimSuffix(string(r), "/") + "/" + url.PathEscape(workflowName) + "/" + to + "/" + url.PathEscape(input)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("the address of the server cannot be read: %v", err)}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(httpapi.ReasonHeader, url.PathEscape(reason))
	if id != "" {
		request.Header.Set("Idempotency-Key", id)
	}
	if authorization := os.Getenv(authorizationVariable); authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the program at %s does not answer: %w", request.URL.Host, err)
	}
	return response, nil
}

// refusal reads an answer that is not OK.
func refusal(response *http.Response) (*httpapi.Error, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	refused := &httpapi.Error{Status: response.StatusCode}
	if err != nil || json.Unmarshal(text, refused) != nil || refused.Code == "" {
		return nil, fmt.Errorf("%s answered with status %s", response.Request.URL.Host, response.Status)
	}
	return refused, nil
}

// codeOfRefusal returns the exit code for an answer of a program.
func codeOfRefusal(refused *httpapi.Error) int {
	switch {
	case refused.Code == httpapi.Rejected, refused.Code == httpapi.AlreadyCompleted, refused.Code == httpapi.UnknownPath:
		return exitFound
	case refused.Status < http.StatusInternalServerError:
		return exitUsage
	}
	return exitStore
}

// SendInput implements admin.Engine. The program knows by the header Authorization who sends the input.
func (r remote) SendInput(ctx context.Context, in admin.OperatorInput) (out workflow.Outcome[workflow.Encoded, workflow.Encoded], err error) {
	a, err := r.post(ctx, in.Instance.Workflow, in.Input, in.Reason, in.ID, in.Fields)
	if err != nil {
		return out, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
	}
	if a.refused == nil {
		return workflow.AcceptedOutcome[workflow.Encoded, workflow.Encoded](a.Version, a.Events...), nil
	}
	switch refused := a.refused; {
	case refused.Code == httpapi.Rejected && refused.Rejection != nil:
		return workflow.RejectedOutcome[workflow.Encoded](refused.Version, *refused.Rejection), nil
	case refused.Code == httpapi.AlreadyCompleted:
		return workflow.CompletedOutcome[workflow.Encoded, workflow.Encoded](refused.Version), nil
	}
	return out, failureOf(in, a.refused)
}

// failureOf is what a program refuses an input with, as the engine of the program would say it.
func failureOf(in admin.OperatorInput, refused *httpapi.Error) error {
	switch refused.Code {
	case httpapi.InvalidInput:
		invalid := &workflow.InvalidInput{Workflow: in.Instance.Workflow, Input: in.Input}
		for _, m := range refused.Mistakes {
			invalid.Mistakes = append(invalid.Mistakes, errors.New(strings.TrimPrefix(m.Path+": "+m.Message, ": ")))
		}
		return invalid
	case httpapi.IdempotencyKeyReused:
		return &store.InputIDReused{Instance: in.Instance, InputID: in.ID}
	case httpapi.UnknownPath:
		return fmt.Errorf("%s (%w)", refused.Message, errors.ErrUnsupported)
	case httpapi.OutcomeUnknown:
		return fmt.Errorf("%w: %s", store.ErrOutcomeUnknown, refused.Message)
	}
	return &store.InvalidArgument{Argument: "the program", Problem: "says: " + refused.Message}
}

// PlanInput implements admin.Engine. A program of a release without plans has no such path, which is errors.ErrUnsupported.
func (r remote) PlanInput(ctx context.Context, in admin.OperatorInput) (planned admin.PlannedInput, err error) {
	body, err := json.Marshal(httpapi.PlanRequest{Instance: in.Instance.ID, Fields: in.Fields})
	if err != nil {
		return planned, err
	}
	response, err := r.do(ctx, "plan", in.Instance.Workflow, in.Input, in.Reason, "", body)
	if err != nil {
		return planned, &store.InvalidArgument{Argument: "the program", Problem: "cannot be asked: " + err.Error()}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		refused, err := refusal(response)
		if err != nil {
			return planned, err
		}
		return planned, failureOf(in, refused)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 16<<20)).Decode(&planned); err != nil {
		return planned, fmt.Errorf("%s answered with something else than a program of ironflow: %w", response.Request.URL.Host, err)
	}
	return planned, nil
}

// StatesDynamic implements admin.Engine.
func (remote) StatesDynamic(context.Context, store.InstanceKey, int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) { yield(nil, errors.ErrUnsupported) }
}
