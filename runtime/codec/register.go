package codec

import (
	"reflect"
	"sync"
)

// registered has a codecOf[T] for each T that was registered.
var registered sync.Map // by reflect.Type

type codecOf[T any] struct {
	encode func(*Encoder, T)
	decode func(*Decoder) T
}

// Register makes [EncodeGo] and [DecodeGo] use these functions for T. Generated packages register their types when they are
// initialized, so that a type has the same JSON in every package that imports it. Register is safe for concurrent use.
func Register[T any](encode func(*Encoder, T), decode func(*Decoder) T) {
	registered.Store(reflect.TypeFor[T](), codecOf[T]{encode, decode})
}

// codecFor returns the registered codec of a type.
func codecFor[T any]() (c codecOf[T], ok bool) {
	found, ok := registered.Load(reflect.TypeFor[T]())
	if !ok {
		return c, false
	}
	return found.(codecOf[T]), true
}
