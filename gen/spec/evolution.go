package spec

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// byDefault checks the default of a field, and turns what is written into JSON.
func (c *checker) byDefault(owner string, f *Field) {
	if f.Default == (Name{}) || f.Default.unread() && c.w.Form == YAML && !c.d.Empty() {
		return
	}
	text, ok := defaultJSON(&f.Type, f.Default.Text)
	switch {
	case ok:
		f.Default.Text = text
	case isUnknown(&f.Type):
	case text != "":
		c.d.Report(f.Default.Pos, diagnostic.BadDefault, "default of field %q of %s is %q, which is no %s; %s", f.Name.Text, owner, f.Default.Text, c.w.Form.typeText(&f.Type), text)
	default:
		c.d.Report(f.Default.Pos, diagnostic.BadDefault, "field %q of %s is of type %s, which has no default; make it optional", f.Name.Text, owner, c.w.Form.typeText(&f.Type))
	}
}

var decimalForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// defaultJSON returns a default as JSON. When it does not fit the type, the text says what does; it is empty for a type that can have none.
func defaultJSON(ref *TypeRef, text string) (json string, ok bool) {
	if ref.Kind == Declared && ref.Decl != nil && ref.Decl.Kind == Enum {
		var values []string
		for _, v := range ref.Decl.Values {
			if v.Name.Text == text || v.Name.Stored() == text {
				return quoteJSON(v.Name.Stored()), true
			}
			values = append(values, v.Name.Text)
		}
		return "it is one of " + strings.Join(values, ", "), false
	}
	if ref.Kind != Scalar {
		return "", false
	}
	var err error
	bits, isInt := map[string]int{"int": 64, "int32": 32, "int64": 64, "uint32": 32, "uint64": 64}[ref.Name]
	switch {
	case ref.Name == "string":
		return quoteJSON(text), true
	case ref.Name == "bool":
		if text == "true" || text == "false" {
			return text, true
		}
		return "write true or false", false
	case isInt && ref.Name[0] == 'u':
		var n uint64
		n, err = strconv.ParseUint(text, 10, bits)
		text = strconv.FormatUint(n, 10)
	case isInt:
		var n int64
		n, err = strconv.ParseInt(text, 10, bits)
		text = strconv.FormatInt(n, 10)
	case ref.Name == "float64":
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		text = strconv.FormatFloat(f, 'g', -1, 64)
	case ref.Name == "decimal":
		if decimalForm.MatchString(text) {
			return quoteJSON(text), true
		}
		return `write a number like 12.50`, false
	case ref.Name == "duration":
		var d time.Duration
		if d, ok = ParseDuration(text); ok {
			return quoteJSON(d.String()), true
		}
		return "write a duration like 500ms or 2h", false
	default:
		return "", false
	}
	if err != nil || strings.ContainsAny(text, "IN") { // infinity and NaN
		return "write a number that fits", false
	}
	return text, true
}

func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text) // a string
	return string(quoted)
}

// DefaultText returns the default of a field as a declaration has it, without the quotes of JSON.
func (f *Field) DefaultText() string {
	var text string
	if json.Unmarshal([]byte(f.Default.Text), &text) == nil {
		return text
	}
	return f.Default.Text
}

// was checks what a message says of the version before. kind is what it is, as in "event".
func (c *checker) was(kind string, m *Message) {
	seen := make(map[string]bool)
	for _, f := range m.Fields {
		switch {
		case f.Was.Text == "":
		case m.Version() == 1:
			c.d.Report(f.Was.Pos, diagnostic.WasNotBefore, `field %q of %s %q has "was", and the %s has no version before; write "as: %s" to keep the stored name, or give the %s a "version"`,
				f.Name.Text, kind, m.Name.Text, kind, f.Was.Text, kind)
		case seen[f.Was.Text]:
			c.d.Report(f.Was.Pos, diagnostic.WasNotBefore, `two fields of %s %q were %q; write a method of Upcaster instead of one of them`, kind, m.Name.Text, f.Was.Text)
		}
		seen[f.Was.Text] = f.Was.Text != ""
	}
}

// allowed checks what the declaration lets pass.
func (c *checker) allowed() {
	for _, a := range c.w.Allowed {
		r, known := diagnostic.LookUp(a.Code)
		switch {
		case !known || string(r.Code) != a.Code || a.Code < string(diagnostic.EventRemoved) || a.Subject == "":
			c.d.Report(a.Pos, diagnostic.BadAllowance, `allow has %q; write the code and the subject as the message has them, like "IF3103 event Paid.cents"`, strings.TrimSpace(a.Code+" "+a.Subject))
		case a.Reason == "":
			c.d.Report(a.Pos, diagnostic.BadAllowance, "allow has no reason for %q; say why nothing breaks", a.Code+" "+a.Subject)
		}
	}
	slices.SortStableFunc(c.w.Allowed, func(a, b Allowance) int { return a.Pos.Compare(b.Pos) })
}
