// Package usererr keeps errors of user code at a distance. The methods Error, Is, As and Unwrap of such an error are user code too:
// they may panic, end their goroutine, block, or lead in a circle. Wrap takes what they say once, with bounds; whoever is behind it
// sees only an Error, which is safe to log, to store and to ask.
package usererr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxNodes is how many errors of one tree are looked at.
	maxNodes = 100

	// maxWait is how long a method of a user's error may take. One that takes longer goes on in a goroutine of its own.
	maxWait = time.Second
)

// tooLong is what guarded says of a method that takes longer than maxWait.
var tooLong = fmt.Sprintf("did not return within %v", maxWait)

// Error is an error of user code. errors.Is and errors.As find what the user's error wraps.
type Error struct {
	text string

	// nodes are the errors of the tree, in the order in which errors.Is looks at them. They are asked, but not given to whoever
	// unwraps.
	nodes []error

	// blocks is set when a method of one of them did not return. Then none is called again: each call may take maxWait.
	blocks atomic.Bool
}

// ask calls a method of a node. It is false when the method did anything but return true.
func (e *Error) ask(method func() bool) bool {
	if e.blocks.Load() {
		return false
	}
	is, problem := guarded(method)
	if problem == tooLong {
		e.blocks.Store(true)
	}
	return is && problem == ""
}

// Wrap returns an *Error for an error of user code, and nil for nil.
func Wrap(err error) error {
	if err == nil {
		return nil
	}
	if wrapped, is := err.(*Error); is && wrapped != nil {
		return wrapped
	}
	return &Error{text: Text(err), nodes: tree(err)}
}

// Error returns the text that the user's error had when it was wrapped, as Bound leaves it.
func (e *Error) Error() string { return e.text }

// Is reports whether the user's error, or one that it wraps, matches target.
func (e *Error) Is(target error) bool {
	for _, node := range e.nodes {
		if equal(node, target) {
			return true
		}
		if asks, has := node.(interface{ Is(error) bool }); has {
			if e.ask(func() bool { return asks.Is(target) }) {
				return true
			}
		}
	}
	return false
}

// As finds the first error of target's type in the user's error. A nil pointer of that type is not one.
func (e *Error) As(target any) bool {
	to := reflect.ValueOf(target).Elem()
	for _, node := range e.nodes {
		if reflect.TypeOf(node).AssignableTo(to.Type()) && !isNil(node) {
			to.Set(reflect.ValueOf(node))
			return true
		}
		if asks, has := node.(interface{ As(any) bool }); has {
			found := reflect.New(to.Type()) // not target itself, which the method could keep and change later
			is := e.ask(func() bool { return asks.As(found.Interface()) })
			if is && !(found.Elem().CanInterface() && isNil(found.Elem().Interface())) {
				to.Set(found.Elem())
				return true
			}
		}
	}
	return false
}

// Is reports whether err comes from user code.
func Is(err error) bool {
	_, is := errors.AsType[*Error](err)
	return is
}

// equal is false for errors that cannot be compared.
func equal(a, b error) (is bool) {
	defer func() { _ = recover() }()
	return a == b
}

// OwnIs is errors.Is for what is not of user code: the engine acts on its own errors, whatever a user's error says that it is.
func OwnIs(err, target error) bool {
	return visit(err, func(node error) bool {
		asks, has := node.(interface{ Is(error) bool })
		return equal(node, target) || has && asks.Is(target)
	}, nil)
}

// OwnAs is errors.AsType for what is not of user code.
func OwnAs[E error](err error) (found E, ok bool) {
	ok = visit(err, func(node error) (is bool) {
		found, is = node.(E)
		return is
	}, nil)
	return found, ok
}

// Find finds an error of type E in err, also within errors of user code, but asks none of their methods.
func Find[E error](err error) (found E, ok bool) {
	is := func(node error) (is bool) {
		found, is = node.(E)
		return is && !isNil(node)
	}
	ok = visit(err, is, func(user *Error) bool { return slices.ContainsFunc(user.nodes, is) })
	return found, ok
}

// visit calls own for err and what it wraps, and user for errors of user code, until one returns true.
func visit(err error, own func(error) bool, user func(*Error) bool) bool {
	for err != nil {
		if of, is := err.(*Error); is {
			return user != nil && of != nil && user(of)
		}
		if own(err) {
			return true
		}
		switch wraps := err.(type) {
		case interface{ Unwrap() error }:
			err = wraps.Unwrap()
		case interface{ Unwrap() []error }:
			return slices.ContainsFunc(wraps.Unwrap(), func(inner error) bool { return visit(inner, own, user) })
		default:
			return false
		}
	}
	return false
}

// tree returns err and what it wraps.
func tree(err error) []error {
	nodes, problem := guarded(func() []error {
		var nodes []error
		collect(err, &nodes)
		return nodes
	})
	if problem != "" {
		return []error{err}
	}
	return nodes
}

func collect(err error, nodes *[]error) {
	if err == nil || len(*nodes) >= maxNodes {
		return
	}
	if wrapped, is := err.(*Error); is && wrapped != nil {
		*nodes = append(*nodes, wrapped.nodes[:min(len(wrapped.nodes), maxNodes-len(*nodes))]...)
		return
	}
	*nodes = append(*nodes, err)
	for _, inner := range unwrap(err) {
		collect(inner, nodes)
	}
}

// unwrap returns nothing when the error's method panics.
func unwrap(err error) (inner []error) {
	defer func() {
		if recover() != nil {
			inner = nil
		}
	}()
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return []error{err.Unwrap()}
	case interface{ Unwrap() []error }:
		return err.Unwrap()
	}
	return nil
}

// Text returns the text of an error of user code, as Bound leaves it, whatever its method Error does.
func Text(err error) string {
	switch e := err.(type) {
	case nil:
		return "<nil>"
	case *Error:
		if e != nil {
			return e.text
		}
	}
	text, problem := guarded(err.Error)
	switch {
	case problem == "":
		return Bound(text)
	case isNil(err):
		return fmt.Sprintf("a nil %T was returned as an error; return nil itself when there is no error", err)
	}
	return Bound(fmt.Sprintf("an error of type %T, whose method Error %s", err, problem))
}

// ValueText returns the text of a value that user code panicked with, as Bound leaves it.
func ValueText(v any) string {
	switch v := v.(type) {
	case error:
		return Text(v)
	case string:
		return Bound(v)
	case fmt.Stringer:
		text, problem := guarded(v.String)
		if problem != "" {
			return Bound(fmt.Sprintf("a value of type %T, whose method String %s", v, problem))
		}
		return Bound(text)
	}
	text, problem := guarded(func() string { return fmt.Sprint(v) })
	if problem != "" {
		return Bound(fmt.Sprintf("a value of type %T, whose text %s", v, problem))
	}
	return Bound(text)
}

// guarded calls f, and says what it did in place of returning; "" when it returned.
func guarded[T any](f func() T) (result T, problem string) {
	type answer struct {
		result  T
		problem string
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{problem: "ended its goroutine"}
		defer func() {
			if v := recover(); v != nil {
				a.problem = "panicked"
				if err, is := v.(interface {
					error
					RuntimeError()
				}); is { // of the Go runtime, whose text is safe
					a.problem += ": " + err.Error()
				}
			}
			answers <- a
		}()
		a.result = f()
		a.problem = ""
	}()
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case a := <-answers:
		return a.result, a.problem
	case <-timeout.C:
		return result, tooLong
	}
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return rv.IsNil()
	}
	return false
}
