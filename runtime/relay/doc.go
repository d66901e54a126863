// Package relay publishes the events of a store to a message broker, and turns messages of a broker into inputs.
//
// A Relay is a projection whose result lies in a broker. It reads the feed in its order, hands the events to a Sink, and stores its position
// after the broker has acknowledged them. It needs no replication slot: the database keeps no log for a relay that is away. One process at a
// time runs a relay, others stand by. It is paused, resumed, rebuilt and listed like every projection.
//
// An Inbox is the way in: the id of a message is the id of the input, so a message that is delivered again is decided once.
//
// Packages relay/jetstream and relay/kafka have sinks and consumers for NATS JetStream and Apache Kafka. They are modules of their own.
package relay
