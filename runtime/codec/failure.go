package codec

import (
	"encoding/json"
)

// MaxErrors is how many mistakes a decoder from [NewStrictDecoder] lists. It bounds what a document from outside can make
// of an error.
const MaxErrors = 100

// Errors are the mistakes of a document, two of them or more, in the order in which they stand there. What is missing in
// an object stands at its end.
type Errors []*Error

// Error returns the texts of the first, and how many more there are.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return firstOf(texts, "; ")
}

// Unwrap returns all.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// failure is what a decoder has found wrong.
type failure struct {
	errs   Errors
	tracer tracer // of the document up to the last of errs
	stop   bool   // nothing more is read
	resume int    // 0, or where to go on after the object or array that did not begin
}

// Err returns nil, the one error, an [*Error], or all of them, [Errors]. Only a decoder from [NewStrictDecoder] finds more
// than one: it goes on after a value that is not what it should be, and ends where the document cannot be read as JSON, or
// after [MaxErrors].
func (d *Decoder) Err() error {
	switch {
	case d.failed == nil:
		return nil
	case len(d.failed.errs) == 1:
		return d.failed.errs[0]
	}
	return d.failed.errs
}

// mistakes returns how many there are so far.
func (d *Decoder) mistakes() int {
	if d.failed == nil {
		return 0
	}
	return len(d.failed.errs)
}

// Complete reports whether nothing was left out because of an error: all values were read or found wrong one by one, so that
// where there is no error a value is what the document says.
func (d *Decoder) Complete() bool { return !d.stopped() }

func (d *Decoder) stopped() bool { return d.failed != nil && d.failed.stop }

// fail keeps an error at offset, where the document cannot be read any further, and moves to the end of the input.
func (d *Decoder) fail(offset int, message string) { d.failOf(offset, message, nil) }

func (d *Decoder) failOf(offset int, message string, cause error) {
	if d.stopped() {
		return
	}
	if d.failed == nil || d.failed.errs[len(d.failed.errs)-1].Offset != int64(offset) { // otherwise it has been said already
		d.add(offset, message, cause)
	}
	d.stop()
}

// mistake keeps an error at offset, and reports whether the decoder goes on.
func (d *Decoder) mistake(offset int, message string) bool { return d.mistakeOf(offset, message, nil) }

func (d *Decoder) mistakeOf(offset int, message string, cause error) bool {
	if d.stopped() {
		return false
	}
	d.add(offset, message, cause)
	return d.goesOn()
}

// missing keeps the error that the object which has just ended lacks a field, and reports whether the decoder goes on.
func (d *Decoder) missing(name string) bool {
	d.add(d.pos-1, "the field is missing", nil) // up to there the object is open, and its path ends with its last field
	steps := d.failed.tracer.steps
	last := &steps[len(steps)-1]
	key := last.key
	last.key = []byte(name)
	d.failed.errs[len(d.failed.errs)-1].Path = renderPath(steps, d.isData)
	last.key = key
	return d.goesOn()
}

// add keeps an error. Offsets only grow, so all paths together cost one pass over the document.
func (d *Decoder) add(offset int, message string, cause error) {
	if d.failed == nil {
		d.failed = &failure{}
	}
	d.failed.tracer.read(d.data[:offset])
	d.failed.errs = append(d.failed.errs, &Error{
		Path: renderPath(d.failed.tracer.steps, d.isData), Offset: int64(offset), Message: message, Err: cause,
	})
}

// goesOn stops the decoder after a mistake unless it is to list them all.
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

// expected fails at what comes next, which is not as JSON has it.
func (d *Decoder) expected(what string) {
	if !d.stopped() {
		d.peek()
		d.fail(d.pos, "expected "+what+", found "+d.found())
	}
}

// wrong keeps the mistake that the next value is not what it should be, and passes over it.
func (d *Decoder) wrong(what string) {
	if d.stopped() {
		return
	}
	d.peek()
	if d.mistake(d.pos, "expected "+what+", found "+d.found()) {
		d.pass()
	}
}

// malformed is wrong for the string that was read from start on.
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

// badText keeps the problem that scanString has found at offset in the string that begins after start. It is a mistake like
// others if the string is one by JSON's grammar, which lets through more than this package does.
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

// suspend moves to the end of the input after the beginning of an object or array was expected and another value passed
// over, so that what is called next, whether there is a member, goes the slow way to resumed.
func (d *Decoder) suspend() {
	if !d.stopped() {
		d.failed.resume, d.pos = d.pos, len(d.data)
	}
}

// resumed reports whether the object or array did not begin that is asked for a member, and moves to after what stood there.
func (d *Decoder) resumed() bool {
	if d.failed == nil || d.failed.resume == 0 {
		return false
	}
	d.pos, d.failed.resume = d.failed.resume, 0
	return true
}

// badNumber keeps the mistake that the number from start to end does not fit into what it is for, and passes over it.
func (d *Decoder) badNumber(start, end int, what string) {
	if d.mistake(start, "the number does not fit into "+what) {
		d.pos = end
	}
}
