package usererr

import "runtime/debug"

// PanicError is a panic in user code, caught and turned into an error.
type PanicError struct {
	In    string // what was called
	Value any
	Stack []byte

	asked *askedValue // nil for a PanicError that RecoverTo has not made
}

// askedValue is what the methods of a panic's value said. They are user code, and are asked once.
type askedValue struct {
	text string
	err  error
}

func (e *PanicError) value() askedValue {
	if e.asked != nil {
		return *e.asked
	}
	if err, is := e.Value.(error); is {
		wrapped := Wrap(err)
		return askedValue{wrapped.Error(), wrapped}
	}
	return askedValue{text: ValueText(e.Value)}
}

func (e *PanicError) Error() string { return e.In + " panicked: " + e.value().text }

// Unwrap returns the panic's value when it is an error, for errors.Is and errors.As.
func (e *PanicError) Unwrap() error { return e.value().err }

// RecoverTo turns a panic into *err. Deferred around each call of user code, which in and name together say.
func RecoverTo(err *error, in, name string) {
	if v := recover(); v != nil {
		panicked := &PanicError{In: in + name, Value: v, Stack: debug.Stack()}
		asked := panicked.value()
		panicked.asked = &asked
		*err = panicked
	}
}
