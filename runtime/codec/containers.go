package codec

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"
)

// The functions below take a function for the element type, which is a generated function or a method expression:
//
//	codec.EncodeList(e, v.Tags, (*codec.Encoder).String)
//	v.Tags = codec.DecodeList(d, (*codec.Decoder).String)
//
// They stop encoding after an error. So encoding a value that contains itself ends at [MaxDepth], because every cycle of Go
// values goes through a pointer, a slice or a map.

// EncodeOptional writes the value that v points to, or null if v is nil. If the value itself is written as null, that is an
// error, because it would come back as a nil pointer.
func EncodeOptional[T any](e *Encoder, v *T, encode func(*Encoder, T)) {
	if e.err != nil {
		return
	}
	if e.sample != nil {
		sampleOptional(e, encode)
		return
	}
	if v == nil {
		e.null()
		return
	}
	start := len(e.buf)
	encode(e, *v)
	if string(e.buf[start:]) == "null" {
		e.buf = e.buf[:start]
		e.Fail("the pointer is not nil but its value is, and JSON has null for both; make the pointer nil or the value empty")
	}
}

// DecodeOptional reads a value and returns a pointer to it, or nil for null.
func DecodeOptional[T any](d *Decoder, decode func(*Decoder) T) *T {
	if d.null() {
		return nil
	}
	var v T
	if !d.charge(int(unsafe.Sizeof(v))) {
		return nil
	}
	v = decode(d)
	return &v
}

// EncodeList writes an array. A nil slice is null, an empty one is [].
func EncodeList[T any](e *Encoder, v []T, encode func(*Encoder, T)) {
	if e.err != nil {
		return
	}
	if e.sample != nil {
		sampleList(e, encode)
		return
	}
	if v == nil {
		e.null()
		return
	}
	e.begin('[')
	for i, element := range v {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		encode(e, element)
	}
	e.end(']')
}

// DecodeList reads an array. Null is a nil slice, [] an empty one.
func DecodeList[T any](d *Decoder, decode func(*Decoder) T) []T {
	if d.null() {
		return nil
	}
	var first [8]T // so a short list is allocated once, at its exact length
	n := 0
	var chunks [][]T // for a long list, each half as long as all before it; copied once, at the end
	for d.beginArray(); d.nextElement(); n++ {
		if n < len(first) {
			if !d.charge(int(unsafe.Sizeof(first[0]))) {
				return nil
			}
			first[n] = decode(d)
			continue
		}
		last := len(chunks) - 1
		if last < 0 || len(chunks[last]) == cap(chunks[last]) {
			length := max(n/2, len(first))
			if !d.charge(length * int(unsafe.Sizeof(first[0]))) {
				return nil
			}
			chunks = append(chunks, make([]T, 0, length))
			last++
		}
		chunks[last] = append(chunks[last], decode(d))
	}
	v := append(make([]T, 0, n), first[:min(n, len(first))]...)
	for _, chunk := range chunks {
		v = append(v, chunk...)
	}
	return v
}

// memoryFactor and freeMemory limit the memory of a document from outside: in a list of "{}", each element takes three bytes of
// text, and as many bytes of memory as the struct has.
const (
	memoryFactor = 24 // for each byte of text
	freeMemory   = 1 << 20
)

// charge counts the bytes that a part of the document takes in memory. If they are too many in a document from outside, it stops
// the decoder and returns false.
func (d *Decoder) charge(bytes int) bool {
	if !d.strict {
		return true
	}
	if d.spent += bytes; d.spent <= freeMemory+memoryFactor*len(d.data) {
		return true
	}
	d.failOf(d.pos, fmt.Sprintf("the document takes more than %d times as much memory as text; send less at once", memoryFactor), ErrTooMuchMemory)
	return false
}

// EncodeMap writes an object with its keys in byte order. A nil map is null, an empty one is {}. A key that is not valid UTF-8 is
// an error.
func EncodeMap[T any](e *Encoder, v map[string]T, encode func(*Encoder, T)) {
	if e.err != nil {
		return
	}
	if e.sample != nil {
		sampleMap(e, encode)
		return
	}
	if v == nil {
		e.null()
		return
	}
	e.begin('{')
	e.maps = append(e.maps, e.depth)
	for i, key := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.string(key)
		e.buf = append(e.buf, ':')
		encode(e, v[key])
	}
	e.maps = e.maps[:len(e.maps)-1]
	e.end('}')
}

// DecodeMap reads an object with any keys. Null is a nil map, {} an empty one. A key that occurs twice is an error.
func DecodeMap[T any](d *Decoder, decode func(*Decoder) T) map[string]T {
	if d.null() {
		return nil
	}
	v := map[string]T{}
	var zero T
	open := len(d.maps)
	d.maps = append(d.maps, d.depth+1)
	for d.BeginObject(); d.NextField(); {
		key := string(d.Key())
		if !d.charge(2 * (int(unsafe.Sizeof(key)+unsafe.Sizeof(zero)) + len(key))) { // a map grows by doubling
			break
		}
		if _, ok := v[key]; ok {
			d.mistake(d.pos, "the key occurs a second time here")
		}
		v[key] = decode(d)
	}
	d.maps = d.maps[:open]
	return v
}
