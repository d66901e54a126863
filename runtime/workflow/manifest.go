package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Manifest describes a program for tools that do not have its code: its workflows, and what it delivers and projects. Engine.Run stores
// it, see [store.Programs].
type Manifest struct {
	Workflows   []WorkflowManifest `json:"workflows"`   // sorted by name
	Effects     []store.Kind       `json:"effects"`     // that it delivers, sorted
	Timers      []store.Kind       `json:"timers"`      // that it delivers, with schedules, sorted
	Projections []string           `json:"projections"` // names, sorted
}

// WorkflowManifest describes one workflow.
type WorkflowManifest struct {
	Name      string           `json:"name"`
	Inputs    []string         `json:"inputs"`
	Operator  []string         `json:"operator,omitempty"` // inputs that only operators send
	Effects   []string         `json:"effects"`            // sorted
	Schedules []ScheduledInput `json:"schedules,omitempty"`
	Machine   *Machine         `json:"machine,omitempty"`  // nil without states
	Schema    string           `json:"schema,omitempty"`   // of the state, for snapshots
	Search    []string         `json:"search,omitempty"`   // search fields
	Forms     []Form           `json:"forms,omitempty"`    // of the inputs that clients and operators send
	Messages  []Message        `json:"messages,omitempty"` // what is stored; nil in the manifest of an older release
}

// Message describes an event, effect, input or rejection as this program stores it.
type Message struct {
	Kind     string        `json:"kind"` // event, effect, input or rejection
	Name     string        `json:"name"`
	Version  int           `json:"version"`            // at least 1
	Fields   []codec.Field `json:"fields"`             // Optional says that what is stored may lack the field; nil if they cannot be described
	Personal []string      `json:"personal,omitempty"` // paths of personal fields, see PersonalFields
}

// Describe returns the manifest of a workflow.
func (w *Workflow) Describe() WorkflowManifest {
	return WorkflowManifest{
		Name: w.Name(), Inputs: w.InputNames(), Operator: w.OperatorInputs(), Effects: slices.Sorted(maps.Keys(w.EffectOptions())),
		Schedules: w.Schedules(), Machine: w.DeclaredMachine(), Schema: w.Schema(), Search: w.SearchFields(),
		Forms: w.Forms(), Messages: w.Messages(),
	}
}

// Messages implements Erased.
func (w *typed[S, I, E, F, R]) Messages() []Message {
	p := w.personal()
	return slices.Concat(messages("event", w.def.Events, p.Events), messages("effect", w.def.Effects, p.Effects),
		messages("input", w.def.Inputs, p.Inputs), messages("rejection", w.def.Rejections, p.Rejections))
}

func messages[T any](kind string, c Codec[T], personal map[string][]string) (all []Message) {
	for _, name := range variants(c) {
		all = append(all, Message{Kind: kind, Name: name, Version: c.version(name), Fields: describe(name, c), Personal: personal[name]})
	}
	return all
}

// Encode returns the manifest as JSON, and the digest that names it: manifests with one digest say the same.
func (m *Manifest) Encode() (text []byte, digest string) {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts, numbers and lists of them
	}
	sum := sha256.Sum256(text)
	return text, hex.EncodeToString(sum[:8])
}

// ReadManifest reads what Encode has written.
func ReadManifest(text []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("the manifest of a program cannot be read: %w", err)
	}
	return m, nil
}

// Workflow returns the description of a workflow, or nil when the program does not have it.
func (m *Manifest) Workflow(name string) *WorkflowManifest {
	for i := range m.Workflows {
		if m.Workflows[i].Name == name {
			return &m.Workflows[i]
		}
	}
	return nil
}

// Delivers reports whether the program delivers a kind.
func (m *Manifest) Delivers(queue store.QueueName, kind store.Kind) bool {
	if queue == store.TimerQueue {
		return slices.Contains(m.Timers, kind)
	}
	return slices.Contains(m.Effects, kind)
}
