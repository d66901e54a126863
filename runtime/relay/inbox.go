package relay

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Executor decides on inputs. *runtime.Engine is one.
type Executor interface {
	ExecuteDynamicAs(
		ctx context.Context, workflow, name string, input []byte, options ...runtime.ExecuteOption,
	) (runtime.Outcome[runtime.Encoded, runtime.Encoded], error)
}

// Inbox turns the messages of a broker into inputs. Consumers, such as those of relay/jetstream and relay/kafka, call Receive.
//
// The id of a message is the id of its input. If a message is delivered again within Retention.InputOutcomes, it gets the outcome that was
// stored and changes nothing. An Inbox is safe for concurrent use.
type Inbox struct {
	Executor Executor

	// Workflow is the workflow that gets the inputs. The body of a message is a flat JSON object; its member "type" names the input.
	Workflow string

	// Input names the input of messages without a member "type". Default: the member is required.
	Input string

	// Read replaces the rules of Workflow and Input for messages of other forms, for example CloudEvents. It returns the workflow, the name
	// of the input (or "" if the JSON has a member "type") and its JSON. After an error the message is refused as "Unreadable". Read must
	// be safe for concurrent use.
	Read func(Received) (workflow, input string, body []byte, err error)
}

// Received is a message that was received.
type Received struct {
	ID      string // the same at each delivery
	Subject string // of NATS, or topic of Kafka
	Key     string // messages with the same key are decided one after the other, in their order
	Headers []Header
	Body    []byte
}

// Result says what became of a message. A message with neither field set was accepted: its input is decided and stored.
type Result struct {
	// Refused says that the input will never be accepted. Consumers then publish the message to their dead-letter subject or topic.
	Refused *Refusal

	// Err says that the input could not be decided now. The message is to be delivered again.
	Err error
}

// Refusal says why a message was refused.
type Refusal struct {
	// Name is the name of the rejection, or "Completed" for an instance that had ended, "Unreadable" or "InvalidInput" for a message that
	// is no valid input, "InputIDReused" and "UniqueKeyConflict" for the errors of these names, "OperatorOnly" for an input that only
	// operators send.
	Name string

	// Reason describes it. It may show values of the input or of the rejection.
	Reason string
}

// Receive decides on messages. Those with different keys are decided at the same time. If a message fails with an error, the later ones with
// the same key are not tried and get the same error. The results are in the order of the messages.
func (i *Inbox) Receive(ctx context.Context, messages []Received) []Result {
	results := make([]Result, len(messages))
	keys := make(map[string][]int)
	for n := range messages {
		keys[messages[n].Key] = append(keys[messages[n].Key], n)
	}
	var deciding sync.WaitGroup
	for _, numbers := range keys {
		deciding.Go(func() {
			var failed error
			for _, n := range numbers {
				if failed == nil {
					results[n] = i.decide(ctx, &messages[n])
					failed = results[n].Err
				} else {
					results[n].Err = failed
				}
			}
		})
	}
	deciding.Wait()
	return results
}

func (i *Inbox) decide(ctx context.Context, m *Received) Result {
	workflow, input, body := i.Workflow, i.Input, m.Body
	if i.Read != nil {
		var err error
		if workflow, input, body, err = i.read(m); err != nil {
			return Result{Refused: &Refusal{"Unreadable", err.Error()}}
		}
	} else if input != "" && hasType(body) {
		input = ""
	}
	outcome, err := i.Executor.ExecuteDynamicAs(ctx, workflow, input, body, runtime.WithInputID(m.ID))
	switch {
	case err != nil:
		return resultOf(err)
	case outcome.Rejected():
		rejection := outcome.Rejection
		return Result{Refused: &Refusal{rejection.Type, string(rejection.Payload)}}
	case outcome.AlreadyCompleted():
		return Result{Refused: &Refusal{"Completed", "the instance had completed"}}
	}
	return Result{}
}

// read calls user code.
func (i *Inbox) read(m *Received) (workflow, input string, body []byte, err error) {
	defer usererr.RecoverTo(&err, "the Read of ", "an inbox")
	workflow, input, body, err = i.Read(*m)
	return workflow, input, body, usererr.Wrap(err)
}

// hasType reports whether a JSON object has a member "type".
func hasType(body []byte) bool {
	var named struct {
		Type *string `json:"type"`
	}
	return json.Unmarshal(body, &named) == nil && named.Type != nil
}

// resultOf tells mistakes of the sender from failures that may pass.
func resultOf(err error) Result {
	if usererr.Is(err) { // it may wrap any of the others
		return Result{Err: err}
	}
	name := ""
	switch {
	case is[*runtime.PanicError](err):
	case is[*runtime.InvalidInput](err), is[*runtime.PayloadTooLarge](err), is[*runtime.InvalidIdentifier](err), is[*store.InvalidArgument](err):
		name = "InvalidInput"
	case is[*runtime.InputIDReused](err):
		name = "InputIDReused"
	case is[*runtime.UniqueKeyConflict](err):
		name = "UniqueKeyConflict"
	case is[*store.OperatorOnly](err):
		name = "OperatorOnly"
	}
	if name == "" {
		return Result{Err: err}
	}
	return Result{Refused: &Refusal{name, err.Error()}}
}

func is[E error](err error) bool {
	_, is := errors.AsType[E](err)
	return is
}
