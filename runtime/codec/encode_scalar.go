package codec

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// String writes a string. Invalid UTF-8 is an error.
func (e *Encoder) String(v string) {
	if e.sample != nil {
		if e.described("string") {
			return
		}
		v = choose(e.sample, sampleTexts)
	}
	e.string(v)
}

func (e *Encoder) string(v string) {
	e.grow(len(v) + len(`""`) + 7) // allPlain may read seven bytes more
	start := len(e.buf) + 1
	end := start + len(v)
	b := e.buf[:end+8]
	b[start-1] = '"'
	copy(b[start:], v)
	if !allPlain(b, start, end) {
		e.escape(v)
		return
	}
	b[end] = '"'
	e.buf = e.buf[:end+1]
}

// escape writes a string that needs escapes, or has characters outside ASCII.
func (e *Encoder) escape(v string) {
	if !utf8.ValidString(v) {
		e.Fail("the string is not valid UTF-8")
		return
	}
	e.buf = append(e.buf, '"')
	start := 0
	for i := range len(v) {
		if c := v[i]; c >= utf8.RuneSelf || plain(c) {
			continue
		}
		e.buf = append(e.buf, v[start:i]...)
		e.buf = appendEscaped(e.buf, v[i])
		start = i + 1
	}
	e.buf = append(e.buf, v[start:]...)
	e.buf = append(e.buf, '"')
}

// appendEscaped appends the escape sequence of a quote, a backslash or a control character.
func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// Bool writes true or false.
func (e *Encoder) Bool(v bool) {
	if e.sample != nil {
		if e.described("bool") {
			return
		}
		v = e.sample.rand.IntN(2) == 0
	}
	e.buf = strconv.AppendBool(e.buf, v)
}

// Int writes an integer.
func (e *Encoder) Int(v int) {
	if e.sample != nil && e.described("int") {
		return
	}
	e.Int64(int64(v))
}

// Int32 writes an integer.
func (e *Encoder) Int32(v int32) {
	if e.sample != nil && e.described("int32") {
		return
	}
	e.Int64(int64(v))
}

// Int64 writes an integer.
func (e *Encoder) Int64(v int64) {
	if e.sample != nil {
		if e.described("int64") {
			return
		}
		v = choose(e.sample, sampleIntegers)
	}
	// Writing the digits directly to their places takes two thirds of the time of strconv.AppendInt.
	const longest = len("-9223372036854775808")
	e.grow(longest)
	n := len(e.buf)
	b := e.buf[:n+longest]
	u := uint64(v)
	if v < 0 {
		u = -u
		b[n] = '-'
		n++
	}
	n += countDigits(u)
	putDigits(b[:n], u)
	e.buf = e.buf[:n]
}

// Uint32 writes an integer.
func (e *Encoder) Uint32(v uint32) {
	if e.sample != nil && e.described("uint32") {
		return
	}
	e.Uint64(uint64(v))
}

// Uint64 writes an integer.
func (e *Encoder) Uint64(v uint64) {
	if e.sample != nil {
		if e.described("uint64") {
			return
		}
		v = e.sample.unsigned()
	}
	digits := countDigits(v)
	e.grow(digits)
	e.buf = e.buf[:len(e.buf)+digits]
	putDigits(e.buf, v)
}

// countDigits returns how many digits v has.
func countDigits(v uint64) int {
	n := 1
	for ; v >= 100; v /= 100 {
		n += 2
	}
	if v >= 10 {
		n++
	}
	return n
}

// putDigits writes the digits of v to the end of b, which must be long enough.
func putDigits(b []byte, v uint64) {
	i := len(b) - 1
	for ; v >= 10; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	b[i] = byte('0' + v)
}

// Float64 writes the shortest number that reads back as v. Infinities and NaN are errors.
func (e *Encoder) Float64(v float64) {
	if e.sample != nil {
		if e.described("float64") {
			return
		}
		v = choose(e.sample, sampleFloats)
	}
	magnitude := math.Abs(v)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.Fail("JSON has no number for infinity or NaN")
		return
	}
	format := byte('f')
	if magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) { // avoid many zeros
		format = 'e'
	}
	e.buf = strconv.AppendFloat(e.buf, v, format, -1, 64)
}

// Time writes a time in UTC, exact to the nanosecond. A year outside of 0 to 9999 is an error.
func (e *Encoder) Time(v time.Time) {
	if e.sample != nil {
		if e.described("time") {
			return
		}
		v = e.sample.time()
	}
	v = v.UTC()
	if !inYears(v) {
		e.Fail("the year is not in the range 0 to 9999 of RFC 3339")
		return
	}
	const longest = len(`"2006-01-02T15:04:05.999999999Z"`)
	e.grow(longest)
	n := len(e.buf)
	b := e.buf[n : n+longest]
	b[0] = '"'
	length := 1 + putTime(b[1:], v)
	b[length] = '"'
	e.buf = e.buf[:n+length+1]
}

// Duration writes a duration as [time.Duration.String] prints it.
func (e *Encoder) Duration(v time.Duration) {
	if e.sample != nil {
		if e.described("duration") {
			return
		}
		v = choose(e.sample, samplePauses)
	}
	e.string(v.String())
}

// Binary writes bytes in standard base64. Nil is null.
func (e *Encoder) Binary(v []byte) {
	if e.sample != nil {
		if e.described("bytes") {
			return
		}
		v = e.sample.bytes()
	}
	if v == nil {
		e.null()
		return
	}
	e.buf = append(e.buf, '"')
	e.buf = base64.StdEncoding.AppendEncode(e.buf, v)
	e.buf = append(e.buf, '"')
}

// Decimal writes a string with a decimal number, -?digits(.digits)?. Any other string is an error, also "" except in a state.
func (e *Encoder) Decimal(v string) {
	if e.sample != nil {
		if e.described("decimal") {
			return
		}
		v = choose(e.sample, sampleDecimals)
	}
	if !validDecimal(v) && !e.unset(v) {
		e.Fail("the string is not a decimal number")
		return
	}
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, v...)
	e.buf = append(e.buf, '"')
}

// JSON writes the given JSON text, without white space around it. Nil and the empty text are null. A text that a [Decoder] would
// not accept is an error.
func (e *Encoder) JSON(v json.RawMessage) {
	if e.sample != nil {
		if e.described("json") {
			return
		}
		v = e.sample.json()
	}
	e.json(v)
}

func (e *Encoder) json(v json.RawMessage) {
	if len(v) == 0 {
		e.null()
		return
	}
	d := Decoder{data: v, depth: e.depth}
	text, _ := d.value()
	if d.End() != nil {
		e.failAt(e.path(), "the JSON text is not valid: "+d.failed.errs[0].Message, nil)
		return
	}
	e.buf = append(e.buf, text...)
}

// EncodeGo writes a value of an imported type with the functions given to [Register], with the JSON methods of the type, or with
// encoding/json. Their errors are wrapped. A text that a [Decoder] would not accept is an error.
func EncodeGo[T any](e *Encoder, v T) {
	if c, ok := codecFor[T](); ok {
		c.encode(e, v)
		return
	}
	if e.sample != nil && e.described("json") {
		return
	}
	text, err := json.Marshal(&v)
	if err != nil {
		e.failAt(e.path(), fmt.Sprintf("cannot encode a %T", v), usererr.Wrap(err))
		return
	}
	e.json(text)
}

// EncodeEnum writes v, which must be one of values. In a state it may also be "".
func EncodeEnum[T ~string](e *Encoder, v T, values []T) {
	if e.sample != nil && e.sample.describes {
		describeEnum(e, values)
		return
	}
	if e.sample != nil && len(values) > 0 {
		v = choose(e.sample, values)
	}
	if !slices.Contains(values, v) && !e.unset(string(v)) {
		e.Fail("the string is not one of %s", list(values))
		return
	}
	e.string(string(v))
}

// unset reports whether v is "" in a state, where an enum or a decimal may be unset.
func (e *Encoder) unset(v string) bool { return e.state && v == "" }

// list writes names as in "card", "cash".
func list[T ~string](names []T) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(string(name))
	}
	return firstOf(quoted, ", ")
}
