package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// MaxLineBytes limits the length of a line that Read and Import accept, in bytes: 64 MiB.
const MaxLineBytes = 64 << 20

// LineError describes a mistake in a line. Its text contains no part of a payload.
type LineError struct {
	Line int // counts from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *LineError) Unwrap() error { return e.Err }

// Read returns the instances whose lines it reads from r, one after the other. It holds one instance in memory at a time. It checks each
// instance: the versions have no gap, and the lines do not contradict each other. The first error ends the sequence. It is a *LineError
// for a mistake in a line; otherwise it is the error of r.
func Read(r io.Reader) iter.Seq2[store.StoredInstance, error] {
	return func(yield func(store.StoredInstance, error) bool) {
		in := &reader{in: bufio.NewReaderSize(r, 64<<10)}
		for {
			instance, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(instance, err) || err != nil {
				return
			}
		}
	}
}

// reader reads instances.
type reader struct {
	in     *bufio.Reader
	number int                   // of the last line
	head   *instanceLine         // of the instance that is being read; nil at the beginning and at the end
	begun  *store.StoredInstance // that instance
	lines  int                   // of it, beside the first
	seen   map[store.Lease]bool  // its effects and timers
}

// next returns the next instance, or io.EOF.
func (r *reader) next() (done store.StoredInstance, err error) {
	for {
		text, err := r.line()
		if errors.Is(err, io.EOF) {
			return r.finish(nil, io.EOF)
		}
		if err != nil {
			return done, err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		l, err := decode(text)
		if err != nil {
			return done, r.fail(err)
		}
		if l.Instance != nil {
			if r.begun == nil {
				if err := r.begin(l.Instance); err != nil {
					return done, err
				}
				continue
			}
			return r.finish(l.Instance, nil)
		}
		if r.begun == nil {
			return done, r.fail(errors.New(`the first line of an instance is {"instance":…}`))
		}
		r.lines++
		if err := l.add(r.begun); err != nil {
			return done, r.fail(fmt.Errorf("%s: %w", r.begun.Key, err))
		}
		if d := l.delivery(); d.Queue != "" {
			if r.seen[d] {
				return done, r.fail(fmt.Errorf("%s: the instance has this %s twice", r.begun.Key, d.Queue.Singular()))
			}
			r.seen[d] = true
		}
	}
}

func (r *reader) fail(err error) error { return &LineError{r.number, err} }

func (r *reader) begin(head *instanceLine) (err error) {
	r.head, r.lines, r.seen = head, 0, make(map[store.Lease]bool)
	if r.begun, err = head.begin(); err != nil {
		return r.fail(err)
	}
	return nil
}

// finish returns the instance that has been read, and begins the next one, if there is any.
func (r *reader) finish(next *instanceLine, end error) (done store.StoredInstance, err error) {
	if r.begun == nil {
		return done, end
	}
	begun, head := r.begun, r.head
	r.begun = nil
	switch n := begun.Version(); {
	case n == 0:
		err = fmt.Errorf("%s has no events", begun.Key)
	case head.Version != 0 && head.Version != n, head.Lines != 0 && head.Lines != r.lines:
		err = fmt.Errorf("%s has %d events on %d lines, and its first line says %d events on %d lines: the file was cut or edited",
			begun.Key, n, r.lines, head.Version, head.Lines)
	case begun.Completed() && len(begun.UniqueKeys) > 0:
		err = fmt.Errorf("%s has completed, and has a unique key", begun.Key)
	}
	if err != nil {
		return done, r.fail(err)
	}
	setCommits(begun)
	if next != nil {
		err = r.begin(next)
	}
	return *begun, err
}

// setCommits gives a number to events and deliveries without a commit. It follows from the history, so that the same file gives the
// same number.
func setCommits(r *store.StoredInstance) {
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%q %q", r.Key.Workflow, r.Key.ID)
	for i := range r.Events {
		fmt.Fprintf(sum, " %q %s", r.Events[i].Type, r.Events[i].Payload)
	}
	own := store.CommitID(max(sum.Sum64()>>1, 1))
	for i := range r.Events {
		if r.Events[i].Commit == 0 {
			r.Events[i].Commit = own
		}
	}
	for _, deliveries := range [][]store.DeliveryRecord{r.Effects, r.Timers} {
		for i := range deliveries {
			if l := &deliveries[i].Lease; l.Commit == 0 {
				l.Commit = r.Events[l.Version-1].Commit
			}
		}
	}
}

// line returns the next line.
func (r *reader) line() (text []byte, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case len(text) > MaxLineBytes:
			r.number++
			return nil, r.fail(fmt.Errorf("the line is longer than %d bytes", MaxLineBytes))
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0:
			err = nil
		}
		if err == nil {
			r.number++
		}
		return text, err
	}
}

func decode(text []byte) (l line, err error) {
	if !utf8.Valid(text) {
		return l, errors.New("the line is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, decodeError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("the line has more than one JSON object")
	}
	set := 0
	for _, is := range []bool{l.Instance != nil, l.Event != nil, l.Effect != nil, l.Timer != nil, l.Outcome != nil, l.Ended != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return l, errors.New(`the line is not an object with one of "instance", "event", "effect", "timer", "outcome" and "ended"`)
	}
	return l, nil
}

// decodeError says what is wrong without a value of the line.
func decodeError(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the line is not JSON from byte %d on", syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the line is not complete JSON: the file was cut or edited")
	case errors.As(err, &typ):
		return fmt.Errorf("%q is not a %s", typ.Field, typ.Type)
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return errors.New("a value of the line has the wrong form, a time or a commit")
}
