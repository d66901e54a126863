package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// SinkConfig configures a sink. ID and Options are required.
type SinkConfig struct {
	// ID is the transactional id of the producer, and the name of the consumer group in which the brokers keep the position. It belongs to
	// one relay: all its processes have the same ID, and no other program has.
	ID string

	// Options connect to the brokers, for example kgo.SeedBrokers("broker:9092"), and name TLS and SASL. Options for the producer, such as
	// compression, are possible too.
	Options []kgo.Opt

	// AckTimeout is how long the brokers may take for each step of a transaction. Default: 20 s.
	AckTimeout time.Duration
}

// Sink is a relay.Sink that publishes into the topics of a relay's subjects. The key of a record is the key of the message, so the events of an
// instance are in one partition, in their order. Headers of Binary messages begin with "ce_", as the CloudEvents binding for Kafka asks.
//
// A batch of the relay is one transaction, so larger batches are faster. The topics have to exist, or the brokers create them if the Options have
// kgo.AllowAutoTopicCreation. Give a relay a Subject of few topics, such as "ironflow.{workflow}".
//
// The brokers forget the position of a relay that was away for longer than their offsets.retention.minutes, which is 7 days by default. After
// that, the events of one batch may be published twice.
//
// RebuildProjection of the relay publishes all events again, behind the records that the topics have.
type Sink struct {
	SinkConfig
	client *kgo.Client
	admin  *kadm.Client
}

// NewSink returns a sink. It connects when the relay runs. Call Close after the engine has stopped.
func NewSink(config SinkConfig) *Sink {
	if config.AckTimeout == 0 {
		config.AckTimeout = 20 * time.Second
	}
	return &Sink{SinkConfig: config}
}

// Close closes the connections.
func (s *Sink) Close() {
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}

// Open implements relay.Sink. The brokers then refuse transactions of earlier producers with the ID.
func (s *Sink) Open(ctx context.Context) (lastID string, err error) {
	if err := s.connect(ctx); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.AckTimeout)
	defer cancel()
	if err := s.client.Ping(ctx); err != nil { // it says why, and the calls after it do not
		return "", fmt.Errorf("no broker answers: %w", err)
	}
	if _, _, err := s.client.ProducerID(ctx); err != nil {
		return "", fmt.Errorf("transactional id %q: %w", s.ID, err)
	}
	offsets, err := s.admin.FetchOffsets(kadm.RequireStable(ctx), s.ID)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return "", fmt.Errorf("position in group %q: %w", s.ID, err)
	}
	last := int64(-1)
	var unread error
	offsets.Each(func(o kadm.OffsetResponse) {
		unread = cmp.Or(unread, o.Err)
		if o.Err == nil && o.At > last {
			last, lastID = o.At, o.Metadata
		}
	})
	if unread != nil {
		return "", fmt.Errorf("position in group %q: %w", s.ID, unread)
	}
	return lastID, nil
}

// connect makes a client. A new one has no transaction in progress.
func (s *Sink) connect(ctx context.Context) (err error) {
	s.Close()
	if s.ID == "" {
		return runtime.Permanent(errors.New("SinkConfig.ID is empty"))
	}
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), 4) // later ones tell topics by other ids than their names
	options := append([]kgo.Opt{
		kgo.TransactionTimeout(3 * s.AckTimeout),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(1 << 20),
		kgo.RecordRetries(5), // after them the error says why, and after RecordDeliveryTimeout it does not
	}, s.Options...)
	s.client, err = kgo.NewClient(append(options,
		kgo.TransactionalID(s.ID), kgo.RecordDeliveryTimeout(s.AckTimeout), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MaxVersions(versions),
	)...)
	if err != nil {
		return runtime.Permanent(err)
	}
	s.admin = kadm.NewClient(s.client)
	return nil
}

// Reset implements relay.Resetter.
func (s *Sink) Reset(ctx context.Context) error {
	if s.client == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	_, err := s.admin.DeleteGroup(ctx, s.ID)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return err
}

// Publish implements relay.Sink.
func (s *Sink) Publish(ctx context.Context, messages []relay.Message) (acknowledged int, err error) {
	if s.client == nil {
		return 0, errors.New("the sink is closed")
	}
	err = s.transact(ctx, messages)
	switch {
	case err == nil:
		return len(messages), nil
	case !tooLarge(err):
		return 0, err
	case len(messages) == 1:
		return 0, runtime.Permanent(err)
	}
	// A record is refused with those that were sent along with it. If none was sent, the client knows of no transaction to abort, and Open
	// aborts the one that has the position.
	if _, err := s.Open(ctx); err != nil {
		return 0, err
	}
	half := len(messages) / 2
	if acknowledged, err = s.Publish(ctx, messages[:half]); err != nil {
		return acknowledged, err
	}
	rest, err := s.Publish(ctx, messages[half:])
	return half + rest, err
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// transact publishes messages and the position in one transaction. After an error, it is not known whether the transaction was committed unless
// the error is that a message is too large.
func (s *Sink) transact(ctx context.Context, messages []relay.Message) error {
	if err := s.client.BeginTransaction(); err != nil {
		return err
	}
	storing, stop := context.WithTimeout(ctx, s.AckTimeout)
	defer stop()
	await := s.produce(ctx, messages, stop)
	err := s.storePosition(storing, &messages[len(messages)-1]) // while the records are on their way
	if err != nil {
		err = fmt.Errorf("storing the position in group %q: %w", s.ID, err)
	}
	if failed := await(); failed != nil {
		err = failed
	}
	if err != nil {
		return errors.Join(err, s.end(ctx, kgo.TryAbort))
	}
	return s.end(ctx, kgo.TryCommit)
}

func (s *Sink) end(ctx context.Context, how kgo.TransactionEndTry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.AckTimeout)
	defer cancel()
	if err := s.client.EndTransaction(ctx, how); err != nil {
		return fmt.Errorf("ending the transaction: %w", err)
	}
	return nil
}

// produce begins to publish messages. It calls refused as soon as one cannot be published, and returns a function that waits until the brokers
// have all.
func (s *Sink) produce(ctx context.Context, messages []relay.Message, refused func()) (await func() error) {
	var mu sync.Mutex
	var failed error
	promise := func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		refused()
		mu.Lock()
		defer mu.Unlock()
		if failed == nil || tooLarge(err) && !tooLarge(failed) { // others are refused because one is
			failed = fmt.Errorf("topic %q: %w", r.Topic, err)
		}
	}
	records := make([]kgo.Record, len(messages))
	for i := range messages {
		m, r := &messages[i], &records[i]
		r.Topic, r.Key, r.Value = m.Subject, []byte(m.Key), m.Body // the client counts RecordDeliveryTimeout from the timestamp, so it sets that
		r.Headers = make([]kgo.RecordHeader, 0, len(m.Headers)+1)
		for _, h := range m.Headers {
			name := h.Name
			if attribute, is := strings.CutPrefix(name, "ce-"); is {
				name = "ce_" + attribute
			}
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(h.Value)})
		}
		s.client.Produce(ctx, r, promise)
	}
	return func() error {
		if err := s.client.Flush(ctx); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		return failed
	}
}

// storePosition adds the position after a message to the transaction: the offset is the number of its event, the metadata its id.
func (s *Sink) storePosition(ctx context.Context, last *relay.Message) error {
	id, epoch, err := s.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = s.ID, id, epoch, s.ID
	err = again(ctx, func() error {
		added, err := add.RequestWith(ctx, s.client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(added.ErrorCode)
	})
	if err != nil {
		return err
	}
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset, partition.Metadata = last.Event.GlobalSequence, &last.ID
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = last.Subject, []kmsg.TxnOffsetCommitRequestTopicPartition{partition}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = s.ID, id, epoch, s.ID
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{topic}
	return again(ctx, func() error {
		committed, err := commit.RequestWith(ctx, s.client)
		if err != nil {
			return err
		}
		for _, t := range committed.Topics {
			for _, p := range t.Partitions {
				err = cmp.Or(err, kerr.ErrorForCode(p.ErrorCode))
			}
		}
		return err
	})
}

// again repeats a request while the brokers are still ending the transaction before.
func again(ctx context.Context, request func() error) error {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := request()
		if !errors.Is(err, kerr.ConcurrentTransactions) && !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}
