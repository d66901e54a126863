package store

import "time"

// EventType is a type of stored events.
type EventType struct {
	Workflow      string
	Type          string
	SchemaVersion int
	Count         int64
	Oldest        time.Time // when the oldest of them was recorded
}
