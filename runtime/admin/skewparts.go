package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// meaning is a Difference.Class and a text for Difference.Means, in which HAS and LACKS stand for "newer" and "older": the program that has something,
// and the one that lacks it.
type meaning struct {
	class SkewClass
	text  string
}

// add adds a difference. If only one of the descriptions has it, has is that one; nil if both have it.
func (c *comparison) add(what string, m meaning, has *workflow.WorkflowManifest) {
	with, without := "newer", "older"
	if has == c.older {
		with, without = without, with
	}
	if has != nil {
		what += ": only the " + with + " program has it"
	}
	c.found = append(c.found, Difference{What: what, Class: m.class, Means: strings.NewReplacer("HAS", with, "LACKS", without).Replace(m.text)})
}

// only adds the names that one of the descriptions has alone.
func (c *comparison) only(what string, newer, older []string, m meaning) {
	c.onlyOf(newer, older, func(name string, has *workflow.WorkflowManifest) { c.add(what+" "+name, m, has) })
}

func (c *comparison) onlyOf(newer, older []string, found func(name string, has *workflow.WorkflowManifest)) {
	for _, name := range newer {
		if !slices.Contains(older, name) {
			found(name, c.newer)
		}
	}
	for _, name := range older {
		if !slices.Contains(newer, name) {
			found(name, c.older)
		}
	}
}

// inputs compares which inputs there are, and who sends them.
func (c *comparison) inputs() {
	c.onlyOf(c.newer.Inputs, c.older.Inputs, func(name string, has *workflow.WorkflowManifest) {
		m := meaning{SkewWaits, "Effects and timers that bring it wait for the HAS program."}
		if slices.ContainsFunc(has.Forms, func(f workflow.Form) bool { return f.Input == name }) {
			m = meaning{SkewRefused, "The LACKS program refuses it. Effects and timers that bring it wait for the HAS program."}
		}
		c.add("input "+name, m, has)
	})
	c.onlyOf(c.newer.Operator, c.older.Operator, func(name string, has *workflow.WorkflowManifest) {
		if slices.Contains(c.newer.Inputs, name) && slices.Contains(c.older.Inputs, name) {
			c.add("rule that only operators send the input "+name, meaning{SkewDiffers, "The LACKS program does not ask whether an operator sends it."}, has)
		}
	})
}

// kindMeanings say what it means that one program alone has a message, and that one of them has values that the type of the other lacks.
var kindMeanings = map[string]struct{ message, value meaning }{
	"event": {
		meaning{SkewFails, "The LACKS program cannot read an instance that has one: it fails inputs of the instance and stores nothing, and leaves its effects and " +
			"timers to the HAS program."},
		meaning{SkewFails, "A program cannot read an instance that has a value which its own declaration does not allow: it fails inputs of the instance and stores nothing."},
	},
	"effect": {
		meaning{SkewWaits, "The LACKS program does not deliver it: it waits for the HAS program."},
		meaning{SkewWaits, "A program leaves to the other one what it cannot read."},
	},
	"input": {
		meaning{}, // see comparison.inputs
		meaning{SkewWaits, "A program refuses a value that its own declaration does not allow. It leaves effects and timers that bring such a value to the other one."},
	},
	"rejection": {
		meaning{SkewFails, "When an input that the HAS program has rejected with it is repeated with its id, the LACKS program cannot answer."},
		meaning{SkewFails, "When a rejected input is repeated with its id, a program cannot answer with a value that its own declaration does not allow."},
	},
}

// messages compares what is stored, if both programs describe it. Inputs and effects without a description are compared by name.
func (c *comparison) messages() {
	if c.newer.Messages == nil || c.older.Messages == nil {
		c.only("effect", c.newer.Effects, c.older.Effects, kindMeanings["effect"].message)
		return
	}
	alone := func(these, others []workflow.Message, of *workflow.WorkflowManifest) {
		for _, m := range these {
			if m.Kind != "input" && messageIn(others, m) == nil {
				c.add(m.Kind+" "+m.Name, kindMeanings[m.Kind].message, of)
			}
		}
	}
	alone(c.newer.Messages, c.older.Messages, c.newer)
	alone(c.older.Messages, c.newer.Messages, c.older)
	for _, m := range c.newer.Messages {
		if before := messageIn(c.older.Messages, m); before != nil {
			c.message(m, *before)
		}
	}
}

// messageIn returns the message with the kind and name of another one; nil if there is none.
func messageIn(messages []workflow.Message, like workflow.Message) *workflow.Message {
	i := slices.IndexFunc(messages, func(m workflow.Message) bool { return m.Kind == like.Kind && m.Name == like.Name })
	if i < 0 {
		return nil
	}
	return &messages[i]
}

func (c *comparison) message(newer, older workflow.Message) {
	name := newer.Kind + " " + newer.Name
	c.onlyOf(newer.Personal, older.Personal, func(path string, has *workflow.WorkflowManifest) {
		c.add("rule that "+name+"."+path+" is personal", meaning{SkewDiffers, "The LACKS program stores it in plain text, which Forget does not erase."}, has)
	})
	switch {
	case newer.Version != older.Version:
		m := kindMeanings[newer.Kind].message
		if newer.Kind == "input" {
			m = meaning{SkewWaits, "Effects and timers that bring it wait for the HAS program."}
		}
		later := c.newer
		if older.Version > newer.Version {
			later = c.older
		}
		c.add(fmt.Sprintf("version %d of the %s", max(newer.Version, older.Version), name), m, later)
	case newer.Fields == nil || older.Fields == nil:
	default:
		c.fields(newer.Kind, name, newer.Fields, older.Fields)
	}
}

// fields compares the fields of a message.
func (c *comparison) fields(kind, name string, newer, older []codec.Field) {
	c.onlyOf(fieldNames(newer), fieldNames(older), func(field string, has *workflow.WorkflowManifest) {
		own := newer
		if has == c.older {
			own = older
		}
		m := meaning{SkewSafe, "The LACKS program skips it."}
		if i := slices.Index(fieldNames(own), field); !own[i].Optional {
			m = meaning{SkewDiffers, "The LACKS program skips it. The HAS program reads it as zero in what the LACKS program has stored."}
			if kind == "input" {
				m.text += " It refuses inputs of clients without it."
			}
		}
		c.add(name+"."+field, m, has)
	})
	for _, f := range newer {
		i := slices.Index(fieldNames(older), f.Name)
		if i < 0 {
			continue
		}
		if is, was := fieldType(f), fieldType(older[i]); is != was {
			c.add(fmt.Sprintf("%s.%s: %s in the newer program, %s in the older one", name, f.Name, is, was), kindMeanings[kind].value, nil)
		}
	}
}

func fieldNames(fields []codec.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

func fieldType(f codec.Field) string {
	if len(f.Choices) > 0 {
		return f.Type + " of " + strings.Join(f.Choices, ", ")
	}
	return f.Type
}

// schedules compares schedules by name. The definition of the process that started last counts for all that have the schedule.
func (c *comparison) schedules() {
	named := func(w *workflow.WorkflowManifest) (names []string, definitions map[string]string) {
		definitions = make(map[string]string)
		for _, s := range w.Schedules {
			names = append(names, s.Name)
			definitions[s.Name] = strings.TrimSpace(fmt.Sprintf("%s to %s at %s %s", s.Input, s.Instance, s.Schedule, s.Zone))
		}
		return names, definitions
	}
	newerNames, newer := named(c.newer)
	olderNames, older := named(c.older)
	c.only("schedule", newerNames, olderNames, meaning{SkewWaits, "It fires only while the HAS program runs."})
	for _, name := range newerNames {
		if before, has := older[name]; has && before != newer[name] {
			c.add(fmt.Sprintf("schedule %s: %s in the newer program, %s in the older one", name, newer[name], before),
				meaning{SkewSafe, "Both programs go by the schedule of the program that started last."}, nil)
		}
	}
}

// machines compares the states and what leads from one to another.
func (c *comparison) machines() {
	a, b := c.newer.Machine, c.older.Machine
	if a == nil || b == nil {
		if a != b {
			has := c.newer
			if a == nil {
				has = c.older
			}
			c.add("declaration of states", meaning{SkewDiffers, "Each program has its own rules of what an instance accepts, and when it ends."}, has)
		}
		return
	}
	c.only("state", statesOf(a), statesOf(b), meaning{SkewFails, "The LACKS program cannot read an instance that is or was in it."})
	c.only("acceptance", acceptsOf(a), acceptsOf(b), meaning{SkewRefused, "The LACKS program rejects it there."})
	newerMoves, newer := movesOf(a)
	olderMoves, older := movesOf(b)
	c.only("move", newerMoves, olderMoves, meaning{SkewFails, "The LACKS program cannot read an instance with this move."})
	for _, move := range newerMoves {
		if before, has := older[move]; has && before != newer[move] {
			c.add(fmt.Sprintf("move %s: to %s in the newer program, to %s in the older one", move, newer[move], before),
				meaning{SkewDiffers, "Each program sees the instance in another state."}, nil)
		}
	}
}

func statesOf(m *workflow.Machine) (names []string) {
	for _, s := range m.States {
		names = append(names, s.Name)
	}
	return names
}

// movesOf names the moves, and says where each leads.
func movesOf(m *workflow.Machine) (names []string, to map[string]string) {
	to = make(map[string]string)
	for _, v := range m.Moves {
		name := fmt.Sprintf("from %s by %s", v.From, v.Event)
		names = append(names, name)
		to[name] = v.To
	}
	return names, to
}

// acceptsOf names the inputs that states accept.
func acceptsOf(m *workflow.Machine) (texts []string) {
	for _, s := range m.States {
		for _, t := range s.Accepts {
			if t.Reject == "" {
				texts = append(texts, fmt.Sprintf("of %s in %s", t.Input, s.Name))
			}
		}
	}
	return texts
}
