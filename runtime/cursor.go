package runtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Page is a part of a list. Pages are stable while the list changes: what was there from the first page to the last is
// returned once, what comes or goes meanwhile at most once.
type Page[T any] struct {
	Items []T

	// Next asks for the page after this one when it is given as Cursor; it is empty on the last page.
	Next string
}

// The sizes of pages.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

func pageSize(limit int) int {
	if limit <= 0 {
		return defaultPageSize
	}
	return min(limit, maxPageSize)
}

// page makes a page of what was read with a limit one above its size. place says where an item is in the list.
func page[T, P any](items []T, size int, place func(T) P) Page[T] {
	if len(items) <= size {
		return Page[T]{Items: items}
	}
	items = items[:size:size]
	return Page[T]{Items: items, Next: encodeCursor(place(items[size-1]))}
}

// A cursor is a place in a list as text. It is not secret, but callers have no business with what is in it.

func encodeCursor(place any) string {
	text, err := json.Marshal(place)
	if err != nil {
		panic(err) // places are structs of texts, numbers and times
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// decodeCursor returns the place, or nil for an empty cursor.
func decodeCursor[P any](cursor string) (*P, error) {
	if cursor == "" {
		return nil, nil
	}
	place := new(P)
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields() // as the cursor of another list has
		err = d.Decode(place)
	}
	if err == nil {
		err = store.CheckArgument("Cursor", *place)
	}
	if err != nil {
		return nil, fmt.Errorf("ironflow: the cursor %q is not one of this list: pass on Page.Next as it is", cursor)
	}
	return place, nil
}
