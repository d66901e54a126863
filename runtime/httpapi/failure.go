package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// failed answers with an error of the engine. Mistakes of the caller are described in the answer; all other errors are logged.
// Input and body are those of a POST.
func (h *handler) failed(w http.ResponseWriter, r *http.Request, input Input, body []byte, err error) {
	answer := answerTo(input, body, err)
	switch {
	case answer.Status == http.StatusInternalServerError:
		slog.ErrorContext(r.Context(), "ironflow: a request over HTTP failed",
			"workflow", h.workflow.Name, "method", r.Method, "path", usererr.Bound(r.URL.Path), "status", answer.Status, "error", usererr.Bound(err.Error()))
	case answer.Status > http.StatusInternalServerError && answer.Code != Paused: // not a mistake of this program
		slog.WarnContext(r.Context(), "ironflow: a request over HTTP could not be served",
			"workflow", h.workflow.Name, "method", r.Method, "path", usererr.Bound(r.URL.Path), "status", answer.Status, "error", usererr.Bound(err.Error()))
	}
	h.fail(w, answer)
}

func answerTo(input Input, body []byte, err error) *Error {
	// Panics come first: a panic may wrap any of the other errors, and is never a mistake of the caller.
	if _, is := errors.AsType[*runtime.PanicError](err); is {
		return internal()
	}
	if invalid, is := errors.AsType[*runtime.InvalidInput](err); is {
		return invalidInput(input, body, invalid)
	}
	if usererr.Is(err) { // an imported type cannot be encoded; its error may wrap any of the others too
		return internal()
	}
	if identifier, is := errors.AsType[*runtime.InvalidIdentifier](err); is {
		return invalidIdentifier(input, identifier)
	}
	if unknown, is := errors.AsType[*runtime.UnknownInstance](err); is {
		return &Error{Status: http.StatusNotFound, Code: UnknownInstance, Message: unknown.Error()}
	}
	if unknown, is := errors.AsType[*runtime.UnknownVersion](err); is {
		return &Error{Status: http.StatusNotFound, Code: UnknownVersion, Message: unknown.Error()}
	}
	if never, is := errors.AsType[*store.NeverReached](err); is {
		return &Error{Status: http.StatusConflict, Code: NeverReached, Message: never.Error(), Version: never.Version}
	}
	if dead, is := errors.AsType[*store.DeadEffects](err); is { // without the error of the handler, which the caller need not know
		first := dead.Letters[0]
		return &Error{Status: http.StatusConflict, Code: DeadEffects,
			Message: fmt.Sprintf("%d effects are dead letters, such as %s of %s", len(dead.Letters), first.Kind.Name, first.Lease.Instance)}
	}
	if argument, is := errors.AsType[*runtime.InvalidArgument](err); is && input.Name == "" {
		return &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: argument.Error()}
	}
	if _, is := errors.AsType[*runtime.UniqueKeyConflict](err); is {
		// The answer does not name the holder: the caller may not be allowed to know that instance.
		return &Error{Status: http.StatusConflict, Code: UniqueKeyConflict,
			Message: "another instance holds the unique key in " + input.Unique + " until it completes"}
	}
	if _, is := errors.AsType[*runtime.InputIDReused](err); is {
		return &Error{Status: http.StatusUnprocessableEntity, Code: IdempotencyKeyReused,
			Message: "the Idempotency-Key was used for another input; use a new key for each input"}
	}
	if large, is := errors.AsType[*runtime.PayloadTooLarge](err); is && large.Kind == workflow.InputPayload {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: TooLarge, Message: large.Error()}
	}
	if _, is := errors.AsType[*runtime.WorkflowPaused](err); is {
		return &Error{Status: http.StatusServiceUnavailable, Code: Paused, Message: "the workflow is paused and accepts no inputs; try again later"}
	}
	if errors.Is(err, runtime.ErrOutcomeUnknown) { // first, because it may also be a timeout
		return &Error{Status: http.StatusGatewayTimeout, Code: OutcomeUnknown,
			Message: "it is unknown whether the input was stored; with an Idempotency-Key it is safe to send it again"}
	}
	if _, is := errors.AsType[*runtime.Unavailable](err); is || errors.Is(err, runtime.ErrReadOnly) {
		return &Error{Status: http.StatusServiceUnavailable, Code: Unavailable, Message: "the database is unavailable, nothing was stored; try again later"}
	}
	_, newerEvent := errors.AsType[*runtime.UnknownEvent](err)
	_, newerType := errors.AsType[*codec.UnknownTypeError](err)
	switch {
	case newerEvent, newerType:
		return &Error{Status: http.StatusServiceUnavailable, Code: Unavailable,
			Message: "the instance has data that only a newer version of this service can read, nothing was stored; try again later"}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: http.StatusServiceUnavailable, Code: Unavailable, Message: "there was no answer in time; try again later"}
	}
	return internal()
}

func internal() *Error {
	return &Error{Status: http.StatusInternalServerError, Code: Internal, Message: "something went wrong"}
}

func invalidInput(input Input, body []byte, invalid *runtime.InvalidInput) *Error {
	mistakes := mistakesOf(input, invalid)
	texts := make([]string, min(len(mistakes), maxNamed))
	for i := range texts {
		texts[i] = mistakes[i].text()
	}
	text := strings.Join(texts, "; ")
	if more := len(mistakes) - maxNamed; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	isTooDeep := slices.ContainsFunc(invalid.Mistakes, func(err error) bool { return errors.Is(err, codec.ErrTooDeep) })
	if !json.Valid(body) && !isTooDeep { // encoding/json refuses JSON that is nested very deep
		return &Error{Status: http.StatusBadRequest, Code: MalformedJSON, Message: "the body is not JSON: " + text}
	}
	return &Error{Status: http.StatusUnprocessableEntity, Code: InvalidInput,
		Message: "the input is not valid: " + text, Mistakes: mistakes}
}

// maxNamed is how many mistakes the message lists. Mistakes has all of them.
const maxNamed = 20

// mistakesOf names the places of all mistakes in the body.
func mistakesOf(input Input, invalid *runtime.InvalidInput) []Mistake {
	var mistakes []Mistake
	for _, err := range invalid.Mistakes {
		if at, is := errors.AsType[*codec.Error](err); is {
			mistake := Mistake{Path: at.Path, Message: at.Message}
			if at.Err != nil && !isCodecs(at.Err) { // the error of a user's type may say more than it should
				mistake.Message = "the value cannot be read"
			}
			mistakes = append(mistakes, mistake)
			continue
		}
		identifier, is := errors.AsType[*runtime.InvalidIdentifier](err)
		if !is {
			mistakes = append(mistakes, Mistake{Message: "it is not an input of the workflow"})
			continue
		}
		mistake := Mistake{Message: identifier.Error()}
		switch identifier.What {
		case store.InstanceID:
			mistake.Path = input.ID
		case store.UniqueKey:
			mistake.Path = input.Unique
		}
		// A field that cannot be read is empty, and so an invalid identifier too. One of the two mistakes is enough.
		if !slices.ContainsFunc(mistakes, func(m Mistake) bool { return m.Path == mistake.Path }) {
			mistakes = append(mistakes, mistake)
		}
	}
	return mistakes
}

func (m Mistake) text() string {
	if m.Path == "" {
		return m.Message
	}
	return m.Path + ": " + m.Message
}

// invalidIdentifier is the answer for an invalid key in the header, or an invalid id in the path of a GET. Any other invalid
// identifier comes from the decider.
func invalidIdentifier(input Input, err *runtime.InvalidIdentifier) *Error {
	switch {
	case err.What == store.InputID:
		return &Error{Status: http.StatusBadRequest, Code: BadRequest, Message: "Idempotency-Key: " + err.Error()}
	case input.Name == "":
		return &Error{Status: http.StatusNotFound, Code: UnknownInstance, Message: err.Error()}
	}
	return internal()
}

// isCodecs reports whether an error is one of the codecs' own, whose text has nothing of a document.
func isCodecs(err error) bool {
	return usererr.OwnIs(err, codec.ErrMissing) || usererr.OwnIs(err, codec.ErrTooMuchMemory) || usererr.OwnIs(err, codec.ErrTooDeep)
}
