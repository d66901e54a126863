package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/relay"
)

// Erase returns a function for Retention.Archive that purges the subjects of each instance from a stream. It fails if the relay's Subject has
// no {id}, because then several instances share a subject.
//
// Retention deletes an instance after the relay has published its events, and its id is free after that. So a purge deletes all events of its
// instance, and none of a later instance with the same id. If a subject cannot be purged, the instances are kept and offered again.
func Erase(
	js jetstream.JetStream, stream string, r relay.Relay,
) (archive func(ctx context.Context, instances []runtime.ArchivedInstance) (keep []runtime.InstanceKey, err error), err error) {
	if r.Subject != "" && !strings.Contains(r.Subject, "{id}") {
		return nil, errors.New("instances share a subject, which cannot be purged for one of them; use {id} in Relay.Subject")
	}
	return func(ctx context.Context, instances []runtime.ArchivedInstance) (keep []runtime.InstanceKey, err error) {
		places, err := r.Places(instances)
		if err != nil {
			return nil, err
		}
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return nil, fmt.Errorf("stream %q: %w", stream, err)
		}
		for _, p := range places {
			if err := s.Purge(ctx, jetstream.WithPurgeSubject(p.Subject)); err != nil {
				return nil, fmt.Errorf("stream %q: purging the subject %q: %w", stream, p.Subject, err)
			}
		}
		return nil, nil
	}, nil
}
