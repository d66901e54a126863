package usererr

import (
	"runtime/debug"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// RecoverTo turns a panic into *err, a *store.PanicError. Deferred around each call of user code, which in and name together say.
func RecoverTo(err *error, in, name string) {
	v := recover()
	if v == nil {
		return
	}
	panicked := &store.PanicError{In: in + name, Value: v, Stack: debug.Stack()}
	if of, is := v.(error); is {
		panicked.Err = Wrap(of)
		panicked.Text = panicked.Err.Error()
	} else {
		panicked.Text = ValueText(v)
	}
	*err = panicked
}
