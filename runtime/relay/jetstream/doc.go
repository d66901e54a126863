// Package jetstream has a sink and a consumer of package relay for NATS JetStream.
//
// NewSink publishes events into one stream, each exactly once: every message names the sequence number that the stream must be at, so the
// server refuses a message whose predecessor was lost, and messages of a process that has lost the relay. Consume turns the messages of a
// consumer into inputs.
//
// The package is a module of its own, so that programs without NATS do not depend on its client.
package jetstream
