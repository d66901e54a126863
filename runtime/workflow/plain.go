package workflow

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// plainTypes caches which types of events are plain.
type plainTypes struct{ known sync.Map } // of bool, by reflect.Type

// has reports whether values of type t are plain: after encoding and decoding, a value is equal in the sense of
// reflect.DeepEqual, and it has no shared memory. Only structs of scalars are plain. Times are not scalars here, because they
// come back in UTC. Named types, except durations, are not either, because user code may say how they are encoded. Generated types have tags,
// each of which is the field's name in JSON; a tag that says more may keep the field out of the text.
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
		if !field.IsExported() || !isPlainTag(string(field.Tag)) || !isPlainScalar(field.Type) {
			return false
		}
	}
	return true
}

// isPlainTag reports whether a tag is empty, or no more than json:"name".
func isPlainTag(tag string) bool {
	name, is := strings.CutPrefix(tag, `json:"`)
	if !is {
		return tag == ""
	}
	name, is = strings.CutSuffix(name, `"`)
	return is && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
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
