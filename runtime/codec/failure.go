package codec

import (
	"encoding/json"
)

// MaxErrors is how many mistakes a decoder from [NewStrictDecoder] lists. It limits the size of an error that a document from
// outside can cause.
const MaxErrors = 100

// Errors are two or more mistakes of a document, in the order of the document. Missing fields of an object come at its end.
type Errors []*Error

// Error returns the texts of the first mistakes, and how many more there are.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return firstOf(texts, "; ")
}

// Unwrap returns all mistakes.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// failure has the mistakes that a decoder has found.
type failure struct {
	errs   Errors
	tracer tracer // has read the document up to the last of errs
	stop   bool   // nothing more is read
	resume int    // where to go on after a value that is not the expected object or array; 0 for none
}

// Err returns nil, a single [*Error], or [Errors]. Only a decoder from [NewStrictDecoder] finds more than one mistake: it goes on
// after a value of the wrong kind, and stops where the document is not valid JSON, or after [MaxErrors].
func (d *Decoder) Err() error {
	switch {
	case d.failed == nil:
		return nil
	case len(d.failed.errs) == 1:
		return d.failed.errs[0]
	}
	return d.failed.errs
}

// mistakes returns the number of mistakes so far.
func (d *Decoder) mistakes() int {
	if d.failed == nil {
		return 0
	}
	return len(d.failed.errs)
}

// Complete reports whether the whole document was read. Then each value without an error is as in the document, even if others
// have errors.
func (d *Decoder) Complete() bool { return !d.stopped() }

func (d *Decoder) stopped() bool { return d.failed != nil && d.failed.stop }

// fail records an error at offset, after which the document cannot be read, and moves to the end of the input.
func (d *Decoder) fail(offset int, message string) { d.failOf(offset, message, nil) }

func (d *Decoder) failOf(offset int, message string, cause error) {
	if d.stopped() {
		return
	}
	if d.failed == nil || d.failed.errs[len(d.failed.errs)-1].Offset != int64(offset) { // otherwise it is recorded already
		d.add(offset, message, cause)
	}
	d.stop()
}

// mistake records an error at offset, and reports whether the decoder goes on.
func (d *Decoder) mistake(offset int, message string) bool { return d.mistakeOf(offset, message, nil) }

func (d *Decoder) mistakeOf(offset int, message string, cause error) bool {
	if d.stopped() {
		return false
	}
	d.add(offset, message, cause)
	return d.goesOn()
}

// missing records the error that a field is missing in the object that has just ended, and reports whether the decoder goes on.
func (d *Decoder) missing(name string) bool {
	d.add(d.pos-1, isMissing, ErrMissing) // at this offset the object is still open
	steps := d.failed.tracer.steps
	last := &steps[len(steps)-1]
	key := last.key
	last.key = []byte(name)
	d.failed.errs[len(d.failed.errs)-1].Path = renderPath(steps, d.isData)
	last.key = key
	return d.goesOn()
}

// add records an error. Offsets only grow, so all paths together cost one pass over the document.
func (d *Decoder) add(offset int, message string, cause error) {
	if d.failed == nil {
		d.failed = &failure{}
	}
	d.failed.tracer.read(d.data[:offset])
	d.failed.errs = append(d.failed.errs, &Error{
		Path: renderPath(d.failed.tracer.steps, d.isData), Offset: int64(offset), Message: message, Err: cause,
	})
}

// goesOn stops the decoder after a mistake, unless it lists all mistakes. It reports whether the decoder goes on.
func (d *Decoder) goesOn() bool {
	if !d.strict || len(d.failed.errs) >= MaxErrors {
		d.stop()
	}
	return !d.failed.stop
}

func (d *Decoder) stop() {
	d.failed.stop = true
	d.pos = len(d.data)
}

// expected fails at the next byte, which is not valid JSON here.
func (d *Decoder) expected(what string) {
	if !d.stopped() {
		d.peek()
		d.fail(d.pos, "expected "+what+", found "+d.found())
	}
}

// wrong records the mistake that the next value is not of the expected kind, and skips the value.
func (d *Decoder) wrong(what string) {
	if d.stopped() {
		return
	}
	d.peek()
	if d.mistake(d.pos, "expected "+what+", found "+d.found()) {
		d.pass()
	}
}

// malformed is wrong for a string that begins at start and was read already.
func (d *Decoder) malformed(start int, what string) {
	if d.stopped() {
		return
	}
	d.pos = start
	if d.peek() != '"' {
		d.wrong(what)
	} else if d.mistake(d.pos, "expected "+what+", found another string") {
		d.pass()
	}
}

// badText records the problem that scanString has found at offset in the string that begins after start. If the string is valid
// by JSON's grammar, which accepts more than this package does, the decoder can go on.
func (d *Decoder) badText(start, offset int, problem string) {
	end := start
	for end < len(d.data) && d.data[end] != '"' {
		if d.data[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(d.data) || !json.Valid(d.data[start-1:end+1]) {
		d.fail(offset, problem)
	} else if d.mistake(offset, problem) {
		d.pos = end + 1
	}
}

// suspend is called after a value was skipped that should be an object or array. It moves to the end of the input, so that the
// next call, which asks for a member, takes the slow way to resumed.
func (d *Decoder) suspend() {
	if !d.stopped() {
		d.failed.resume, d.pos = d.pos, len(d.data)
	}
}

// resumed reports whether the object or array that is asked for a member did not begin, and moves to after the value in its
// place.
func (d *Decoder) resumed() bool {
	if d.failed == nil || d.failed.resume == 0 {
		return false
	}
	d.pos, d.failed.resume = d.failed.resume, 0
	return true
}

// badNumber records the mistake that the number from start to end does not fit into its type, and skips the number.
func (d *Decoder) badNumber(start, end int, what string) {
	if d.mistake(start, "the number does not fit into "+what) {
		d.pos = end
	}
}
