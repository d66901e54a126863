package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime/relay"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream"
	"github.com/ironflow-gen/ironflow/runtime/relay/jetstream/jetstreamtest"
)

// jetStreamTarget is a cluster of three servers.
type jetStreamTarget struct {
	cluster  *jetstreamtest.Cluster // nil in a child
	url      string
	conn     *nats.Conn
	js       natsjs.JetStream
	replicas int
}

func startJetStream(_ context.Context, dir string, s size) (target, error) {
	cluster, err := jetstreamtest.Start(dir, 3)
	if err != nil {
		return nil, err
	}
	t, err := attachJetStream(cluster.URL())
	if err != nil {
		cluster.Stop()
		return nil, err
	}
	t.cluster, t.replicas = cluster, s.replicas
	return t, nil
}

func attachJetStream(url string) (*jetStreamTarget, error) {
	conn, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		return nil, err
	}
	js, err := natsjs.New(conn)
	return &jetStreamTarget{url: url, conn: conn, js: js}, err
}

func (t *jetStreamTarget) name() string    { return "jetstream" }
func (t *jetStreamTarget) address() string { return t.url }

func (t *jetStreamTarget) stop() {
	t.conn.Close()
	t.cluster.Stop()
}

func (t *jetStreamTarget) sink(ctx context.Context, topic string) (relay.Sink, func(), error) {
	var err error
	for range 100 {
		if t.cluster == nil { // the parent has made it
			break
		}
		trying, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err = t.js.CreateStream(trying, natsjs.StreamConfig{
			Name: topic, Subjects: []string{topic}, Replicas: t.replicas, AllowAtomicPublish: true, Duplicates: 2 * time.Minute,
		})
		cancel()
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	config := jetstream.SinkConfig{Stream: topic}
	if t.cluster == nil { // servers are killed meanwhile
		config.AckTimeout = 2 * time.Second
	}
	return jetstream.NewSink(t.js, config), func() {}, err
}

func (t *jetStreamTarget) disturb(ctx context.Context) error {
	i := rand.IntN(3)
	if err := t.cluster.Kill(i); err != nil {
		return err
	}
	time.Sleep(rand.N(time.Second))
	if err := t.cluster.Restart(i); err != nil {
		return err
	}
	time.Sleep(time.Second + rand.N(time.Second))
	return ctx.Err()
}

func (t *jetStreamTarget) read(ctx context.Context, topic string, each func(string, int64)) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var stream natsjs.Stream
	err := repeat(ctx, func(ctx context.Context) (err error) {
		stream, err = t.js.Stream(ctx, topic)
		return err
	})
	if err != nil {
		return err
	}
	last := stream.CachedInfo().State.LastSeq
	for next := max(stream.CachedInfo().State.FirstSeq, 1); next <= last; {
		if next, err = readFrom(ctx, stream, next, last, each); err != nil {
			return err
		}
	}
	return nil
}

// readFrom reads the messages from a sequence on, and returns the next one. A consumer may wait for ever for a server that was killed, so after
// a silence the rest is left to another one.
func readFrom(
	ctx context.Context, stream natsjs.Stream, next, last uint64, each func(string, int64),
) (uint64, error) {
	var consumer natsjs.Consumer
	err := repeat(ctx, func(ctx context.Context) (err error) {
		consumer, err = stream.OrderedConsumer(ctx, natsjs.OrderedConsumerConfig{
			DeliverPolicy: natsjs.DeliverByStartSequencePolicy, OptStartSeq: next,
		})
		return err
	})
	if err != nil {
		return next, err
	}
	batch, err := consumer.Fetch(int(min(last-next+1, 1000)), natsjs.FetchMaxWait(5*time.Second))
	if err != nil {
		return next, err
	}
	for {
		select {
		case m, more := <-batch.Messages():
			if !more {
				return next, batch.Error()
			}
			of, err := m.Metadata()
			if err != nil {
				return next, err
			}
			next = of.Sequence.Stream + 1
			if err := seeBody(m.Data(), each); err != nil {
				return next, err
			}
		case <-time.After(8 * time.Second):
			return next, nil
		case <-ctx.Done():
			return next, ctx.Err()
		}
	}
}

// repeat makes a request until it is answered. One that a server has taken right before it was killed never is.
func repeat(ctx context.Context, request func(context.Context) error) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := request(bounded)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrNoResponders) {
			return err
		}
	}
}

// seeBody reads the instance and the version of a structured message.
func seeBody(body []byte, each func(string, int64)) error {
	_, after, _ := strings.Cut(string(body), `"partitionkey":"`)
	instance, after, _ := strings.Cut(after, `"`)
	_, after, _ = strings.Cut(after, `"instanceversion":`)
	var version int64
	if _, err := fmt.Sscanf(after, "%d", &version); err != nil {
		return fmt.Errorf("message %s: %w", body, err)
	}
	each(instance, version)
	return nil
}
