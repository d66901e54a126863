package store

// SerialWriter says of a store that its commits wait for each other. By default the engine has one batch at a time on it: a second one would
// only wait, and larger batches cost less.
type SerialWriter interface {
	SerialWriter()
}

// ReadOnlyStore says of a store whether it was opened for reading only. Then inputs and Engine.Run fail with ErrReadOnly.
type ReadOnlyStore interface {
	ReadOnly() bool
}
