package relay

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
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

// Refusal says why a message was refused: its input will never be accepted.
type Refusal struct {
	// Name is the name of the rejection, or "Completed" for an instance that had ended, "Unreadable" or "InvalidInput" for a message that
	// is no valid input, "InputIDReused" and "UniqueKeyConflict" for the errors of these names, "OperatorOnly" for an input that only
	// operators send.
	Name string

	// Reason describes it, in at most 1,000 bytes. It may show values of the input or of the rejection.
	Reason string
}

// maxReason limits Refusal.Reason, in bytes.
const maxReason = 1000

func newRefusal(name, reason string) *Refusal {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return &Refusal{name, reason}
}

// Receive decides on messages. For a message that will never be accepted, it calls deadLetter with the message's place in messages; that
// publishes the message to a dead-letter subject or topic. Receive returns an error for each message, in their order: nil if the message
// can be acknowledged, else why it has to be delivered again.
//
// Messages with different keys are handled at the same time, so deadLetter must be safe for concurrent use. If a message fails with an error,
// the later ones with the same key are not tried and get the same error.
func (i *Inbox) Receive(
	ctx context.Context, messages []Received, deadLetter func(ctx context.Context, message int, refused *Refusal) error,
) []error {
	errs := make([]error, len(messages))
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
					var refused *Refusal
					if refused, failed = i.decide(ctx, &messages[n]); refused != nil {
						failed = deadLetter(ctx, n, refused)
					}
				}
				errs[n] = failed
			}
		})
	}
	deciding.Wait()
	return errs
}

// decide returns nil and nil if the input is decided and stored, and an error if it could not be decided now.
func (i *Inbox) decide(ctx context.Context, m *Received) (*Refusal, error) {
	workflow, input, body := i.Workflow, i.Input, m.Body
	if i.Read != nil {
		var err error
		if workflow, input, body, err = i.read(m); err != nil {
			return newRefusal("Unreadable", err.Error()), nil
		}
	} else if input != "" && hasType(body) {
		input = ""
	}
	outcome, err := i.Executor.ExecuteDynamicAs(ctx, workflow, input, body, runtime.WithInputID(m.ID))
	switch {
	case err != nil:
		return refusalOf(err)
	case outcome.Rejected():
		return newRefusal(outcome.Rejection.Type, string(outcome.Rejection.Payload)), nil
	case outcome.AlreadyCompleted():
		return newRefusal("Completed", "the instance had completed"), nil
	}
	return nil, nil
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

// refusalOf tells mistakes of the sender from failures that may pass, which it returns.
func refusalOf(err error) (*Refusal, error) {
	if usererr.Is(err) { // it may wrap any of the others
		return nil, err
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
		return nil, err
	}
	return newRefusal(name, err.Error()), nil
}

func is[E error](err error) bool {
	_, is := errors.AsType[E](err)
	return is
}
