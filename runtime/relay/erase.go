package relay

import (
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Place is where the broker has messages of an instance: those with a key in a subject or topic.
type Place struct{ Subject, Key string }

// Places returns the places of the messages of instances, each once. Functions for Retention.Archive use it, to erase at the broker what
// retention is about to delete in the store.
func (r Relay) Places(instances []store.ArchivedInstance) (places []Place, err error) {
	subject, err := parseSubject(r.withDefaults().Subject)
	if err != nil {
		return nil, fmt.Errorf("relay %q: %w", r.Name, err)
	}
	for i := range instances {
		known := make(map[Place]bool)
		for n := range instances[i].Events {
			e := &instances[i].Events[n]
			place := Place{subject.of(e), e.Instance.String()}
			if !known[place] && store.AcceptedBy(r.Filters, e) {
				known[place], places = true, append(places, place)
			}
		}
	}
	return places, nil
}
