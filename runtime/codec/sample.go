package codec

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"
)

// NewSampler returns an encoder that writes values of its own in place of those that it is given, always the same ones for a seed: texts,
// numbers and times that repeat, enums of their values, lists and maps of up to three elements. What it writes can be decoded. The value of an imported
// type is written as it is given, which is its zero value in a list, a map or an optional. It is for checks of code that gets what a declaration allows.
func NewSampler(seed uint64) *Encoder {
	e := NewEncoder()
	e.sample = &sampler{rand: rand.New(rand.NewPCG(seed, 0))}
	return e
}

// sampler chooses values. They are few, so that the same ones meet again, and those of each kind have a border among them.
type sampler struct {
	rand      *rand.Rand
	describes bool // writes types in place of values, see Describe
}

var (
	sampleTexts    = []string{"a", "b", "c", "a b", "", "é", "0", "42", "a longer text, of more than thirty-two bytes"}
	sampleIntegers = []int64{0, 1, 2, 3, 7, 10, 42, 100, 1000, 65536, -1, -100}
	sampleFloats   = []float64{0, 1, 0.5, -1.25, 100, 1e6}
	sampleDecimals = []string{"0", "1", "2.50", "-3.75", "1000000.01"}
	sampleJSON     = []string{`{}`, `[]`, `{"a":1}`, `"a"`, `1`, `true`}
	samplePauses   = []time.Duration{0, time.Second, time.Minute, 36 * time.Hour, -time.Second}
	sampleEpoch    = time.Date(2026, time.January, 2, 3, 4, 5, 6000, time.UTC)
)

func choose[T any](s *sampler, values []T) T { return values[s.rand.IntN(len(values))] }

func (s *sampler) unsigned() uint64 {
	if v := choose(s, sampleIntegers); v > 0 {
		return uint64(v)
	}
	return 0
}

func (s *sampler) time() time.Time { return sampleEpoch.Add(choose(s, samplePauses)) }

func (s *sampler) json() json.RawMessage { return json.RawMessage(choose(s, sampleJSON)) }

func (s *sampler) bytes() []byte { return []byte(choose(s, sampleTexts)) }

// sampleDepth is how deep containers are filled. A type may contain itself.
const sampleDepth = 6

// length returns how many elements a list or map has, -1 for null.
func (s *sampler) length(depth int) int {
	if depth >= sampleDepth {
		return -1
	}
	return s.rand.IntN(5) - 1
}

// sampleOptional, sampleList and sampleMap write what the functions of these containers are not given.
func sampleOptional[T any](e *Encoder, encode func(*Encoder, T)) {
	if e.sample.describes {
		describeElement(e, optionalWord, encode)
		return
	}
	if e.sample.length(e.depth) < 0 {
		e.null()
		return
	}
	var v T
	encode(e, v)
}

func sampleList[T any](e *Encoder, encode func(*Encoder, T)) {
	if e.sample.describes {
		describeElement(e, listWord, encode)
		return
	}
	n := e.sample.length(e.depth)
	if n < 0 {
		e.null()
		return
	}
	e.begin('[')
	for i := range n {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		var v T
		encode(e, v)
	}
	e.end(']')
}

func sampleMap[T any](e *Encoder, encode func(*Encoder, T)) {
	if e.sample.describes {
		describeElement(e, mapWord, encode)
		return
	}
	n := e.sample.length(e.depth)
	if n < 0 {
		e.null()
		return
	}
	e.begin('{')
	e.maps = append(e.maps, e.depth)
	for i := range n {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = strconv.AppendQuote(e.buf, string(rune('a'+i)))
		e.buf = append(e.buf, ':')
		var v T
		encode(e, v)
	}
	e.maps = e.maps[:len(e.maps)-1]
	e.end('}')
}
