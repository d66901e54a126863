package workflow

import (
	"reflect"
	"sync"
	"time"
)

// plainTypes remembers which types of events are plain.
type plainTypes struct{ known sync.Map } // of bool, by reflect.Type

// has reports whether a value of type t that was encoded and decoded is the value itself: the same in the sense of
// reflect.DeepEqual, and without memory that somebody could change. That is so of a struct of scalars only. Times are none,
// because they come back in UTC, and neither are named types but durations, because user code may say how they are
// encoded.
func (p *plainTypes) has(t reflect.Type) bool {
	if known, ok := p.known.Load(t); ok {
		return known.(bool)
	}
	plain := isPlainStruct(t)
	p.known.Store(t, plain)
	return plain
}

var durationType = reflect.TypeFor[time.Duration]()

func isPlainStruct(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() || field.Tag != "" || !isPlainScalar(field.Type) {
			return false
		}
	}
	return true
}

func isPlainScalar(t reflect.Type) bool {
	if t.PkgPath() != "" {
		return t == durationType
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64, reflect.String:
		return true
	}
	return false
}
