package diagnostic

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/ironflow-gen/ironflow/docs"
)

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

// Severity is Error for all codes but a few.
func (c Code) Severity() Severity {
	switch c {
	case ForeignFile, LimitKeyChanged, ScheduleChanged, RetryLowered, TimerShortened, Reopened, ClientsChanged, DeployOrder,
		LeftWaiting, PersonalChanged, PlainCopy:
		return Warning
	}
	return Error
}

// Rule explains a kind of mistake. It is a section of docs/reference/diagnostics.md, the one place where a mistake is explained.
type Rule struct {
	Code  Code
	Title string // short, without a name from the declaration
	Why   string // why it is a mistake, and how to fix it

	// Wrong and Right are an example with the mistake and one without. They are empty where an example would not fit a page, or
	// where no YAML can make the mistake.
	Wrong, Right string
	Form         Form
}

// Form is how the examples of a rule are written. Its text is the language of the code block.
type Form string

// The forms. The YAML of an example that does not begin with "ironflow:" shows only what matters; the other keys at the top
// of a declaration are those of a sample.
const (
	YAML  Form = "yaml" // the part of a declaration
	Files Form = "text" // files with their names, in the txtar format; parts of declarations among them
	Go    Form = "go"   // a file of a Go package, or code for the workflow of examples/order if the code of the rule begins with IF20
)

// Area is a group of rules, those whose codes begin alike.
type Area struct {
	Title string
	Rules []*Rule
}

// page is docs/reference/diagnostics.md, read once.
var page = sync.OnceValue(func() []Area { return parsePage(docs.Diagnostics) })

// Areas returns the rules in the order of the page.
func Areas() []Area { return page() }

// Rules returns all rules by code.
func Rules() []*Rule {
	var list []*Rule
	for _, area := range page() {
		list = append(list, area.Rules...)
	}
	slices.SortFunc(list, func(a, b *Rule) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

// Rule returns the rule of a code.
func (c Code) Rule() *Rule {
	for _, r := range Rules() {
		if r.Code == c {
			return r
		}
	}
	return &Rule{Code: c} // the zero code, in tests
}

// LookUp returns the rule of a code as a user writes it: in any case, and with the number alone or without its zeros.
func LookUp(code string) (*Rule, bool) {
	const prefix, digits = "IF", 4
	code = strings.TrimPrefix(strings.ToUpper(code), prefix)
	if code == "" || strings.Trim(code, "0123456789") != "" {
		return nil, false
	}
	r := Code(prefix + strings.Repeat("0", max(0, digits-len(code))) + code).Rule()
	return r, r.Title != ""
}

// parsePage reads the areas (##) of the page and their rules (###): a title in bold, paragraphs, and code blocks for the wrong
// and the right example.
func parsePage(text string) []Area {
	var areas []Area
	for _, section := range strings.Split(text, "\n## ")[1:] {
		parts := strings.Split(section, "\n### ")
		area := Area{Title: strings.TrimSpace(parts[0])}
		for _, part := range parts[1:] {
			area.Rules = append(area.Rules, parseRule(part))
		}
		areas = append(areas, area)
	}
	return areas
}

func parseRule(text string) *Rule {
	text, right := cutExample(text, "Right")
	text, wrong := cutExample(text, "Wrong")
	code, text, _ := strings.Cut(text, "\n\n")
	title, why, _ := strings.Cut(text, "\n\n")
	r := &Rule{Code: Code(code), Title: plain(strings.Trim(title, "*")), Why: plain(strings.TrimSpace(why))}
	form, wrong, _ := strings.Cut(wrong, "\n")
	_, right, _ = strings.Cut(right, "\n")
	r.Form, r.Wrong, r.Right = Form(form), wrong, right
	return r
}

// cutExample takes the code block below a label from the end of a rule. It begins with the line that has the language.
func cutExample(text, label string) (before, block string) {
	before, block, _ = strings.Cut(text, "\n\n"+label+":\n\n```")
	return before, strings.TrimSuffix(strings.TrimRight(block, "\n"), "\n```")
}

// plain takes the escapes of Markdown from a text.
func plain(text string) string {
	return strings.NewReplacer(`\<`, "<", `\>`, ">", `\*`, "*", `\_`, "_").Replace(text)
}
