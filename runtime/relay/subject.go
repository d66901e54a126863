package relay

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// template is a parsed Relay.Subject or Relay.DataSchema: texts and placeholders in turn.
type template []func(*store.StoredEvent) string

// placeholders are the values that a template may have.
type placeholders map[string]func(*store.StoredEvent) string

var inSubject = placeholders{
	"workflow": func(e *store.StoredEvent) string { return Escape(e.Instance.Workflow) },
	"id":       func(e *store.StoredEvent) string { return Escape(e.Instance.ID) },
	"event":    func(e *store.StoredEvent) string { return Escape(e.Type) },
}

var inDataSchema = placeholders{
	"workflow": func(e *store.StoredEvent) string { return url.PathEscape(e.Instance.Workflow) },
	"event":    func(e *store.StoredEvent) string { return url.PathEscape(e.Type) },
	"version":  func(e *store.StoredEvent) string { return strconv.Itoa(e.SchemaVersion) },
}

// parse reads a template. The texts between its placeholders are literals.
func (p placeholders) parse(text string) (parsed template, literals string, err error) {
	for rest := text; rest != ""; {
		literal, tail, found := strings.Cut(rest, "{")
		literals += literal
		if literal != "" {
			parsed = append(parsed, func(*store.StoredEvent) string { return literal })
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(tail, "}")
		value := p[name]
		if !closed || value == nil {
			known := slices.Sorted(maps.Keys(p))
			return nil, "", fmt.Errorf("unknown placeholder {%s; use {%s}", tail, strings.Join(known, "}, {"))
		}
		parsed, rest = append(parsed, value), after
	}
	return parsed, literals, nil
}

func parseSubject(text string) (template, error) {
	parsed, literals, err := inSubject.parse(text)
	if i := strings.IndexFunc(literals, func(r rune) bool { return !plain(r) && r != '.' && r != '_' }); i >= 0 {
		err = fmt.Errorf("it has the character %q; besides placeholders, use letters, digits, '-', '_' and '.'", literals[i:i+1])
	}
	if err == nil && (strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".") || strings.Contains(text, "..")) {
		err = errors.New("it has an empty part between its dots")
	}
	if err != nil {
		return nil, fmt.Errorf("subject %q: %w", text, err)
	}
	return parsed, nil
}

func parseDataSchema(text string) (template, error) {
	parsed, _, err := inDataSchema.parse(text)
	if err == nil && text != "" {
		sample := parsed.of(&store.StoredEvent{Instance: store.InstanceKey{Workflow: "w"}, Type: "E"})
		if uri, problem := url.Parse(sample); problem != nil || !uri.IsAbs() || strings.ContainsFunc(sample, noURI) {
			err = errors.New("it is no absolute URI; write for example https://example.com/{workflow}/{event}/{version}")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("DataSchema %q: %w", text, err)
	}
	return parsed, nil
}

// noURI reports whether a URI cannot have a character.
func noURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

func (t template) of(e *store.StoredEvent) string {
	var room [128]byte
	b := room[:0]
	for _, part := range t {
		b = append(b, part(e)...)
	}
	return string(b)
}

// plain reports whether Escape leaves a character as it is.
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
}

// Escape returns a text in the characters that one part of a subject of NATS and a topic of Kafka may have: ASCII letters, digits and '-'
// stay, and each other byte is written as '_' and two hexadecimal digits. Different texts stay different; see Unescape.
func Escape(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; plain(rune(c)) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'_', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// Unescape returns the text that Escape was given. It fails if Escape does not write the text.
func Unescape(escaped string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c == '_' && i+2 < len(escaped) {
			if _, err := fmt.Sscanf(escaped[i+1:i+3], "%02X", &c); err == nil {
				i += 2
			}
		}
		b.WriteByte(c)
	}
	if text := b.String(); Escape(text) == escaped {
		return text, nil
	}
	return "", fmt.Errorf("%q is not written by Escape", escaped)
}
