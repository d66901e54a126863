package workflow

import (
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// UnknownEvent says that a stored event is not in this program's declaration, usually because a newer program wrote it.
type UnknownEvent struct {
	Instance      store.InstanceKey
	Version       int64
	Type          string
	SchemaVersion int
	Err           error // says what is unknown: the type, or its schema version
}

func (e *UnknownEvent) Error() string {
	return fmt.Sprintf("%s: event %s of version %d: %v", e.Instance, e.Type, e.Version, e.Err)
}

// Unwrap returns Err.
func (e *UnknownEvent) Unwrap() error { return e.Err }

// UndecodableEvent says that the fields of a stored event do not have the types that this program declares for them.
type UndecodableEvent struct {
	Instance      store.InstanceKey
	Version       int64
	Type          string
	SchemaVersion int
	Err           error // names the field
}

func (e *UndecodableEvent) Error() string {
	return fmt.Sprintf("%s: event %s of version %d: %v", e.Instance, e.Type, e.Version, e.Err)
}

// Unwrap returns Err.
func (e *UndecodableEvent) Unwrap() error { return e.Err }

// LeadsNowhere says that an instance has an event for which the declaration has no transition from its state.
type LeadsNowhere struct{ Event, State string }

func (e *LeadsNowhere) Error() string {
	return fmt.Sprintf("event %s leads nowhere from state %s: the declaration has no transition for it", e.Event, e.State)
}

// DecodeEvent decodes a stored event of a workflow into the declared type. Generated code calls it. If the program does not know
// the event, the error is *UnknownEvent; if it cannot decode its fields, *UndecodableEvent.
func DecodeEvent[E any](workflow string, events Codec[E], stored store.StoredEvent) (E, error) {
	if stored.Instance.Workflow != workflow {
		var none E
		return none, fmt.Errorf("%s: event %s of version %d does not belong to workflow %s", stored.Instance, stored.Type, stored.Version, workflow)
	}
	unknown := func(err error) error {
		return &UnknownEvent{stored.Instance, stored.Version, stored.Type, stored.SchemaVersion, err}
	}
	known := events.version(stored.Type)
	if stored.SchemaVersion > known {
		var none E
		return none, unknown(fmt.Errorf("it has schema version %d, but this program knows only up to %d: a newer program wrote it", stored.SchemaVersion, known))
	}
	event, err := decode(codec.NewDecoder(stored.Payload), stored.Type, events.at(stored.Type, stored.SchemaVersion))
	var undeclared *codec.UnknownTypeError
	switch {
	case errors.As(err, &undeclared):
		err = unknown(err)
	case err != nil:
		err = &UndecodableEvent{stored.Instance, stored.Version, stored.Type, stored.SchemaVersion, err}
	}
	return event, err
}
