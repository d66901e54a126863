package spec

import (
	"go/token"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// maxName limits the bytes of one name. Names become SQL values, metric labels and file content; none needs to be longer.
const maxName = 100

// initialisms are the words that Go writes in capitals.
var initialisms = setOf(
	"ACL", "API", "ASCII", "CPU", "CSS", "DNS", "EOF", "GUID", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON", "QPS", "RAM",
	"RPC", "SLA", "SMTP", "SQL", "SSH", "TCP", "TLS", "TTL", "UDP", "UI", "UID", "URI", "URL", "UTF8", "UUID", "VM", "XML",
)

// setOf returns a set of words.
func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// GoName returns the exported Go form of a name in snake_case, kebab-case or camelCase: order_id gives OrderID, paid_at
// gives PaidAt, in-transit gives InTransit. It returns an identifier or, for a name that begins with a digit, the part
// of one that can follow a prefix.
func GoName(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		upper := strings.ToUpper(word)
		singular := strings.TrimSuffix(upper, "S")
		switch {
		case initialisms[upper]:
			b.WriteString(upper)
		case singular != upper && initialisms[singular]:
			b.WriteString(singular + "s")
		default:
			b.WriteString(upper[:1] + word[1:])
		}
	}
	return b.String()
}

// SnakeName returns the snake_case form of a name: OrderID gives order_id.
func SnakeName(name string) string {
	return strings.ToLower(strings.Join(words(name), "_"))
}

// words splits a name at everything that is no ASCII letter or digit, and where a capital begins a word: orderID is
// "order", "ID", HTTPServer is "HTTP", "Server", and OrderIDs is "Order", "IDs".
func words(name string) []string {
	var list []string
	start := 0
	cut := func(end int) {
		if end > start {
			list = append(list, name[start:end])
		}
	}
	for i := 0; i < len(name); i++ {
		switch {
		case !isLetter(name[i]) && !isDigit(name[i]):
			cut(i)
			start = i + 1
		case i > start && isUpper(name[i]) && (!isUpper(name[i-1]) || i+1 < len(name) && isLower(name[i+1])) && !endsPlural(name, start, i):
			cut(i)
			start = i
		}
	}
	cut(len(name))
	return list
}

// endsPlural reports whether the capital at i is the last of an initialism in the plural that begins at start.
func endsPlural(name string, start, i int) bool {
	return i+1 < len(name) && name[i+1] == 's' && (i+2 == len(name) || !isLower(name[i+2])) && initialisms[name[start:i+1]]
}

func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return isUpper(c) || isLower(c) }

// form is what a kind of name must look like.
type form struct {
	rule string                   // completes "must be ..."
	ok   func(name string) bool   // without the length
	fix  func(name string) string // a name of this form near the given one; may fail
}

var (
	exportedForm = form{
		rule: "letters and digits beginning with a capital, like OrderPlaced",
		ok: func(name string) bool {
			return isUpper(name[0]) && all(name, func(c byte) bool { return isLetter(c) || isDigit(c) })
		},
		fix: GoName,
	}
	snakeForm = form{
		rule: "small letters, digits and underscores beginning with a letter, like order_id",
		ok: func(name string) bool {
			return isLower(name[0]) && all(name, func(c byte) bool { return isLower(c) || isDigit(c) || c == '_' })
		},
		fix: SnakeName,
	}
	packageForm = form{
		rule: "the name of a Go package in small letters: no keyword, not main or documentation, and without _test at its end",
		ok: func(name string) bool {
			return snakeForm.ok(name) && !token.IsKeyword(name) && name != "main" && name != "documentation" && !strings.HasSuffix(name, "_test")
		},
		fix: func(name string) string { return strings.ReplaceAll(SnakeName(name), "_", "") },
	}
	// An enum value is JSON text first: "in-transit" and "EUR" are as good as "red" while they name a Go constant.
	valueForm = form{
		rule: "printable ASCII with at least one letter or digit",
		ok: func(name string) bool {
			return GoName(name) != "" && all(name, func(c byte) bool { return ' ' <= c && c <= '~' })
		},
		fix: func(string) string { return "" },
	}
)

func all(name string, ok func(byte) bool) bool {
	for i := range len(name) {
		if !ok(name[i]) {
			return false
		}
	}
	return true
}

// valid reports whether a name has the form and a sane length.
func (f form) valid(name string) bool {
	return name != "" && len(name) <= maxName && f.ok(name)
}

// check reports a name that does not have the form. kind says what is named, as in "event".
func (f form) check(d *Diagnostics, kind string, n Name) {
	switch {
	case n.Text == "" || f.valid(n.Text):
	case len(n.Text) > maxName:
		d.Report(n.Pos, diagnostic.LongName, "%s name is %d bytes long; a name may be at most %d", kind, len(n.Text), maxName)
	default:
		hint := ""
		if fix := f.fix(n.Text); f.valid(fix) {
			hint = "write " + quote(fix)
		}
		d.Report(n.Pos, diagnostic.NameForm, "%s name %q must be %s; %s", kind, n.Text, f.rule, hint)
	}
}

// IsSnake reports whether a name has the form of fields, states and timers in YAML.
func IsSnake(name string) bool { return snakeForm.valid(name) }

// IsTypeName reports whether a name has the form of types and messages.
func IsTypeName(name string) bool { return exportedForm.valid(name) }
