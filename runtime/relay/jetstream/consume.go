package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ConsumeConfig configures Consume. DeadLetter is required.
type ConsumeConfig struct {
	// DeadLetter is the subject for refused messages. A stream has to store it. A refused message keeps its headers and gets the headers
	// Ironflow-Refused, with the name of the rejection or error, Ironflow-Reason and Ironflow-Subject, its first subject.
	DeadLetter string

	// Batch is how many messages are decided at the same time. Default: 256.
	Batch int

	// Logger gets failures that are tried again. Default: slog.Default().
	Logger *slog.Logger
}

// Consume turns the messages of a consumer into inputs until ctx ends, and returns the error of ctx.
//
// The id of an input is the message's Nats-Msg-Id, or else its ce-id, or else the stream and the sequence number. A message is acknowledged
// after its input is decided, so a message that is delivered again is decided once. Messages with the same subject are decided in their
// order as long as none fails. A message that cannot be decided now is delivered again after a pause of about 100 ms that doubles with each
// delivery, at most 30 s. Nothing gives up such a message unless the consumer's MaxDeliver does, so leave that at its default.
//
// The consumer needs explicit acknowledgements. Several processes may consume at the same time.
func Consume(ctx context.Context, js jetstream.JetStream, consumer jetstream.Consumer, inbox *relay.Inbox, config ConsumeConfig) error {
	if config.DeadLetter == "" {
		return errors.New("ConsumeConfig.DeadLetter is empty; name the subject for refused messages")
	}
	if policy := consumer.CachedInfo().Config.AckPolicy; policy != jetstream.AckExplicitPolicy {
		return fmt.Errorf("consumer %q has the ack policy %v; it needs explicit acknowledgements", consumer.CachedInfo().Name, policy)
	}
	if config.Batch == 0 {
		config.Batch = 256
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	c := consuming{ConsumeConfig: config, js: js, inbox: inbox}
	for failures := 0; ctx.Err() == nil; {
		batch, err := fetch(ctx, consumer, config.Batch)
		if err == nil {
			failures = 0
			c.decide(ctx, batch)
			continue
		}
		if ctx.Err() == nil {
			failures++
			config.Logger.WarnContext(ctx, "ironflow: fetching messages failed", "failures", failures, "error", err)
			bound.Sleep(ctx, store.SystemClock{}, backoff.Message.Pause(failures))
		}
	}
	return ctx.Err()
}

// fetch returns the messages that are there, and waits for one if there is none.
func fetch(ctx context.Context, consumer jetstream.Consumer, limit int) (list []jetstream.Msg, err error) {
	found, err := consumer.FetchNoWait(limit)
	if err != nil {
		return nil, err
	}
	if list, err = collect(found, nil); err != nil || len(list) > 0 {
		return list, err
	}
	waiting, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err = consumer.Fetch(1, jetstream.FetchContext(waiting))
	if err != nil {
		return nil, err
	}
	list, err = collect(found, nil)
	if waiting.Err() != nil {
		err = nil
	}
	return list, err
}

func collect(found jetstream.MessageBatch, list []jetstream.Msg) ([]jetstream.Msg, error) {
	for m := range found.Messages() {
		list = append(list, m)
	}
	if err := found.Error(); err != nil && len(list) == 0 && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrNoMessages) {
		return nil, err
	}
	return list, nil
}

// consuming decides on messages and settles them.
type consuming struct {
	ConsumeConfig
	js    jetstream.JetStream
	inbox *relay.Inbox
}

func (c *consuming) decide(ctx context.Context, batch []jetstream.Msg) {
	received := make([]relay.Received, len(batch))
	deliveries := make([]int, len(batch))
	for i, m := range batch {
		received[i], deliveries[i] = read(m)
	}
	deadLetter := func(ctx context.Context, message int, refused *relay.Refusal) error {
		return c.deadLetter(ctx, &received[message], refused)
	}
	for i, err := range c.inbox.Receive(ctx, received, deadLetter) {
		if err == nil {
			err = batch[i].Ack() // if it is lost, the message is delivered again and has been decided
		} else if refused := batch[i].NakWithDelay(backoff.Message.Pause(deliveries[i])); refused != nil {
			err = errors.Join(err, refused)
		}
		if err != nil && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "ironflow: a message could not be decided; it is delivered again", "input_id", received[i].ID, "error", err)
		}
	}
}

// read returns a message as package relay has it, and how often it was delivered.
func read(m jetstream.Msg) (r relay.Received, deliveries int) {
	r = relay.Received{Subject: m.Subject(), Key: m.Subject(), Body: m.Data()}
	for name, values := range m.Headers() {
		for _, value := range values {
			r.Headers = append(r.Headers, relay.Header{Name: name, Value: value})
		}
	}
	if r.ID = m.Headers().Get(headerMsgID); r.ID == "" {
		r.ID = m.Headers().Get("ce-id")
	}
	if meta, err := m.Metadata(); err == nil {
		deliveries = int(meta.NumDelivered)
		if r.ID == "" {
			r.ID = fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream)
		}
	}
	return r, deliveries
}

// deadLetter publishes a refused message. Its id is that of the message, so a repeat is dropped by the server.
func (c *consuming) deadLetter(ctx context.Context, r *relay.Received, refused *relay.Refusal) error {
	m := nats.NewMsg(c.DeadLetter)
	m.Data = r.Body
	for _, h := range r.Headers {
		m.Header.Add(h.Name, h.Value)
	}
	m.Header.Set("Ironflow-Refused", refused.Name)
	m.Header.Set("Ironflow-Reason", oneLine(refused.Reason))
	m.Header.Set("Ironflow-Subject", r.Subject)
	m.Header.Set(headerMsgID, r.ID+"/refused")
	for _, name := range []string{headerStream, headerLast, "Nats-Expected-Last-Msg-Id", "Nats-Expected-Last-Subject-Sequence", headerBatch, headerBatchNumber, headerBatchCommit} {
		m.Header.Del(name)
	}
	if _, err := c.js.PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("publishing to the dead-letter subject %q: %w", c.DeadLetter, err)
	}
	return nil
}

// oneLine returns a text that a header may have.
func oneLine(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = ' '
		}
	}
	return string(b)
}
