package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// SinkConfig configures a sink. Stream is required.
type SinkConfig struct {
	// Stream is the name of the stream. It has to exist, its subjects must match those of the relay, and nothing but this relay may publish
	// into it: otherwise the relay stops. Other streams can take messages from it as a source.
	Stream string

	// Window is how many messages may be without an acknowledgement. Default: 4000.
	Window int

	// AckTimeout is how long the server may take to acknowledge a message. Default: 5 s.
	AckTimeout time.Duration
}

// NewSink returns a sink that publishes into a stream. Headers of a message are those of package relay and Nats-Msg-Id.
//
// If the stream allows atomic publishing, messages are published in atomic batches, which costs the server less. Duplicates of the stream
// should be longer than the relay may be away if the stream's limits can remove its last message; as long as that message is there, no event is
// published twice, however long the relay was away.
//
// RebuildProjection of the relay publishes all events again, behind the messages that the stream has. It counts up the metadata
// "ironflow-generation" of the stream, so it needs the right to update the stream.
func NewSink(js jetstream.JetStream, config SinkConfig) relay.Sink {
	if config.Window == 0 {
		config.Window = 4000
	}
	if config.AckTimeout == 0 {
		config.AckTimeout = 5 * time.Second
	}
	return &sink{SinkConfig: config, js: js, conn: js.Conn()}
}

// Metadata of the stream, and the headers that the server acts on.
const (
	generationKey = "ironflow-generation"

	headerMsgID       = "Nats-Msg-Id"
	headerStream      = "Nats-Expected-Stream"
	headerLast        = "Nats-Expected-Last-Sequence"
	headerBatch       = "Nats-Batch-Id"
	headerBatchNumber = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

// sink is a relay.Sink and a relay.Resetter.
type sink struct {
	SinkConfig
	js   jetstream.JetStream
	conn *nats.Conn

	generation string // of the ids of messages: "" or, after rebuilds, "." and a number
	atomic     bool   // the stream takes atomic batches
	maxSize    int64  // of a message of the stream; 0 or less for no limit
	last       uint64 // sequence number of the last message in the stream
	blind      bool   // that message is gone: it is not known which event it was

	acks    chan *nats.Msg
	replies string // prefix of the subjects of acknowledgements
	round   int    // of publishing; acknowledgements of earlier rounds do not count
	sub     *nats.Subscription
}

func (s *sink) Open(ctx context.Context) (lastID string, err error) {
	if err := s.listen(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.AckTimeout)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.Stream)
	if err != nil {
		return "", s.describe(err)
	}
	info := stream.CachedInfo()
	s.generation = ""
	if n := info.Config.Metadata[generationKey]; n != "" {
		s.generation = "." + n
	}
	s.atomic, s.maxSize, s.last, s.blind = info.Config.AllowAtomicPublish, int64(info.Config.MaxMsgSize), info.State.LastSeq, false
	if s.last == 0 {
		return "", nil
	}
	id, found, err := s.idOf(ctx, s.last)
	switch {
	case err != nil:
		return "", s.describe(fmt.Errorf("reading its last message: %w", err))
	case !found:
		s.blind = true
		return "", nil
	}
	id, generation, _ := strings.Cut(id, ".")
	if generation != strings.TrimPrefix(s.generation, ".") { // it was published before the rebuild
		return "", nil
	}
	if id == "" {
		return "", runtime.Permanent(fmt.Errorf("stream %q: its last message, %d, has no Nats-Msg-Id; nothing but the relay may publish there",
			s.Stream, s.last))
	}
	return id, nil
}

// listen subscribes to acknowledgements.
func (s *sink) listen() error {
	if s.sub != nil && s.sub.IsValid() {
		return nil
	}
	s.acks, s.replies = make(chan *nats.Msg, 2*s.Window), nats.NewInbox()
	sub, err := s.conn.ChanSubscribe(s.replies+".*.*", s.acks)
	s.sub = sub
	return err
}

// idOf returns the id of a message, as the leader of the stream has it: a replica may be behind.
func (s *sink) idOf(ctx context.Context, sequence uint64) (id string, found bool, err error) {
	request := fmt.Appendf(nil, `{"seq":%d}`, sequence)
	reply, err := s.conn.RequestWithContext(ctx, apiPrefix(s.js.Options())+"STREAM.MSG.GET."+s.Stream, request)
	if err != nil {
		return "", false, err
	}
	var answer struct {
		Error   *jetstream.APIError
		Message struct {
			Hdrs []byte
		}
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return "", false, err
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return "", false, nil
		}
		return "", false, answer.Error
	}
	headers, err := nats.DecodeHeadersMsg(answer.Message.Hdrs)
	if err != nil && len(answer.Message.Hdrs) > 0 {
		return "", false, err
	}
	return headers.Get(headerMsgID), true, nil
}

// apiPrefix returns where the API of JetStream is.
func apiPrefix(o jetstream.JetStreamOptions) string {
	switch {
	case o.Domain != "":
		return "$JS." + o.Domain + ".API."
	case o.APIPrefix != "":
		return strings.TrimSuffix(o.APIPrefix, ".") + "."
	}
	return jetstream.DefaultAPIPrefix
}

// Reset implements relay.Resetter.
func (s *sink) Reset(ctx context.Context) error {
	stream, err := s.js.Stream(ctx, s.Stream)
	if err != nil {
		return fmt.Errorf("stream %q: %w", s.Stream, err)
	}
	config := stream.CachedInfo().Config
	n, _ := strconv.Atoi(config.Metadata[generationKey])
	config.Metadata = maps.Clone(config.Metadata)
	if config.Metadata == nil {
		config.Metadata = make(map[string]string)
	}
	config.Metadata[generationKey] = strconv.Itoa(n + 1)
	if _, err := s.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("stream %q: %w", s.Stream, err)
	}
	return nil
}

func (s *sink) Publish(ctx context.Context, messages []relay.Message) (acknowledged int, err error) {
	for s.blind && acknowledged < len(messages) {
		if err := s.probe(ctx, &messages[acknowledged]); err != nil {
			return acknowledged, s.describe(err)
		}
		acknowledged++
	}
	n, err := s.publishAll(ctx, messages[acknowledged:])
	return acknowledged + n, s.describe(err)
}

func (s *sink) describe(err error) error {
	if err == nil {
		return nil
	}
	if !s.conn.IsConnected() {
		err = fmt.Errorf("no connection to a server (%v): %w", s.conn.Status(), err)
	}
	err = fmt.Errorf("stream %q: %w", s.Stream, err)
	var refused *jetstream.APIError
	if errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &refused) && refused.ErrorCode == errCodeTooLarge {
		return runtime.Permanent(err)
	}
	return err
}

// errCodeTooLarge is the server's code for a message that exceeds the limits of the stream.
const errCodeTooLarge = 10054

// probe publishes a message while it is not known whether the stream had it. The server knows for as long as the stream's Duplicates says.
func (s *sink) probe(ctx context.Context, m *relay.Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.AckTimeout)
	defer cancel()
	var e envelope
	wrapped := e.wrap(m, s.generation)
	e.set(headerStream, s.Stream)
	ack, err := s.js.PublishMsg(ctx, wrapped, jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	if !ack.Duplicate {
		s.last, s.blind = ack.Sequence, false
	}
	return nil
}
