package runtime

import "context"

// Inspection is the part of a Store that looks at instances for people and their tools. It locks nothing and is not in the
// way of inputs.
type Inspection interface {
	// History returns up to limit events of an instance after a version, oldest first. They come from one moment. An instance
	// that does not exist has none.
	History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error)
}
