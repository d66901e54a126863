package workflow

import (
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SearchValue is the value of a search field as text; empty for none.
type SearchValue = store.SearchValue

// Search returns the value of a search field as text: a number in decimal, a time as in 2006-01-02T15:04:05.999999999Z, in UTC. A text that
// cannot be found has no value: one of more than store.MaxIDLength bytes, with a NUL byte, or that is not valid UTF-8. A nil pointer has
// none, either.
func Search(field string, value any) SearchValue {
	text := searchText(value)
	if len(text) > store.MaxIDLength || strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		text = ""
	}
	return SearchValue{Field: field, Value: text}
}

func searchText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return v.String()
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return searchText(v.Elem().Interface())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	}
	return ""
}

func (w *typed[S, I, E, F, R]) SearchFields() []string { return w.def.SearchFields }

func (w *typed[S, I, E, F, R]) SearchState(state any) []SearchValue {
	s, is := state.(S)
	if !is || w.def.SearchState == nil {
		return nil
	}
	return w.def.SearchState(s)
}

func (w *typed[S, I, E, F, R]) SearchInput(input any) []SearchValue {
	in, is := input.(I)
	if !is || w.def.SearchInput == nil {
		return nil
	}
	return w.def.SearchInput(in)
}
