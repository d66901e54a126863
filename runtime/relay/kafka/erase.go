package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// Erase returns a function for Retention.Archive that publishes tombstones: a record without a value for the key of each instance, in each
// topic in which the relay has published its events. A topic with cleanup.policy=compact then deletes the records of the instance.
//
// Retention deletes an instance after the relay has published its events, and its id is free after that. So a tombstone comes after all
// events of its instance, and before those of a later instance with the same id. The client is one of your own, because that of a sink
// publishes in transactions. It must choose partitions as the sink does: give both the same kgo.RecordPartitioner, or none.
//
// If a tombstone cannot be published, the instances are kept and offered again, so there can be several tombstones of an instance.
func Erase(
	client *kgo.Client, r relay.Relay,
) func(ctx context.Context, instances []runtime.ArchivedInstance) (keep []runtime.InstanceKey, err error) {
	return func(ctx context.Context, instances []runtime.ArchivedInstance) (keep []runtime.InstanceKey, err error) {
		places, err := r.Places(instances)
		if err != nil {
			return nil, err
		}
		var tombstones []*kgo.Record
		for _, p := range places {
			tombstones = append(tombstones, &kgo.Record{Topic: p.Subject, Key: []byte(p.Key)})
		}
		if err := client.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
			return nil, fmt.Errorf("publishing tombstones: %w", err)
		}
		return nil, nil
	}
}
