package diagnostic

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Code names a kind of mistake: IF and four digits, the first two of which are the area. A code keeps its meaning for
// ever; one that is given up is never given to something else. Only this package makes codes, so each has its rule.
type Code struct{ text string }

func (c Code) String() string { return c.text }

// MarshalText writes the code into JSON.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.text), nil }

// Severity says how bad a mistake is.
type Severity int

// The severities.
const (
	Error   Severity = iota // nothing is generated
	Warning                 // worth a look
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Rule is all that there is to say of a kind of mistake, whatever the declaration.
type Rule struct {
	Code     Code
	Severity Severity
	Title    string // short, without a name from the declaration
	Why      string // why it is a mistake, and how to get out of it

	// Wrong and Right are an example with the mistake and one without. They are empty where that takes more than fits a page,
	// or where no YAML can make the mistake.
	Wrong, Right string
	Form         Form
}

// Form is how the examples of a rule are written.
type Form int

// The forms. The YAML of an example that does not begin with "ironflow:" shows only what matters; the other keys at the top
// of a declaration are those of a sample.
const (
	YAML    Form = iota // the part of a declaration
	Files               // files with their names, in the txtar format; parts of declarations among them
	Go                  // a file of a Go package
	Methods             // Go code that a user writes for the workflow of examples/order
)

// Area is a group of rules, those whose codes begin alike.
type Area struct {
	Prefix string // IF01
	Title  string
}

// areas are in the order of their prefixes. A new one takes the next free number.
var areas = []Area{
	{"IF00", "In general"},
	{"IF01", "Files and YAML"},
	{"IF02", "Keys and values"},
	{"IF03", "Names"},
	{"IF04", "Types and fields"},
	{"IF05", "Workflow and instances"},
	{"IF06", "Effects"},
	{"IF07", "Timers and schedules"},
	{"IF08", "States"},
	{"IF09", "Packages and generated files"},
	{"IF10", "Annotated Go types"},
	{"IF20", "Code for a workflow"},
}

var (
	rules    = make(map[Code]*Rule)
	codeForm = regexp.MustCompile(`^IF\d{4}$`)
)

// define adds a rule to the table. It is called for package variables only.
func define(code string, r Rule) Code {
	r.Code = Code{code}
	for _, text := range []*string{&r.Why, &r.Wrong, &r.Right} {
		*text = strings.TrimPrefix(*text, "\n")
	}
	if rules[r.Code] != nil || !codeForm.MatchString(code) {
		panic(fmt.Sprintf("the code %q is taken or malformed", code))
	}
	rules[r.Code] = &r
	return r.Code
}

// LookUp returns the rule of a code as a user writes it: in any case, and with the number alone or without its zeros.
func LookUp(code string) (*Rule, bool) {
	code = strings.TrimPrefix(strings.ToUpper(code), codePrefix)
	if code == "" || strings.Trim(code, "0123456789") != "" {
		return nil, false
	}
	r, ok := rules[Code{codePrefix + strings.Repeat("0", max(0, codeDigits-len(code))) + code}]
	return r, ok
}

// A code is this prefix and so many digits.
const (
	codePrefix = "IF"
	codeDigits = 4
)

// Rule returns the rule of a code.
func (c Code) Rule() *Rule {
	if r := rules[c]; r != nil {
		return r
	}
	return &Rule{Code: c} // the zero code, in tests
}

// Rules returns all rules by code.
func Rules() []*Rule {
	list := make([]*Rule, 0, len(rules))
	for _, r := range rules {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *Rule) int { return cmp.Compare(a.Code.text, b.Code.text) })
	return list
}

// Areas returns the areas in the order of their codes.
func Areas() []Area { return slices.Clone(areas) }
