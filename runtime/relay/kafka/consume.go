package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ConsumeConfig configures Consume. DeadLetter is required.
type ConsumeConfig struct {
	// DeadLetter is the topic for refused records. A refused record keeps its key and headers and gets the headers ironflow_refused, with the
	// name of the rejection or error, ironflow_reason and ironflow_topic, its first topic.
	DeadLetter string

	// Batch is how many records are decided at the same time. Default: 500.
	Batch int

	// Logger gets failures that are tried again. Default: slog.Default().
	Logger *slog.Logger
}

// Consume turns the records of a consumer group into inputs until ctx ends, and returns the error of ctx, or until the client is closed, and
// returns nil. The client needs kgo.ConsumerGroup, kgo.ConsumeTopics and kgo.DisableAutoCommit.
//
// The id of an input is the record's header ce_id, or else its topic, partition and offset. Offsets are committed after the inputs are decided,
// so a record that is read again is decided once. Records with the same key are decided in their order, records without a key in the order of
// their partition. A record that cannot be decided now is tried again, with a pause of about 100 ms that doubles each time, at most 30 s; the
// records after its batch wait for it.
//
// After a failure a record may be in the dead-letter topic more than once.
func Consume(ctx context.Context, client *kgo.Client, inbox *relay.Inbox, config ConsumeConfig) error {
	if config.DeadLetter == "" {
		return errors.New("ConsumeConfig.DeadLetter is empty; name the topic for refused records")
	}
	if config.Batch == 0 {
		config.Batch = 500
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	for failures := 0; ctx.Err() == nil; {
		fetched := client.PollRecords(ctx, config.Batch)
		if fetched.IsClientClosed() {
			return nil
		}
		if err := fetched.Err(); err != nil && ctx.Err() == nil {
			failures++
			config.Logger.WarnContext(ctx, "ironflow: reading records failed", "failures", failures, "error", err)
			bound.Sleep(ctx, store.SystemClock{}, backoff.Message.Pause(failures))
		}
		if records := fetched.Records(); len(records) > 0 && decide(ctx, client, inbox, &config, records) {
			failures = 0
			if err := client.CommitRecords(ctx, records...); err != nil && ctx.Err() == nil {
				config.Logger.WarnContext(ctx, "ironflow: committing offsets failed", "error", err)
			}
		}
		client.AllowRebalance()
	}
	return ctx.Err()
}

// decide decides on records, however often that takes. It returns false if ctx ends first.
func decide(ctx context.Context, client *kgo.Client, inbox *relay.Inbox, config *ConsumeConfig, records []*kgo.Record) bool {
	for failures := 0; len(records) > 0; {
		received := make([]relay.Received, len(records))
		for i, r := range records {
			received[i] = read(r)
		}
		deadLetter := func(ctx context.Context, message int, refused *relay.Refusal) error {
			return publishDeadLetter(ctx, client, config.DeadLetter, records[message], refused)
		}
		var left []*kgo.Record
		var failed error
		for i, err := range inbox.Receive(ctx, received, deadLetter) {
			if err != nil {
				left, failed = append(left, records[i]), err
			}
		}
		if ctx.Err() != nil {
			return false
		}
		if records = left; len(records) > 0 {
			failures++
			config.Logger.WarnContext(ctx, "ironflow: records could not be decided; they are tried again", "records", len(records),
				"failures", failures, "error", failed)
			bound.Sleep(ctx, store.SystemClock{}, backoff.Message.Pause(failures))
		}
	}
	return true
}

// read returns a record as package relay has it.
func read(r *kgo.Record) relay.Received {
	place := fmt.Sprintf("%s/%d", r.Topic, r.Partition)
	received := relay.Received{ID: fmt.Sprintf("%s/%d", place, r.Offset), Subject: r.Topic, Key: place, Body: r.Value}
	if r.Key != nil {
		received.Key = string(r.Key)
	}
	for _, h := range r.Headers {
		received.Headers = append(received.Headers, relay.Header{Name: h.Key, Value: string(h.Value)})
		if h.Key == "ce_id" {
			received.ID = string(h.Value)
		}
	}
	return received
}

func publishDeadLetter(ctx context.Context, client *kgo.Client, topic string, r *kgo.Record, refused *relay.Refusal) error {
	dead := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Headers: append(r.Headers[:len(r.Headers):len(r.Headers)],
		kgo.RecordHeader{Key: "ironflow_refused", Value: []byte(refused.Name)},
		kgo.RecordHeader{Key: "ironflow_reason", Value: []byte(refused.Reason)},
		kgo.RecordHeader{Key: "ironflow_topic", Value: []byte(r.Topic)},
	)}
	if err := client.ProduceSync(ctx, dead).FirstErr(); err != nil {
		return fmt.Errorf("publishing to the dead-letter topic %q: %w", topic, err)
	}
	return nil
}
