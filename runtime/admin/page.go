package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Page is a part of a list. If the store is that of a cells.Router, and some cells did not answer, a list is returned with a *store.Incomplete. The list may change between two pages: an item that stays in the list is returned exactly once, one
// that is added or removed meanwhile at most once.
type Page[T any] struct {
	Items []T

	// Next is the Cursor of the next page; empty on the last page.
	Next string

	// Looked is not 0 on a page that ended early, because the time of the query was over before the page was full: it is the number of
	// items that were checked for this page. Next continues after them.
	Looked int
}

// The default and the largest number of items on a page.
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

// lacking lets a call go on although some of the cells of a cells.Router did not answer. Then err is the *store.Incomplete.
type lacking struct{ err error }

// fails returns the errors that the call fails with.
func (l *lacking) fails(err error) error {
	if _, is := err.(*store.Incomplete); is { //nolint:errorlint // joined with others, it is one of them
		l.err = err
		return nil
	}
	return err
}

// page makes a page of items that were read with a limit of size+1. place returns the place of an item in the list.
func page[T, P any](items []T, size int, place func(T) P) Page[T] {
	if len(items) <= size {
		return Page[T]{Items: items}
	}
	items = items[:size:size]
	return Page[T]{Items: items, Next: encodeCursor(place(items[size-1]))}
}

// A cursor is a place in a list as text. It is not secret, but callers must not depend on its content.

func encodeCursor(place any) string {
	text, err := json.Marshal(place)
	if err != nil {
		panic(err) // cannot fail: places are structs of strings, numbers and times
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
		d.DisallowUnknownFields() // the cursor of another list has other fields
		err = d.Decode(place)
	}
	if err == nil {
		err = store.CheckArgument("Cursor", *place)
	}
	if err != nil {
		return nil, &store.InvalidArgument{Argument: "the cursor", Problem: fmt.Sprintf("%q is not from this list; pass Page.Next unchanged", cursor)}
	}
	return place, nil
}
