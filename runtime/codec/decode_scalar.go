package codec

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// String reads a string. Invalid UTF-8 and an escaped surrogate without its pair are errors.
func (d *Decoder) String() string {
	raw, escaped, _ := d.text("a string")
	if !escaped {
		return string(raw)
	}
	return string(appendUnescaped(nil, raw))
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	c := d.peek()
	if c == 't' && d.literal("true") {
		return true
	}
	if c != 'f' || !d.literal("false") {
		d.wrong("true or false")
	}
	return false
}

// Int reads an integer. A fraction, an exponent and a number that does not fit into an int are errors.
func (d *Decoder) Int() int { return int(d.integer("an int", math.MinInt, math.MaxInt)) }

// Int32 reads an integer. A fraction, an exponent and a number that does not fit into 32 bits are errors.
func (d *Decoder) Int32() int32 { return int32(d.integer("an int32", math.MinInt32, math.MaxInt32)) }

// Int64 reads an integer. A fraction, an exponent and a number that does not fit into 64 bits are errors. The result is exact.
func (d *Decoder) Int64() int64 { return d.integer("an int64", math.MinInt64, math.MaxInt64) }

// Uint32 reads an integer. A fraction, an exponent, a negative number and one that does not fit into 32 bits are errors.
func (d *Decoder) Uint32() uint32 { return uint32(d.integer("a uint32", 0, math.MaxUint32)) }

// Uint64 reads an integer. A fraction, an exponent, a negative number and one that does not fit into 64 bits are errors. The
// result is exact.
func (d *Decoder) Uint64() uint64 {
	if c := d.peek(); c != '-' && !isDigit(c) {
		d.wrong("an integer")
		return 0
	}
	if n, end := shortInteger(d.data, d.pos); end > 0 && n >= 0 {
		d.pos = end
		return uint64(n)
	}
	start := d.pos
	end, ok := d.anyInteger()
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(string(d.data[start:end]), 10, 64)
	if err != nil {
		d.badNumber(start, end, "a uint64")
		return 0
	}
	d.pos = end
	return n
}

// integer reads a number from low to high, which is the range of the type that what names.
func (d *Decoder) integer(what string, low, high int64) int64 {
	if c := d.peek(); c != '-' && !isDigit(c) {
		d.wrong("an integer")
		return 0
	}
	if n, end := shortInteger(d.data, d.pos); end > 0 && low <= n && n <= high {
		d.pos = end
		return n
	}
	start := d.pos
	end, ok := d.anyInteger()
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(string(d.data[start:end]), 10, 64)
	if err != nil || n < low || n > high {
		d.badNumber(start, end, what)
		return 0
	}
	d.pos = end
	return n
}

// anyInteger returns the end of the next number if that is an integer of any size. It does not move the decoder past it.
func (d *Decoder) anyInteger() (end int, ok bool) {
	end, integer, problem := scanNumber(d.data, d.pos)
	if problem != "" {
		d.fail(end, problem)
		return end, false
	}
	if !integer && d.mistake(d.pos, "expected an integer, found a number with a fraction or an exponent") {
		d.pos = end
	}
	return end, integer
}

// shortInteger returns the value of the number at pos and the position after it, if it is an integer with so few digits that it
// cannot overflow. Otherwise the position is 0.
func shortInteger(data []byte, pos int) (n int64, end int) {
	negative := data[pos] == '-'
	if negative {
		pos++
	}
	first := pos
	for pos < len(data) && isDigit(data[pos]) {
		n = n*10 + int64(data[pos]-'0')
		pos++
	}
	digits := pos - first
	if digits == 0 || digits > 18 || digits > 1 && data[first] == '0' {
		return 0, 0
	}
	if pos < len(data) && (data[pos] == '.' || data[pos]|0x20 == 'e') {
		return 0, 0
	}
	if negative {
		n = -n
	}
	return n, pos
}

// Float64 reads a number and rounds it to the nearest float64. A number that is out of range is an error.
func (d *Decoder) Float64() float64 {
	if c := d.peek(); c != '-' && !isDigit(c) {
		d.wrong("a number")
		return 0
	}
	start := d.pos
	end, _, problem := scanNumber(d.data, start)
	if problem != "" {
		d.fail(end, problem)
		return 0
	}
	f, err := strconv.ParseFloat(string(d.data[start:end]), 64)
	if err != nil {
		d.badNumber(start, end, "a float64")
		return 0
	}
	d.pos = end
	return f
}

// Time reads an RFC 3339 time with any offset and at most nine fractional digits, and returns it in UTC. A time outside of the
// years 0 to 9999 in UTC is an error.
func (d *Decoder) Time() time.Time {
	const what = "an RFC 3339 time"
	start := d.pos
	text, ok := d.unquoted(what)
	if !ok {
		return time.Time{}
	}
	t, ok := parseTime(text)
	if !ok {
		d.malformed(start, what)
		return time.Time{}
	}
	return t
}

// Duration reads a duration as [time.ParseDuration] does.
func (d *Decoder) Duration() time.Duration {
	const what = `a duration like "1m30s"`
	start := d.pos
	text, ok := d.unquoted(what)
	if !ok {
		return 0
	}
	duration, err := time.ParseDuration(string(text))
	if err != nil {
		d.malformed(start, what)
		return 0
	}
	return duration
}

// Binary reads bytes in standard base64 with padding. Null is nil, and the empty string is empty but not nil.
func (d *Decoder) Binary() []byte {
	const what = "bytes in base64"
	if d.null() {
		return nil
	}
	start := d.pos
	text, ok := d.unquoted(what)
	if !ok {
		return nil
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(b, text)
	if err != nil || base64.StdEncoding.EncodedLen(n) != len(text) { // the library ignores line ends
		d.malformed(start, what)
		return nil
	}
	return b[:n]
}

// Decimal reads a string with a decimal number, -?digits(.digits)?, and returns its text. In a state it also accepts "".
func (d *Decoder) Decimal() string {
	const what = `a decimal number in quotes, like "12.50"`
	start := d.pos
	text, ok := d.unquoted(what)
	if !ok {
		return ""
	}
	if !validDecimal(text) && !d.unset(text) {
		d.malformed(start, what)
		return ""
	}
	return string(text)
}

// JSON reads a value of any kind and returns a copy of its text. Null is nil.
func (d *Decoder) JSON() json.RawMessage {
	if d.null() {
		return nil
	}
	text, _ := d.value()
	return append(json.RawMessage(nil), text...)
}

// DecodeGo reads a value of an imported type with the functions given to [Register], with the JSON methods of the type, or with
// encoding/json. The type decides what null means. Their errors are wrapped.
func DecodeGo[T any](d *Decoder) T {
	if c, ok := codecFor[T](); ok {
		return c.decode(d)
	}
	var v T
	d.peek()
	start := d.pos
	text, ok := d.value()
	if !ok {
		return v
	}
	if err := json.Unmarshal(text, &v); err != nil {
		d.mistakeOf(start, fmt.Sprintf("cannot decode a %T", v), usererr.Wrap(err))
	}
	return v
}

// DecodeEnum reads a string that is one of values. In a state it also accepts "".
func DecodeEnum[T ~string](d *Decoder, values []T) T {
	start := d.pos
	if d.peek() == '"' {
		text, ok := d.unquoted("")
		if !ok {
			return ""
		}
		for _, v := range values {
			if string(text) == string(v) {
				return v
			}
		}
		if d.unset(text) {
			return ""
		}
	}
	d.malformed(start, "one of "+list(values))
	return ""
}

// unset reports whether text is "" in a state, where an enum or a decimal may be unset.
func (d *Decoder) unset(text []byte) bool { return d.state && len(text) == 0 }

// value reads a value of any kind. If the value is valid, value returns its text, which is a part of the input.
func (d *Decoder) value() (text []byte, ok bool) {
	d.peek()
	start := d.pos
	if d.pass(); d.stopped() {
		return nil, false
	}
	defer d.hide(d.depth + 1)()
	for pos := start; pos < d.pos; pos++ { // its strings must be valid text too
		if d.data[pos] != '"' {
			continue
		}
		end, _, problem := scanString(d.data, pos+1)
		if problem != "" {
			d.mistake(end, problem)
			return nil, false
		}
		pos = end
	}
	return d.data[start:d.pos], true
}

// text reads a string and returns the text between its quotes, and whether it has escapes. If the next value is not a string, the
// error says that what was expected.
func (d *Decoder) text(what string) (raw []byte, escaped, ok bool) {
	if d.peek() != '"' {
		d.wrong(what)
		return nil, false, false
	}
	start := d.pos + 1
	if end := skipPlain(d.data, start); end < len(d.data) && d.data[end] == '"' {
		d.pos = end + 1
		return d.data[start:end], false, true
	}
	end, escaped, problem := scanString(d.data, start)
	if problem != "" {
		d.badText(start, end, problem)
		return nil, false, false
	}
	d.pos = end + 1
	return d.data[start:end], escaped, true
}

// unquoted reads a string and returns its value, which may be a part of the input.
func (d *Decoder) unquoted(what string) (text []byte, ok bool) {
	raw, escaped, ok := d.text(what)
	if !escaped {
		return raw, ok
	}
	return appendUnescaped(nil, raw), ok
}
