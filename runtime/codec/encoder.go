package codec

import (
	"fmt"
	"slices"
	"sync"
)

// Encoder writes one JSON document. Each method writes one value or a part of an object. The first error is kept, and
// [Encoder.Bytes] returns it. Make one with [NewEncoder] for each document; it is not safe for concurrent use.
type Encoder struct {
	buf    []byte
	depth  int   // open objects and arrays
	state  bool  // in a state, where enums and decimals may be unset
	maps   []int // numbers of the open objects that are maps
	err    *Error
	buffer *[]byte  // where buf came from; nil after Bytes was called
	sample *sampler // chooses the values that are written; nil means those that are given
}

// buffers has the memory of finished documents.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxPooled is the largest buffer that is kept, so that the memory of one huge document is freed.
const maxPooled = 64 << 10

// NewEncoder returns an encoder for one document.
func NewEncoder() *Encoder {
	buffer := buffers.Get().(*[]byte)
	return &Encoder{buf: (*buffer)[:0], buffer: buffer}
}

// Bytes ends the document and returns its text, which belongs to the caller, or the first error, an [*Error]. It must be
// the last call, and panics when it is called again.
func (e *Encoder) Bytes() ([]byte, error) {
	if e.buffer == nil {
		panic("codec: Encoder.Bytes called twice")
	}
	var text []byte
	if e.err == nil {
		text = make([]byte, len(e.buf))
		copy(text, e.buf)
	}
	if cap(e.buf) <= maxPooled {
		*e.buffer = e.buf
		buffers.Put(e.buffer)
	}
	e.buf, e.buffer = nil, nil
	if e.err != nil {
		return nil, e.err
	}
	return text, nil
}

// BeginObject writes the beginning of an object. Key and a value for each field follow, then EndObject.
func (e *Encoder) BeginObject() { e.begin('{') }

// BeginState is BeginObject for a folded state. From here to the end of the document, an enum or a decimal may be unset, which is
// written as "".
func (e *Encoder) BeginState() {
	e.state = true
	e.begin('{')
}

// Key writes the name of a field, which must not need escaping: letters, digits and underscores.
func (e *Encoder) Key(name string) {
	e.grow(len(name) + len(`,"":`))
	n := len(e.buf)
	if e.buf[n-1] != '{' { // the brace is before the first field only, because no value ends with it
		e.buf = append(e.buf, ',')
		n++
	}
	length := len(name) + len(`"":`)
	b := e.buf[n : n+length]
	b[0] = '"'
	copy(b[1:], name)
	b[length-2], b[length-1] = '"', ':'
	e.buf = e.buf[:n+length]
}

// EndObject writes the end of an object.
func (e *Encoder) EndObject() { e.end('}') }

// Fail makes encoding fail at the value that would be written next. Generated code calls it for a value that is not a declared
// variant. An earlier error stays.
func (e *Encoder) Fail(format string, args ...any) {
	if e.err == nil {
		e.failAt(e.path(), fmt.Sprintf(format, args...), nil)
	}
}

func (e *Encoder) failAt(path, message string, cause error) {
	if e.err == nil {
		e.err = &Error{Path: path, Message: message, Err: cause}
	}
}

// path returns the place of the value that is written next.
func (e *Encoder) path() string {
	return renderPath(pathTo(e.buf), func(object int) bool { return slices.Contains(e.maps, object+1) })
}

func (e *Encoder) begin(open byte) {
	if e.depth++; e.depth > MaxDepth {
		e.Fail("%s", tooDeep)
	}
	e.buf = append(e.buf, open)
}

func (e *Encoder) end(closing byte) {
	e.depth--
	e.buf = append(e.buf, closing)
}

// grow makes room for n bytes.
//
// Methods make room, write into it and then assign e.buf[:length] to e.buf, or append in place. So the pointer in e.buf is stored
// only when it has changed: storing a pointer costs a write barrier while the garbage collector runs, and doing so for each key
// and value took a tenth of the time of encoding.
func (e *Encoder) grow(n int) {
	if cap(e.buf)-len(e.buf) < n {
		e.buf = slices.Grow(e.buf, n)
	}
}

func (e *Encoder) null() { e.buf = append(e.buf, "null"...) }
