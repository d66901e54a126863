package store

// SerialWriter is implemented by a store whose commits wait for each other. On it, the engine has one batch at a time by default:
// a second one would only wait, and larger batches cost less.
type SerialWriter interface {
	SerialWriter()
}

// ReadOnlyStore is implemented by a store that can be opened read-only. Then inputs and Engine.Run fail with ErrReadOnly.
type ReadOnlyStore interface {
	ReadOnly() bool
}
