package store

// SerialWriter is implemented by a store whose commits wait for each other. On it, the engine has one batch at a time by default:
// a second one would only wait, and larger batches cost less.
type SerialWriter interface {
	SerialWriter()
}

// InProcess is implemented by a store in the memory of this process, whose calls end when their contexts do. The engine makes such calls on
// the goroutine that needs their result. Each call of another store has a goroutine of its own, because it might never return.
type InProcess interface {
	InProcess()
}

// ReadOnlyStore is implemented by a store that can be opened read-only. Then inputs, Engine.Run and the changes of operators fail with
// ErrReadOnly.
type ReadOnlyStore interface {
	ReadOnly() bool
}

// OperatedStore is implemented by a read-only store that takes the changes of operators all the same, such as that of a cells.Router.
type OperatedStore interface {
	ReadOnlyStore
	Operated()
}
