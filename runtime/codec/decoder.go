package codec

import (
	"fmt"
	"slices"
	"strings"
)

// Decoder reads one JSON document. Each method reads one value, or returns a zero value if it cannot. Make one with [NewDecoder]
// or [NewStrictDecoder] for each document; it is not safe for concurrent use. Values that a decoder returns do not refer to its
// input, except that of [Decoder.Key].
type Decoder struct {
	data   []byte
	pos    int // len(data) after it has stopped, so that every method meets the end of the input
	depth  int // open objects and arrays
	strict bool
	state  bool     // in a state, where enums and decimals may be unset
	failed *failure // nil until there is an error

	maps   []int // numbers of the open objects that are maps
	hidden int   // objects from this number on have undeclared keys; 0 for none
	loose  bool  // in a dropped value, whose strings need only be valid JSON
	spent  int   // memory of lists, maps and pointers, for a document from outside

	// The last key that was read, as two positions: storing a pointer for each field would cost a write barrier while the garbage
	// collector runs.
	keyStart, keyEnd int
	keyEscaped       bool
}

// NewDecoder returns a decoder for a stored payload: missing fields keep their zero value. The data must not change while it is
// read.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// NewStrictDecoder returns a decoder for a document from outside: the fields given to [Decoder.Require] must be present. It goes
// on after a mistake, so that its error lists all mistakes. The data must not change while it is read.
func NewStrictDecoder(data []byte) *Decoder { return &Decoder{data: data, strict: true} }

// End checks that only white space follows the value that was read, and returns [Decoder.Err].
func (d *Decoder) End() error {
	if !d.stopped() {
		if d.pos = skipSpace(d.data, d.pos); d.pos < len(d.data) {
			d.fail(d.pos, "expected the end of the document, found "+d.found())
		}
	}
	return d.Err()
}

// BeginObject reads the beginning of an object. Its fields follow, in any order:
//
//	var seen codec.Fields
//	for d.BeginObject(); d.NextField(); {
//		switch string(d.Key()) {
//		case "sku":
//			d.Seen(&seen, 0)
//			v.Sku = d.String()
//		default:
//			d.Skip()
//		}
//	}
//	d.Require(seen, "sku")
//
// Anything but an object is an error, also null.
func (d *Decoder) BeginObject() { d.begin('{', "an object") }

// BeginState is BeginObject for a folded state. From here to the end of the document, an enum or a decimal may be "".
func (d *Decoder) BeginState() {
	d.state = true
	d.begin('{', "an object")
}

// NextField reads the key of the next field and reports true, or reads the end of the object and reports false. After
// an error it reports false. One value must be read between two calls.
func (d *Decoder) NextField() bool {
	// This is a faster way for documents as encoders write them, without white space and without escapes in keys.
	if pos := d.pos; pos > 0 && pos+1 < len(d.data) {
		first, comma := d.data[pos-1] == '{', d.data[pos] == ','
		if first == comma {
			return d.nextField()
		}
		if comma {
			pos++
		}
		if d.data[pos] == '"' {
			end := skipPlain(d.data, pos+1)
			if end+1 < len(d.data) && d.data[end] == '"' && d.data[end+1] == ':' {
				d.keyStart, d.keyEnd, d.keyEscaped = pos+1, end, false
				d.pos = end + 2
				return true
			}
		}
	}
	return d.nextField()
}

// nextField is NextField for every document.
func (d *Decoder) nextField() bool {
	if !d.next('{', '}') {
		return false
	}
	if d.pos >= len(d.data) || d.data[d.pos] != '"' {
		d.fail(d.pos, "expected a field name, found "+d.found())
		return false
	}
	start := d.pos + 1
	end, escaped, problem := d.scanKey(start)
	if problem != "" {
		d.fail(end, problem)
		return false
	}
	d.keyStart, d.keyEnd, d.keyEscaped = start, end, escaped
	d.pos = skipSpace(d.data, end+1)
	if d.pos >= len(d.data) || d.data[d.pos] != ':' {
		defer d.hide(d.depth)() // the key is not checked yet
		d.fail(d.pos, "expected a colon, found "+d.found())
		return false
	}
	d.pos++
	return true
}

func (d *Decoder) scanKey(start int) (end int, escaped bool, problem string) {
	if d.loose {
		end, problem = scanLoose(d.data, start)
		return end, false, problem
	}
	return scanString(d.data, start)
}

// Key returns the key that NextField has read. It may refer to the input and is valid until the next call.
func (d *Decoder) Key() []byte {
	key := d.data[d.keyStart:d.keyEnd]
	if d.keyEscaped {
		return appendUnescaped(nil, key)
	}
	return key
}

// Skip reads the value of an undeclared field and drops it. It checks only that the value is JSON, and reports no other mistakes
// in it.
func (d *Decoder) Skip() {
	defer d.hide(d.depth)()
	d.pass()
}

// hide keeps the keys of open objects out of paths, from the object with the given number on, until the returned function is
// called. Numbers count from 1.
func (d *Decoder) hide(from int) (end func()) {
	before := d.hidden
	if before == 0 {
		d.hidden = max(from, 1)
	}
	return func() { d.hidden = before }
}

// isData reports whether the keys of an open object are data of the document and not declared names. The number of the object
// counts from 0.
func (d *Decoder) isData(object int) bool {
	return d.hidden > 0 && object+1 >= d.hidden || slices.Contains(d.maps, object+1)
}

// pass reads a value of any kind and drops it.
func (d *Decoder) pass() {
	hidden, loose := d.hidden, d.loose
	if d.loose = true; d.hidden == 0 {
		d.hidden = d.depth + 1
	}
	d.passValue()
	d.hidden, d.loose = hidden, loose
}

func (d *Decoder) passValue() {
	switch c := d.peek(); {
	case c == '{':
		for d.BeginObject(); d.NextField(); {
			d.passValue()
		}
	case c == '[':
		for d.beginArray(); d.nextElement(); {
			d.passValue()
		}
	case c == '"':
		end, problem := scanLoose(d.data, d.pos+1)
		if problem == "" {
			end++ // past the quote
		}
		d.advance(end, problem)
	case c == '-' || isDigit(c):
		end, _, problem := scanNumber(d.data, d.pos)
		d.advance(end, problem)
	case c == 'n' && d.literal("null"), c == 't' && d.literal("true"), c == 'f' && d.literal("false"):
	default:
		d.expected("a value")
	}
}

// Fields is the set of an object's fields that were seen. The zero value is the empty set.
type Fields struct {
	low  uint64
	rest []uint64 // for objects of more than 64 fields
}

// Seen adds the field that NextField has just read to the set, under its number. A field that occurs twice is an error. The
// fields given to [Decoder.Require] have the numbers 0, 1, 2 and so on in that order; other fields have the numbers after them.
func (d *Decoder) Seen(seen *Fields, number int) {
	before := seen.low
	seen.low |= 1 << uint(number) // no effect for a number of 64 or more
	if seen.low == before {
		d.seenMore(seen, number)
	}
}

// seenMore is Seen for fields without a bit in low, and for fields whose bit is set already.
func (d *Decoder) seenMore(seen *Fields, number int) {
	if seen.Has(number) {
		d.mistake(d.pos, "the field occurs a second time here")
		return
	}
	word := number/64 - 1
	for len(seen.rest) <= word {
		seen.rest = append(seen.rest, 0)
	}
	seen.rest[word] |= 1 << (number % 64)
}

// Has reports whether the field with a number was seen.
func (f *Fields) Has(number int) bool {
	word := f.low
	if i := number/64 - 1; i >= 0 {
		word = 0
		if i < len(f.rest) {
			word = f.rest[i]
		}
	}
	return word>>(number%64)&1 != 0
}

// Require reports the named fields that were missing in the object that has just ended. The names are in the order of their
// numbers in [Decoder.Seen]. A decoder from [NewDecoder] requires no fields.
func (d *Decoder) Require(seen Fields, names ...string) {
	if d.strict {
		d.require(seen, names)
	}
}

func (d *Decoder) require(seen Fields, names []string) {
	if d.stopped() || d.data[d.pos-1] != '}' { // there was no object, which is reported already
		return
	}
	for number, name := range names {
		if !seen.Has(number) && !d.missing(name) {
			return
		}
	}
}

// begin reads the opening bracket of an object or array.
func (d *Decoder) begin(open byte, what string) {
	if d.peek() != open {
		d.wrong(what)
		d.suspend()
		return
	}
	if d.depth >= MaxDepth {
		d.failOf(d.pos, tooDeep, ErrTooDeep)
		return
	}
	d.depth++
	d.pos++
}

const tooDeep = "the document is nested too deep"

// next moves to the next member of an object or array and reports true, or past its end and reports false.
func (d *Decoder) next(open, closing byte) bool {
	// The byte before the first member is the opening bracket. No value ends with an opening bracket, so this tells whether the
	// member is the first.
	first := d.pos > 0 && d.data[d.pos-1] == open
	switch c := d.peek(); {
	case c == closing:
		d.pos++
		d.depth--
		return false
	case d.resumed():
		return false
	case first:
		return !d.stopped()
	case c == ',':
		d.pos = skipSpace(d.data, d.pos+1)
		return true
	}
	defer d.hide(d.depth)() // the key before it may be undeclared
	d.expected(fmt.Sprintf("a comma or %q", closing))
	return false
}

func (d *Decoder) beginArray()       { d.begin('[', "a list") }
func (d *Decoder) nextElement() bool { return d.next('[', ']') }

// peek moves to the next value or punctuation and returns its first byte, or 0 at the end of the input.
func (d *Decoder) peek() byte {
	pos := d.pos
	if pos < len(d.data) && d.data[pos] <= ' ' {
		pos = skipSpace(d.data, pos)
		d.pos = pos
	}
	if pos >= len(d.data) {
		return 0
	}
	return d.data[pos]
}

// literal reads word if it comes next.
func (d *Decoder) literal(word string) bool {
	if len(d.data)-d.pos < len(word) || string(d.data[d.pos:d.pos+len(word)]) != word {
		return false
	}
	d.pos += len(word)
	return true
}

// null reads null if it comes next.
func (d *Decoder) null() bool { return d.peek() == 'n' && d.literal("null") }

// advance moves to end, or fails there when there is a problem.
func (d *Decoder) advance(end int, problem string) {
	if problem != "" {
		d.fail(end, problem)
		return
	}
	d.pos = end
}

// found names the kind of the next value for an error, and nothing else about the value.
func (d *Decoder) found() string {
	rest := d.data[min(skipSpace(d.data, d.pos), len(d.data)):]
	if len(rest) == 0 {
		return "the end of the input"
	}
	at := Decoder{data: rest}
	switch c := rest[0]; {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a string"
	case c == '-', isDigit(c):
		return "a number"
	case strings.IndexByte(",:]}", c) >= 0:
		return string(c)
	case at.literal("null"):
		return "null"
	case at.literal("true"), at.literal("false"):
		return "true or false"
	}
	return "a character that does not belong there"
}
