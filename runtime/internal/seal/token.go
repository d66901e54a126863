package seal

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// mark begins each token. Inside of a JSON text its quotes would be escaped, so it is found only where an object begins.
var mark = []byte(`{"$personal":[`)

const (
	formOpen   = 0
	formSealed = 1
	formQuoted = 2 // of no subject: a value that somebody sent, and that looks like a token
)

// Has reports whether a payload may have tokens.
func Has(payload []byte) bool { return bytes.Contains(payload, mark) }

// token is what stands for a personal value.
type token struct {
	form    int
	subject string
	sealed  string // of a sealed one
	value   []byte // of an open one; nil if it is erased. Of a quoted one
}

func (t token) appendTo(to []byte) []byte {
	to = strconv.AppendInt(append(to, mark...), int64(t.form), 10)
	to = append(append(to, ','), quote(t.subject)...)
	switch {
	case t.form == formSealed:
		to = append(append(append(to, `,"`...), t.sealed...), '"')
	case t.value != nil:
		to = append(append(to, ','), t.value...)
	}
	return append(to, "]}"...)
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // cannot fail for a text
	return quoted
}

// next finds the first token from a place on. Something that only looks like one is passed over.
func next(payload []byte, from int) (t token, start, end int, found bool) {
	for {
		at := bytes.Index(payload[from:], mark)
		if at < 0 {
			return token{}, 0, 0, false
		}
		start = from + at
		if end = skip(payload, start); end < 0 {
			return token{}, 0, 0, false
		}
		var object struct {
			Parts []json.RawMessage `json:"$personal"`
		}
		if json.Unmarshal(payload[start:end], &object) == nil && t.read(object.Parts) && isMember(payload, start) {
			return t, start, end, true
		}
		from = start + len(mark)
	}
}

func (t *token) read(parts []json.RawMessage) bool {
	if len(parts) < 2 || json.Unmarshal(parts[0], &t.form) != nil || json.Unmarshal(parts[1], &t.subject) != nil {
		return false
	}
	switch {
	case t.form == formSealed && len(parts) == 3:
		return json.Unmarshal(parts[2], &t.sealed) == nil
	case len(parts) == 3 && (t.form == formOpen || t.form == formQuoted):
		t.value = parts[2]
		return true
	}
	return t.form == formOpen && len(parts) == 2
}

// isMember reports whether the value at a place is that of a member of an object.
func isMember(payload []byte, at int) bool {
	before := bytes.TrimRight(payload[:at], " \t\r\n")
	return len(before) > 0 && before[len(before)-1] == ':'
}

// skip returns the end of the value that begins at a place of valid JSON, -1 if there is no end.
func skip(payload []byte, at int) int {
	depth := 0
	for i := at; i < len(payload); i++ {
		switch payload[i] {
		case '"':
			if i = endOfText(payload, i) - 1; i < 0 {
				return -1
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i // of a number or word that ends with what it is in
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	if depth == 0 {
		return len(payload)
	}
	return -1
}

// endOfText returns the place after the text whose first quote is at a place, -1 if it does not end.
func endOfText(payload []byte, at int) int {
	for i := at + 1; i < len(payload); i++ {
		switch payload[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// rewrite replaces tokens. with returns what takes the place of one; nil removes the member that has it, and keep leaves it.
func rewrite(payload []byte, with func(token) (value []byte, keep bool)) []byte {
	var to []byte
	done := 0
	for from := 0; ; {
		t, start, end, found := next(payload, from)
		if !found {
			break
		}
		value, keep := with(t)
		from = end
		switch {
		case keep:
			continue
		case value != nil:
			to = append(append(to, payload[done:start]...), value...)
			done = end
		default:
			first, last := member(payload, start, end)
			if first < done { // the comma went with the member before
				first = done
			}
			to = append(to, payload[done:first]...)
			done = last
			if payload[last-1] != ',' && len(to) > 0 { // it was the last member; the one before keeps no comma
				to = dropComma(to)
			}
			from = last
		}
	}
	if to == nil {
		return payload
	}
	return append(to, payload[done:]...)
}

// member returns the bounds of a member with its value, and with the comma that follows.
func member(payload []byte, start, end int) (first, last int) {
	isSpace := func(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }
	i := start - 1
	for payload[i] != ':' {
		i--
	}
	for i--; isSpace(payload[i]); i-- {
	}
	for i--; ; i-- { // to the quote that begins the name: the nearest one that is not escaped
		if payload[i] != '"' {
			continue
		}
		slashes := 0
		for payload[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			break
		}
	}
	last = end
	for last < len(payload) && isSpace(payload[last]) {
		last++
	}
	if last < len(payload) && payload[last] == ',' {
		return i, last + 1
	}
	return i, end
}

func dropComma(to []byte) []byte {
	trimmed := bytes.TrimRight(to, " \t\r\n")
	if len(trimmed) > 0 && trimmed[len(trimmed)-1] == ',' {
		return trimmed[:len(trimmed)-1]
	}
	return to
}

// Subjects adds the subjects of the tokens of a payload to a set.
func Subjects(payload []byte, to map[string]bool) {
	if !Has(payload) {
		return
	}
	rewrite(payload, func(t token) ([]byte, bool) {
		if t.form == formSealed && t.sealed != "" {
			to[t.subject] = true
		}
		return nil, true
	})
}

// Open returns a payload with the values of its tokens. erased takes the place of values that are erased; nil removes their fields. A
// token that was not made with the key for the instance is left as it is: someone has sent it as a value.
func Open(payload []byte, instance store.InstanceKey, keys func(subject string) Key, erased []byte) []byte {
	if !Has(payload) {
		return payload
	}
	return rewrite(payload, func(t token) ([]byte, bool) {
		switch {
		case t.form == formQuoted:
			return t.value, false
		case t.form != formSealed:
			return nil, true
		case t.sealed == "":
			return erased, false
		}
		key := keys(t.subject)
		if key.Erased() {
			return erased, false
		}
		value, err := key.decrypt(instance, t.sealed)
		return value, err != nil
	})
}

// Export returns a payload whose sealed tokens are open ones.
func Export(payload []byte, instance store.InstanceKey, keys func(subject string) Key) []byte {
	if !Has(payload) {
		return payload
	}
	return rewrite(payload, func(t token) ([]byte, bool) {
		if t.form != formSealed {
			return nil, true
		}
		open := token{form: formOpen, subject: t.subject}
		if key := keys(t.subject); t.sealed != "" && !key.Erased() {
			var err error
			if open.value, err = key.decrypt(instance, t.sealed); err != nil {
				return nil, true
			}
		}
		return open.appendTo(nil), false
	})
}

// Exported adds the subjects of the open tokens of a payload that have a value to a set.
func Exported(payload []byte, to map[string]bool) {
	if !Has(payload) {
		return
	}
	rewrite(payload, func(t token) ([]byte, bool) {
		if t.form == formOpen && t.value != nil {
			to[t.subject] = true
		}
		return nil, true
	})
}

// Import is the reverse of Export.
func Import(payload []byte, instance store.InstanceKey, keys func(subject string) Key) []byte {
	if !Has(payload) {
		return payload
	}
	return rewrite(payload, func(t token) ([]byte, bool) {
		if t.form != formOpen {
			return nil, true
		}
		sealed := token{form: formSealed, subject: t.subject}
		if t.value != nil {
			sealed.sealed = keys(t.subject).encrypt(instance, t.value)
		}
		return sealed.appendTo(nil), false
	})
}
