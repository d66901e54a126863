package shadow

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// answer is a decision by the names of its parts, and hashes of their payloads.
type answer struct {
	text  string
	parts []part
}

type part struct {
	name    string // as in "event Paid"
	payload [sha256.Size]byte
}

func answerOf(w *workflow.Workflow, rejection any, d *workflow.Decided) (a answer) {
	add := func(kind, name string, payload ...[]byte) {
		a.parts = append(a.parts, part{kind + " " + name, sha256.Sum256(slices.Concat(payload...))})
	}
	if rejection != nil {
		encoded, err := w.EncodeRejection(rejection)
		if err != nil {
			return answer{text: "fails"}
		}
		add("rejection", encoded.Type, encoded.Payload)
	} else {
		for _, e := range d.Stored {
			add("event", e.Type, e.Payload)
		}
		for _, e := range d.Effects {
			add("effect", e.Kind, e.Payload)
		}
		started, cancelled := d.Timers.Result()
		for _, t := range started {
			add("timer", t.Key, t.Payload, []byte(t.Input), []byte(t.FireAt.String()))
		}
		for _, key := range cancelled {
			add("no timer", key)
		}
		for _, kind := range d.Cancel {
			add("no effect", kind)
		}
	}
	var names []string
	for _, p := range a.parts {
		names = append(names, p.name)
	}
	a.text = strings.Join(names, ", ")
	if rejection == nil && d.Complete {
		a.text += ", the end"
	}
	return a
}

// differing names the parts that have other payloads in another answer with the same parts.
func (a answer) differing(other answer) string {
	if a.text != other.text || len(a.parts) != len(other.parts) {
		return ""
	}
	var names []string
	for i, p := range a.parts {
		if p.payload != other.parts[i].payload && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}
