package usererr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

type method func()

// hostile is an error whose methods do what they are told.
type hostile struct{ onError, onUnwrap, onIs, onAs method }

func (h hostile) call(m method) {
	if m != nil {
		m()
	}
}
func (h hostile) Error() string        { h.call(h.onError); return "hostile" }
func (h hostile) Unwrap() error        { h.call(h.onUnwrap); return nil }
func (h hostile) Is(target error) bool { h.call(h.onIs); return false }
func (h hostile) As(target any) bool   { h.call(h.onAs); return false }

type circle struct{}

func (c circle) Error() string { return "circle" }
func (c circle) Unwrap() error { return c }

type tangle struct{}

func (t *tangle) Error() string   { return "tangle" }
func (t *tangle) Unwrap() []error { return []error{t, t, nil} }

type incomparable struct{ inner any }

func (i incomparable) Error() string { return "incomparable" }

func TestWrapTakesWhateverAnErrorDoes(t *testing.T) {
	t.Parallel()
	panics := func() { panic("secret") }
	goexit := func() { runtime.Goexit() }
	blocks := func() { <-t.Context().Done() }
	var pathError *fs.PathError
	for name, test := range map[string]struct {
		err  error
		text string
	}{
		"typed nil":    {pathError, "a nil *fs.PathError was returned as an error; return nil itself when there is no error"},
		"Error panics": {hostile{onError: panics}, "an error of type usererr.hostile, whose method Error panicked"},
		"Error exits":  {hostile{onError: goexit}, "an error of type usererr.hostile, whose method Error ended its goroutine"},
		"Error blocks": {hostile{onError: blocks}, "an error of type usererr.hostile, whose method Error did not return within 1s"},
		"Error dereferences": {hostile{onError: func() { _ = *(*int)(nil) }},
			"an error of type usererr.hostile, whose method Error panicked: runtime error: invalid memory address or nil pointer dereference"},
		"Unwrap panics": {hostile{onUnwrap: panics}, "hostile"},
		"Unwrap exits":  {hostile{onUnwrap: goexit}, "hostile"},
		"Unwrap blocks": {hostile{onUnwrap: blocks}, "hostile"},
		"Is panics":     {hostile{onIs: panics}, "hostile"},
		"Is exits":      {hostile{onIs: goexit}, "hostile"},
		"As panics":     {hostile{onAs: panics}, "hostile"},
		"As exits":      {hostile{onAs: goexit}, "hostile"},
		"circle":        {circle{}, "circle"},
		"tangle":        {&tangle{}, "tangle"},
		"incomparable":  {incomparable{[]int{1}}, "incomparable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrapped := fmt.Errorf("effect: %w", Wrap(test.err))
			if got, want := wrapped.Error(), "effect: "+test.text; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if errors.Is(wrapped, context.Canceled) {
				t.Error("it is said to be context.Canceled")
			}
			if _, is := errors.AsType[*os.LinkError](wrapped); is {
				t.Error("it is said to be an *os.LinkError")
			}
			if _, is := errors.AsType[*fs.PathError](wrapped); is {
				t.Error("it is said to be an *fs.PathError")
			}
		})
	}
}

func TestWrapKeepsWhatAnErrorIs(t *testing.T) {
	t.Parallel()
	path := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	err := Wrap(errors.Join(errors.New("first"), fmt.Errorf("second: %w", path)))
	if err.Error() != "first\nsecond: open x: file does not exist" {
		t.Errorf("got %q", err)
	}
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Error("errors.Is does not see what is wrapped")
	}
	if got, is := errors.AsType[*fs.PathError](err); !is || got != path {
		t.Errorf("got %v", got)
	}
	if Wrap(err) != err || Wrap(nil) != nil {
		t.Error("what is wrapped is wrapped again, or nil is")
	}
	if !Is(fmt.Errorf("x: %w", err)) || Is(path) {
		t.Error("Is does not tell errors of user code from others")
	}
}

type stringer struct{ say func() string }

func (s stringer) String() string { return s.say() }

func TestValueText(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		"text": "text", "7": 7, "hello": stringer{func() string { return "hello" }},
		"a value of type usererr.stringer, whose method String panicked":            stringer{func() string { panic(1) }},
		"a value of type usererr.stringer, whose method String ended its goroutine": stringer{func() string { runtime.Goexit(); return "" }},
		"hostile": hostile{},
	} {
		if got := ValueText(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"short":                {"short", "short"},
		"NUL":                  {"a\x00b", "a\uFFFDb"},
		"invalid UTF-8":        {"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		"long":                 {strings.Repeat("x", MaxText+5), strings.Repeat("x", MaxText) + "... (5 more bytes were cut)"},
		"a rune at the border": {strings.Repeat("x", MaxText-1) + "éy", strings.Repeat("x", MaxText-1) + "... (3 more bytes were cut)"},
		"exact":                {strings.Repeat("x", MaxText), strings.Repeat("x", MaxText)},
	} {
		got := Bound(test.text)
		if got != test.want {
			t.Errorf("%s: got %d bytes that end in %q", name, len(got), got[max(len(got)-40, 0):])
		}
		if Bound(got) != got || !utf8.ValidString(got) {
			t.Errorf("%s: not the same when it is bounded again", name)
		}
	}
	if got := Bound(strings.Repeat("\xff", 5<<20)); len(got) > MaxText+40 {
		t.Errorf("got %d bytes", len(got))
	}
}

// stuck is an error whose methods Is and As do not return before the test ends.
type stuck struct{ until chan struct{} }

func (stuck) Error() string     { return "stuck" }
func (s stuck) Is(error) bool   { <-s.until; return true }
func (s stuck) As(any) bool     { <-s.until; return true }
func (s stuck) Unwrap() []error { return nil }

// A tree of errors whose methods do not return is asked once, not once for each error and question.
func TestWrapAsksNoMoreWhatDoesNotReturn(t *testing.T) {
	t.Parallel()
	s := stuck{make(chan struct{})}
	defer close(s.until)
	cause := errors.New("cause")
	err := Wrap(errors.Join(s, s, s, s, s, cause))
	begin := time.Now()
	for range 20 {
		var path *fs.PathError
		if errors.Is(err, context.Canceled) || errors.As(err, &path) || !errors.Is(err, cause) {
			t.Fatal("it is not what it is")
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The engine acts on its own errors only, and finds marks by their type.
func TestOwn(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	user := Wrap(fmt.Errorf("user: %w", errors.Join(cause, &fs.PathError{Err: cause})))
	for name, test := range map[string]struct {
		err          error
		is, as, mark bool
	}{
		"nil":          {nil, false, false, false},
		"own":          {fmt.Errorf("own: %w", errors.Join(nil, cause, &fs.PathError{Err: cause})), true, true, true},
		"of the user":  {fmt.Errorf("own: %w", user), false, false, true},
		"beside":       {fmt.Errorf("%w (%w)", cause, user), true, false, true},
		"not the kind": {errors.New("cause"), false, false, false},
	} {
		_, as := OwnAs[*fs.PathError](test.err)
		_, mark := Find[*fs.PathError](test.err)
		if is := OwnIs(test.err, cause); is != test.is || as != test.as || mark != test.mark {
			t.Errorf("%s: got %v, %v, %v", name, is, as, mark)
		}
	}
}
