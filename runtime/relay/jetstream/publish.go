package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// maxBatch is the largest atomic batch that a server takes by default.
const maxBatch = 1000

// flight is one round of publishing messages without waiting for each acknowledgement. They are published in units that are acknowledged as
// one: a single message, or an atomic batch. Each unit names the sequence number that the stream must be at, so a unit is stored only if all
// units before it are.
type flight struct {
	base        uint64 // sequence number of the stream before the first message
	sent, acked int    // how many messages
}

// publishAll publishes messages in order. After an error, some messages that are not counted may be stored too; Open finds out.
func (s *sink) publishAll(ctx context.Context, messages []relay.Message) (acknowledged int, err error) {
	s.round++
	f := flight{base: s.last}
	var unfit error
	if i := s.tooLarge(messages); i >= 0 {
		unfit = runtime.Permanent(fmt.Errorf("the message is too large: it has %d bytes, the limit is %d", size(&messages[i]), s.limit()))
		messages = messages[:i]
	}
	for f.acked < len(messages) {
		var failed error
		for failed == nil && f.sent < len(messages) {
			n := 1
			if s.atomic {
				n = min(maxBatch, len(messages)-f.sent)
			}
			if f.sent > f.acked && f.sent+n-f.acked > s.Window {
				break
			}
			if failed = s.send(&f, messages[f.sent:f.sent+n]); failed == nil {
				f.sent += n
			}
		}
		if f.acked == f.sent {
			return f.acked, failed
		}
		if err := s.settle(ctx, &f); err != nil {
			return f.acked, err
		}
		s.last = f.base + uint64(f.acked)
	}
	return f.acked, unfit
}

// send publishes the next unit.
func (s *sink) send(f *flight, unit []relay.Message) error {
	batch := ""
	if len(unit) > 1 {
		batch = strings.TrimPrefix(nats.NewInbox(), nats.InboxPrefix)
	}
	var e envelope // its message is used again: the connection keeps no part of it
	for i := range unit {
		first, last := i == 0, i == len(unit)-1
		m := e.wrap(&unit[i], s.generation)
		if first || last { // others of a batch need not name it, and the server reads headers for long
			e.set(headerStream, s.Stream)
		}
		if first {
			e.set(headerLast, strconv.FormatUint(f.base+uint64(f.sent), 10))
		}
		if batch != "" {
			e.set(headerBatch, batch)
			e.set(headerBatchNumber, strconv.Itoa(i+1))
		}
		if last {
			m.Reply = s.replies + "." + strconv.Itoa(s.round) + "." + strconv.Itoa(f.sent+len(unit))
			if batch != "" {
				e.set(headerBatchCommit, "1")
			}
		}
		if err := s.conn.PublishMsg(m); err != nil {
			return err
		}
	}
	return nil
}

// envelope makes messages for NATS, one at a time.
type envelope struct {
	m      nats.Msg
	values []string // of the header
}

// wrap makes the message. It is valid until the next call.
func (e *envelope) wrap(m *relay.Message, generation string) *nats.Msg {
	if e.m.Header == nil {
		e.m.Header = make(nats.Header)
	}
	clear(e.m.Header)
	e.values = e.values[:0]
	e.m.Subject, e.m.Reply, e.m.Data = m.Subject, "", m.Body
	for _, h := range m.Headers {
		e.set(h.Name, h.Value)
	}
	e.set(headerMsgID, m.ID+generation)
	return &e.m
}

// set adds a header.
func (e *envelope) set(name, value string) {
	e.values = append(e.values, value)
	n := len(e.values)
	e.m.Header[name] = e.values[n-1 : n : n]
}

// settle waits until a unit is acknowledged. All units before that one are stored, too.
func (s *sink) settle(ctx context.Context, f *flight) error {
	timeout := time.NewTimer(s.AckTimeout)
	defer timeout.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return fmt.Errorf("the server has not acknowledged message %d within %v", f.base+uint64(f.acked)+1, s.AckTimeout)
		case reply := <-s.acks:
			round, end, _ := strings.Cut(reply.Subject[len(s.replies)+1:], ".")
			if round != strconv.Itoa(s.round) {
				continue
			}
			n, _ := strconv.Atoi(end)
			if err := check(reply, f.base+uint64(n)); err != nil {
				return err
			}
			f.acked = max(f.acked, n)
			return nil
		}
	}
}

// check reads an acknowledgement.
func check(reply *nats.Msg, sequence uint64) error {
	if len(reply.Data) == 0 && reply.Header.Get("Status") == "503" {
		return nats.ErrNoResponders // no stream has the subject, or its leader is away
	}
	var ack struct {
		Error     *jetstream.APIError `json:"error"`
		Sequence  uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
	}
	switch err := json.Unmarshal(reply.Data, &ack); {
	case err != nil:
		return fmt.Errorf("the acknowledgement is %q: %w", reply.Data, err)
	case ack.Error != nil:
		return ack.Error
	case ack.Sequence != sequence:
		return fmt.Errorf("the server has stored a message as %d (duplicate: %t), not as %d", ack.Sequence, ack.Duplicate, sequence)
	}
	return nil
}

// limit returns the largest size of a message that the server and the stream take, in bytes.
func (s *sink) limit() int64 {
	limit := s.conn.MaxPayload()
	if s.maxSize > 0 {
		limit = min(limit, s.maxSize)
	}
	return limit
}

// tooLarge returns the number of the first message that is too large; -1 for none.
func (s *sink) tooLarge(messages []relay.Message) int {
	limit := s.limit()
	for i := range messages {
		if size(&messages[i]) > limit {
			return i
		}
	}
	return -1
}

// size returns the size of a message, with room for the headers that the server acts on.
func size(m *relay.Message) int64 {
	n := len(m.Body) + len(m.ID) + 400
	for _, h := range m.Headers {
		n += len(h.Name) + len(h.Value) + 4
	}
	return int64(n)
}
