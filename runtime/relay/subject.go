package relay

import (
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// template is a parsed Relay.Subject: texts and placeholders in turn.
type template []func(*store.StoredEvent) string

var placeholders = map[string]func(*store.StoredEvent) string{
	"workflow": func(e *store.StoredEvent) string { return Escape(e.Instance.Workflow) },
	"id":       func(e *store.StoredEvent) string { return Escape(e.Instance.ID) },
	"event":    func(e *store.StoredEvent) string { return Escape(e.Type) },
}

func parseTemplate(text string) (parsed template, err error) {
	for rest := text; rest != ""; {
		literal, tail, found := strings.Cut(rest, "{")
		if i := strings.IndexFunc(literal, func(r rune) bool { return !plain(r) && r != '.' && r != '_' }); i >= 0 {
			return nil, fmt.Errorf("subject %q has the character %q; besides placeholders, use letters, digits, '-', '_' and '.'", text, literal[i:i+1])
		}
		if literal != "" {
			parsed = append(parsed, func(*store.StoredEvent) string { return literal })
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(tail, "}")
		value := placeholders[name]
		if !closed || value == nil {
			return nil, fmt.Errorf("subject %q: unknown placeholder {%s; use {workflow}, {id} or {event}", text, tail)
		}
		parsed, rest = append(parsed, value), after
	}
	if strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".") || strings.Contains(text, "..") {
		return nil, fmt.Errorf("subject %q has an empty part between its dots", text)
	}
	return parsed, nil
}

func (t template) of(e *store.StoredEvent) string {
	var b strings.Builder
	for _, part := range t {
		b.WriteString(part(e))
	}
	return b.String()
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
