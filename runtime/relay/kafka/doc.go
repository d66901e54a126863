// Package kafka has a sink and a consumer of package relay for Apache Kafka.
//
// NewSink publishes events in transactions. Each transaction also stores the relay's position, as an offset of a consumer group, so readers with
// the isolation level read_committed get each event exactly once. Consume turns the records of a consumer group into inputs.
//
// The package is a module of its own, so that programs without Kafka do not depend on its client.
package kafka
