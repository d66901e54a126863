package relay

import (
	"context"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Sink publishes messages to a broker. A relay calls its methods one at a time. A sink belongs to one relay.
type Sink interface {
	// Open prepares for publishing. A relay calls it when it begins, after another process may have run the relay, and after each error
	// of Publish. It returns the ID of the last message of this relay that the broker has stored, or "" if the broker does not tell.
	//
	// The relay does not publish the events up to that message again. So a sink that knows its last message, and whose broker refuses
	// messages of an earlier owner, publishes each event exactly once. With other sinks an event may be published again after a failure.
	Open(ctx context.Context) (lastID string, err error)

	// Publish publishes messages in their order. It returns how many of them, counted from the first, the broker has acknowledged. If that
	// is not all of them, err says why the next one was not. Mark an error with runtime.Permanent if the broker will never accept that
	// message, for example because it is too large: the relay then stops at the event. After other errors the relay waits and tries again.
	//
	// A message must not be stored behind a later one of the same Key. Do not keep the messages after the call.
	Publish(ctx context.Context, messages []Message) (acknowledged int, err error)
}

// Resetter is the ability of a sink to begin again. A relay whose sink has it can be rebuilt.
type Resetter interface {
	// Reset makes the next Open return "": all events are published again.
	Reset(ctx context.Context) error
}

// Message is an event as a message.
type Message struct {
	// ID is the same whenever the event is published. Brokers and consumers recognize repeats by it.
	ID string

	Subject string // of NATS, or topic of Kafka; see Relay.Subject
	Key     string // the workflow and the id of the instance, as "order/o-1"
	Headers []Header
	Body    []byte

	Event store.StoredEvent // without personal values
}

// Header is a header of a message.
type Header struct{ Name, Value string }

// messageID returns the id of an event. It names the commit, because a database that was set back gives the number to another event.
func messageID(e *store.StoredEvent) string {
	var b [40]byte
	id := strconv.AppendInt(b[:0], e.GlobalSequence, 10)
	return string(strconv.AppendUint(append(id, '-'), uint64(e.Commit), 16))
}

// positionOf returns the position of the event that a message id names.
func positionOf(id string) (store.FeedPosition, bool) {
	sequence, _, is := strings.Cut(id, "-")
	n, err := strconv.ParseInt(sequence, 10, 64)
	return store.FeedPosition(n), is && err == nil && n > 0
}
