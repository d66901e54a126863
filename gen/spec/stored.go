package spec

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// fieldCharacters are those that encoding/json takes in the name of a tag beside letters and digits.
const fieldCharacters = "!#$%&()*+-./:;<=>?@[]^_{|}~ "

// schedulePrefix begins what the runtime stores for schedules, where inputs, effects and timers have their names.
const schedulePrefix = "schedule:"

// checkStored reports a text that nothing can be stored under. kind says what is stored, as in "event".
func checkStored(d *Diagnostics, kind string, n Name) {
	if n.Text == "" {
		return
	}
	wrong := ""
	switch {
	case len(n.Text) > maxName:
		d.Report(n.Pos, diagnostic.LongName, "%s name is %d bytes long; a name may be at most %d", kind, len(n.Text), maxName)
		return
	case !utf8.ValidString(n.Text) || strings.ContainsFunc(n.Text, func(c rune) bool { return !unicode.IsPrint(c) }):
		wrong = "has a character that cannot be printed; use letters, digits, punctuation and plain spaces"
	case n.Text != strings.TrimSpace(n.Text):
		wrong = "begins or ends with a space; remove it"
	case !strings.ContainsFunc(n.Text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }):
		wrong = "has no letter and no digit; add one"
	case kind == "field":
		for _, c := range n.Text {
			if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(fieldCharacters, c) {
				wrong = "has the character " + quote(string(c)) + ", which the JSON tag of a Go field cannot have; use letters, digits and " + fieldCharacters
				break
			}
		}
	case kind == "input" && strings.Contains(n.Text, "/"):
		wrong = "has a slash, which cannot be in the path that it is sent to over HTTP; choose another"
	case strings.HasPrefix(n.Text, schedulePrefix) && (kind == "input" || kind == "effect" || kind == "timer"):
		wrong = "begins with " + quote(schedulePrefix) + ", as the stored names of schedules do; choose another"
	}
	if wrong != "" {
		d.Report(n.Pos, diagnostic.StoredForm, "%s name %q %s", kind, n.Text, wrong)
	}
}

// storedAs checks what a declaration says with "as".
func (c *checker) storedAs(kind string, n Name) {
	checkStored(c.d, kind, Name{Text: n.StoredAs, Pos: n.AsPos})
}

// declare checks what things of one kind are stored under, and returns that. owner is what they belong to, as in `the state`, "" for
// the workflow. reserved are stored names that something else has.
func (c *checker) declare(kind, owner string, names []Name, reserved ...string) storedTexts {
	if owner != "" {
		owner = " of " + owner
	}
	texts := make(storedTexts)
	seen := make(map[string]Name, len(names))
	for _, n := range names {
		if n.Text == "" {
			continue
		}
		c.storedAs(kind, n)
		stored := n.Stored()
		if n.StoredAs != "" {
			texts[n.Text] = stored
		}
		first, again := seen[stored]
		switch {
		case n.StoredAs != "" && slices.Contains(reserved, stored):
			c.d.Report(n.AsPos, diagnostic.StoredCollision, "%s %q%s is stored as %q, and ironflow itself stores something under this name; choose another",
				kind, n.Text, owner, stored)
		case again && first.Text != n.Text: // two of one name are reported as such
			c.d.Report(storedPos(n), diagnostic.StoredCollision, "%s %q%s and %q at %s would both be stored as %q; store one of them under another name",
				kind, n.Text, owner, first.Text, first.Pos, stored).Relate(storedPos(first), "the other one")
		case !again:
			seen[stored] = n
		}
	}
	return texts
}

// storedPos is where the stored name of something is written.
func storedPos(n Name) Pos {
	if n.AsPos.Line > 0 {
		return n.AsPos
	}
	return n.Pos
}

// stored checks the stored names of all that is declared, and gives each use of a name its stored one.
func (c *checker) stored() {
	w := c.w
	c.storedAs("workflow", w.Name)
	inputs := c.declare("input", "", namesOf(w.Inputs, messageName))
	events := c.declare("event", "", namesOf(w.Events, messageName))
	effects := c.declare("effect", "", namesOf(w.Effects, func(e *Effect) Name { return e.Name }))
	timers := c.declare("timer", "", namesOf(w.Timers, func(t *Timer) Name { return t.Name }))
	states := c.declare("state", "", namesOf(w.States, func(s *State) Name { return s.Name }))
	var reserved, status []string
	if w.HasStates() {
		reserved, status = []string{"NotAccepted"}, []string{statusField}
	}
	if w.External {
		reserved = []string{"NotAccepted"}
	}
	rejections := c.declare("rejection", "", namesOf(w.Rejections, messageName), reserved...)
	for _, t := range w.Types {
		owner := "type " + quote(t.Name.Text)
		c.declare("field", owner, namesOf(t.Fields, fieldName))
		c.declare("enum value", owner, namesOf(t.Values, func(v EnumValue) Name { return v.Name }))
	}
	c.declare("field", "the state", namesOf(w.State, fieldName), status...)
	for _, m := range slices.Concat(w.Events, w.Rejections) {
		c.declare("field", quote(m.Name.Text), namesOf(m.Fields, fieldName))
	}

	fields := make(map[string]storedTexts, len(w.Inputs)) // by inputs
	for _, m := range w.Inputs {
		fields[m.Name.Text] = c.declare("field", "input "+quote(m.Name.Text), namesOf(m.Fields, fieldName), "type")
		fields[m.Name.Text].use(&m.ID)
	}
	for i := range w.Unique {
		fields[w.Unique[i].Input.Text].use(&w.Unique[i].Field)
		inputs.use(&w.Unique[i].Input)
	}
	for _, e := range w.Effects {
		var reserved []string
		if e.Delivered() {
			reserved = []string{"type"}
		}
		own := c.declare("field", "effect "+quote(e.Name.Text), namesOf(e.Fields, fieldName), reserved...)
		if e.Limit != nil {
			own.use(&e.Limit.Key)
		}
		inputs.useAll(e.Returns)
		inputs.use(&e.Ended)
		inputs.use(&e.Refused)
		inputs.use(&e.Dead)
	}
	for _, t := range w.Timers {
		inputs.use(&t.Input)
		states.useAll(t.While)
	}
	for _, s := range w.Schedules {
		inputs.use(&s.Input)
	}
	for _, s := range w.States {
		for _, t := range s.Accepts {
			inputs.use(&t.Input)
			rejections.use(&t.Reject)
			effects.useAll(t.Effects)
			timers.useAll(t.Timers)
			for i := range t.Moves {
				events.use(&t.Moves[i].Event)
				states.use(&t.Moves[i].To)
			}
		}
	}
}

func messageName(m *Message) Name { return m.Name }
func fieldName(f *Field) Name     { return f.Name }

func namesOf[T any](list []T, name func(T) Name) []Name {
	names := make([]Name, len(list))
	for i, item := range list {
		names[i] = name(item)
	}
	return names
}

// storedTexts are the stored names of what has another than its own.
type storedTexts map[string]string

func (s storedTexts) use(n *Name) { n.StoredAs = s[n.Text] }

func (s storedTexts) useAll(names []Name) {
	for i := range names {
		s.use(&names[i])
	}
}
