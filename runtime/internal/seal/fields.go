package seal

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Fields says which values of a payload are personal. It is a tree of the payload's objects and lists; nil has none.
type Fields struct {
	personal bool
	below    map[string]*Fields // by the name of a member, the index in a list, or * for all members or elements
}

// NewFields returns the fields at paths. The steps of a path are separated by dots: the name of a field, * for each element of a list or map, or the
// index of an element. A dot or a backslash in a name follows a backslash.
func NewFields(paths []string) *Fields {
	if len(paths) == 0 {
		return nil
	}
	top := &Fields{}
	for _, path := range paths {
		f := top
		for _, step := range steps(path) {
			if f.below == nil {
				f.below = make(map[string]*Fields)
			}
			if f.below[step] == nil {
				f.below[step] = &Fields{}
			}
			f = f.below[step]
		}
		f.personal = true
	}
	return top
}

func steps(path string) (list []string) {
	var step strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '.':
			list = append(list, step.String())
			step.Reset()
		case path[i] == '\\' && i+1 < len(path):
			i++
			fallthrough
		default:
			step.WriteByte(path[i])
		}
	}
	return append(list, step.String())
}

// Under returns the fields of a payload that has another one as the value of a member.
func (f *Fields) Under(name string) *Fields {
	if f == nil {
		return nil
	}
	return &Fields{below: map[string]*Fields{name: f}}
}

func (f *Fields) at(step string) *Fields {
	if f == nil {
		return nil
	}
	if below, ok := f.below[step]; ok {
		return below
	}
	return f.below["*"]
}

// Seal returns a payload with a token in place of each personal value, and with quotes around other values that look like tokens. null is no
// value and stays.
func (f *Fields) Seal(payload []byte, instance store.InstanceKey, subject string, key Key) []byte {
	if f == nil && !Has(payload) {
		return payload
	}
	s := sealer{payload: payload, instance: instance, subject: subject, key: key}
	s.value(f)
	if s.done == 0 {
		return payload
	}
	return append(s.to, payload[s.done:]...)
}

// Quote returns a payload without personal values as Seal does.
func Quote(payload []byte) []byte {
	return (*Fields)(nil).Seal(payload, store.InstanceKey{}, "", Key{})
}

// Any reports whether a payload has a personal value.
func (f *Fields) Any(payload []byte) bool {
	if f == nil {
		return false
	}
	s := sealer{payload: payload}
	s.value(f)
	return s.found
}

// sealer walks through a payload. What is not JSON ends the walk.
type sealer struct {
	payload  []byte
	instance store.InstanceKey
	subject  string
	key      Key

	at    int    // the place
	to    []byte // the result up to done
	done  int
	found bool // a personal value
}

func (s *sealer) space() byte {
	for ; s.at < len(s.payload); s.at++ {
		if b := s.payload[s.at]; b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b
		}
	}
	return 0
}

// value walks through the value at the place, or past it if nothing in it is personal. It returns false at the end of the walk.
func (s *sealer) value(f *Fields) bool {
	begin := s.space()
	start := s.at
	switch {
	case f == nil || f.personal:
		if s.at = skip(s.payload, start); s.at < 0 || s.at == start {
			return false
		}
		if f == nil {
			s.quote(start, s.at)
		} else if begin != 'n' { // null
			s.replace(start, s.at)
		}
		return true
	case begin == '{':
		return s.members('}', func(int) *Fields {
			s.space()
			end := endOfText(s.payload, s.at)
			if end < 0 {
				return nil
			}
			name := s.payload[s.at+1 : end-1]
			text := string(name)
			if slices.Contains(name, '\\') && json.Unmarshal(s.payload[s.at:end], &text) != nil {
				return nil
			}
			s.at = end
			if s.space() == ':' {
				s.at++
			}
			return f.at(text)
		})
	case begin == '[':
		return s.members(']', func(i int) *Fields { return f.at(strconv.Itoa(i)) })
	}
	s.at = skip(s.payload, start)
	return s.at > start
}

// members walks through an object or a list. of reads the name of a member, and returns its fields.
func (s *sealer) members(end byte, of func(i int) *Fields) bool {
	s.at++
	for i := 0; ; i++ {
		if b := s.space(); b == end {
			s.at++
			return true
		} else if b == 0 {
			return false
		} else if b == ',' {
			s.at++
			i--
			continue
		}
		if !s.value(of(i)) {
			return false
		}
	}
}

// replace puts a sealed token in place of a personal value.
func (s *sealer) replace(start, end int) {
	s.found = true
	s.put(token{form: formSealed, subject: s.subject, sealed: s.key.encrypt(s.instance, s.payload[start:end])}, start, end)
}

// quote quotes what looks like a token in a value without personal ones.
func (s *sealer) quote(start, end int) {
	for {
		_, first, last, found := next(s.payload[:end], start)
		if !found {
			return
		}
		s.put(token{form: formQuoted, value: s.payload[first:last]}, first, last)
		start = last
	}
}

func (s *sealer) put(t token, start, end int) {
	s.to = t.appendTo(append(s.to, s.payload[s.done:start]...))
	s.done = end
}
