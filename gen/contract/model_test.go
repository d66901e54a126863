package contract_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/gen/contract"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// program is a workflow that follows from a declaration without its code being generated: package runtime runs it as any other, and its codecs call the
// same functions of package codec as generated ones do, in the same order. TestModel compares it with generated code.
type program struct {
	*workflow.Workflow
	w       *spec.Workflow // with what the lock adds
	set     *contract.Set  // of the declaration alone
	lock    *contract.Set  // as it is once code was generated
	refused error          // why none can be
}

// message is an input, event, effect or rejection, with its fields by stored name. A field is nil, a bool, int64, uint64, float64, string, time,
// duration, []byte, json.RawMessage, []any or map[string]any.
type message struct {
	Name   string
	Fields map[string]any
}

type status struct{ Name string }

type decision = workflow.Decision[message, message, workflow.NoTimer, message]

// newProgram returns the program of a declaration whose lock is given, nil for none. The decider accepts each input with the first event that the
// state allows. The evolver does nothing.
func newProgram(t *testing.T, declaration *spec.Workflow, lock *contract.Set) *program {
	t.Helper()
	p := &program{w: declaration, set: contract.Of(declaration)}
	p.lock = p.set.Extend(lock)
	if p.refused = contract.Complete(p.w, lock); p.refused != nil {
		return p
	}
	d := workflow.Definition[status, message, message, message, message]{
		Workflow: p.w.Name.Stored(), UserCode: []any{p}, Decide: p.decide,
		Evolve:  func(s status, _ message) status { return s },
		Handle:  nil,
		InputID: func(in message) string { return p.text(in, func(m *spec.Message) spec.Name { return m.ID }) },
		WithID: func(in message, id string) message {
			if m := p.message("input", in.Name); m != nil && in.Fields[m.ID.Stored()] == nil {
				in.Fields = map[string]any{m.ID.Stored(): id}
			}
			return in
		},
		UniqueKey: p.uniqueKey,
		States: workflow.StateCodec[status]{
			Schema: "", Encode: func(e *codec.Encoder, s status) { e.String(s.Name) }, Decode: func(d *codec.Decoder) status { return status{d.String()} },
		},
		Inputs: p.codec("input"), Events: p.codec("event"), Effects: p.codec("effect"), Rejections: p.codec("rejection"),
		EffectOptions: p.effectOptions(),
	}
	for _, m := range p.w.Inputs {
		d.InputNames = append(d.InputNames, m.Name.Stored())
		if m.Internal {
			d.InternalInputs = append(d.InternalInputs, m.Name.Stored())
		}
	}
	if p.w.HasStates() {
		d.Machine = p.machine()
		d.Status = func(s status) string { return s.Name }
		d.WithStatus = func(_ status, name string) status { return status{name} }
		d.Refuse = func(_, _, declared string) message {
			if declared == "" {
				declared = "NotAccepted"
			}
			return message{Name: declared}
		}
	} else {
		d.Terminal = func(status) bool { return false }
	}
	for _, timer := range p.w.Timers {
		if len(timer.While) > 0 {
			d.StateTimers = append(d.StateTimers, workflow.StateTimer{
				Name: timer.Name.Stored(), After: timer.After, While: storedNames(timer.While), Input: message{Name: timer.Input.Stored()}, Retired: timer.Retired,
			})
		}
	}
	for _, s := range p.w.Schedules {
		d.Schedules = append(d.Schedules, workflow.ScheduledInput{
			Name: s.Name.Text, Input: s.Input.Stored(), Instance: s.Instance.Text,
			Recurrence: workflow.Recurrence{Schedule: s.Recurrence.Schedule.Text, Zone: s.Zone.Text},
		})
	}
	p.Workflow = workflow.Define(d)
	return p
}

func storedNames(names []spec.Name) (list []string) {
	for _, n := range names {
		list = append(list, n.Stored())
	}
	return list
}

// messages are all messages of a workflow, by kind.
func messages(w *spec.Workflow) map[string][]*spec.Message {
	all := map[string][]*spec.Message{"event": w.Events, "input": w.Inputs, "rejection": w.Rejections}
	for _, e := range w.Effects {
		all["effect"] = append(all["effect"], &e.Message)
	}
	return all
}

// message returns a message by its stored name, nil for none.
func (p *program) message(kind, name string) *spec.Message {
	for _, m := range messages(p.w)[kind] {
		if m.Name.Stored() == name {
			return m
		}
	}
	return nil
}

func (p *program) text(in message, field func(*spec.Message) spec.Name) string {
	m := p.message("input", in.Name)
	if m == nil {
		return ""
	}
	text, _ := in.Fields[field(m).Stored()].(string)
	return text
}

func (p *program) uniqueKey(in message) (string, bool) {
	for _, u := range p.w.Unique {
		if u.Input.Stored() == in.Name {
			return p.text(in, func(*spec.Message) spec.Name { return u.Field }), true
		}
	}
	return "", false
}

func (p *program) decide(_ time.Time, s status, in message) workflow.UntypedDecision {
	accept := func(event string) workflow.UntypedDecision {
		v, err := decodeMessage(codec.NewDecoder([]byte(first(p.set.Samples("event", event, goTypes)))), event, p.message("event", event).Fields)
		if err != nil {
			panic(err)
		}
		var d decision = workflow.Accept[message, message, workflow.NoTimer, message](v)
		return d.Untyped()
	}
	if !p.w.HasStates() {
		return accept(p.w.Events[0].Name.Stored())
	}
	for _, state := range p.w.States {
		for _, t := range state.Accepts {
			if state.Name.Stored() == s.Name && t.Input.Stored() == in.Name && len(t.Moves) > 0 {
				return accept(t.Moves[0].Event.Stored())
			}
		}
	}
	var d decision = workflow.Reject[message, message, workflow.NoTimer, message](message{Name: "NotAccepted"})
	return d.Untyped()
}

func (p *program) machine() *workflow.Machine {
	m := &workflow.Machine{Workflow: p.w.Name.Stored()}
	for _, s := range p.w.States {
		state := workflow.MachineState{Name: s.Name.Stored(), Terminal: s.Terminal}
		for _, t := range s.Accepts {
			transition := workflow.Transition{Input: t.Input.Stored(), Effects: storedNames(t.Effects), Timers: storedNames(t.Timers)}
			if t.Reject.Text != "" {
				transition.Reject = t.Reject.Stored()
			}
			for _, move := range t.Moves {
				transition.Events = append(transition.Events, workflow.EventMove{Event: move.Event.Stored(), To: move.To.Stored()})
			}
			state.Accepts = append(state.Accepts, transition)
		}
		m.States = append(m.States, state)
	}
	for _, move := range p.w.Moves {
		m.Moves = append(m.Moves, workflow.Move{From: move.From, Event: move.Event, To: move.To})
	}
	return m
}

func (p *program) effectOptions() map[string]workflow.EffectOptions {
	options := make(map[string]workflow.EffectOptions)
	target := func(d *spec.Delivery) *workflow.Target {
		if d == nil {
			return nil
		}
		return &workflow.Target{Workflow: d.Workflow.Text, Parent: d.ToParent(), Input: d.Input.Text, External: d.External}
	}
	for _, e := range p.w.Effects {
		o := workflow.EffectOptions{Returns: storedNames(e.Returns), Starts: target(e.Starts), Sends: target(e.Sends)}
		if e.Ended.Text != "" {
			o.Ended = e.Ended.Stored()
		}
		options[e.Name.Stored()] = o
	}
	return options
}

// codec is what gen/emit generates for a sealed interface.
func (p *program) codec(kind string) workflow.Codec[message] {
	c := workflow.Codec[message]{Versions: make(map[string]int)}
	known := func(name string) error {
		if p.message(kind, name) != nil || kind == "rejection" && name == "NotAccepted" && p.w.HasStates() {
			return nil
		}
		unknown := &codec.UnknownTypeError{Workflow: p.w.Name.Stored(), Kind: kind, Type: name}
		for _, m := range messages(p.w)[kind] {
			unknown.Known = append(unknown.Known, m.Name.Stored())
		}
		if kind == "rejection" && p.w.HasStates() {
			unknown.Known = append(unknown.Known, "NotAccepted")
		}
		return unknown
	}
	fields := func(name string) []*spec.Field {
		if m := p.message(kind, name); m != nil {
			return m.Fields
		}
		return nil
	}
	for _, m := range messages(p.w)[kind] {
		c.Versions[m.Name.Stored()] = m.Version()
	}
	c.Name = func(m message) string {
		if known(m.Name) != nil {
			return ""
		}
		return m.Name
	}
	c.Encode = func(e *codec.Encoder, m message) {
		e.BeginObject()
		if kind == "input" {
			e.Key("type")
			e.String(m.Name)
		}
		encodeMembers(e, fields(m.Name), m.Fields)
		e.EndObject()
	}
	c.Decode = func(d *codec.Decoder, name string) (message, error) {
		if err := known(name); err != nil {
			return message{}, err
		}
		return decodeMessage(d, name, fields(name))
	}
	c.DecodeOld = func(d *codec.Decoder, name string, version int) (message, error) {
		return p.decodeOld(d, kind, name, version)
	}
	return c
}

func decodeMessage(d *codec.Decoder, name string, fields []*spec.Field) (message, error) {
	m := message{name, decodeFields(d, fields)}
	return m, d.Err()
}

// decodeOld decodes an older version and converts it step by step. Where the next version does not follow, a sample stands for what the user's
// Upcaster makes.
func (p *program) decodeOld(d *codec.Decoder, kind, name string, version int) (message, error) {
	m := p.message(kind, name)
	if m == nil {
		return message{}, errors.New("unknown " + kind)
	}
	i := slices.IndexFunc(m.Older, func(o *spec.Older) bool { return o.Version == version })
	if i < 0 {
		return message{}, errors.New("unknown version")
	}
	values, err := decodeMessage(d, name, m.Older[i].Fields)
	if err != nil {
		return values, err
	}
	for ; i < len(m.Older); i++ {
		next := m.Fields
		if i+1 < len(m.Older) {
			next = m.Older[i+1].Fields
		}
		made := make(map[string]any)
		for _, f := range next {
			from := f.Name.Stored()
			if f.Was.Text != "" {
				from = f.Was.Text
			}
			before := slices.IndexFunc(m.Older[i].Fields, func(o *spec.Field) bool { return o.Name.Stored() == from })
			switch old := values.Fields[from]; {
			case before >= 0 && follows(&m.Older[i].Fields[before].Type, &f.Type):
				made[f.Name.Stored()] = old
			case before < 0 && f.Default.Text != "":
				made[f.Name.Stored()] = decodeValue(codec.NewDecoder([]byte(f.Default.Text)), &f.Type)
			case before < 0 && mayBeMissing(&f.Type):
			default:
				return decodeMessage(codec.NewDecoder([]byte(first(p.set.Samples(kind, name, goTypes)))), name, m.Fields)
			}
		}
		values.Fields = made
	}
	return values, nil
}

// follows reports whether a value of one type is one of another without thought.
func follows(from, to *spec.TypeRef) bool {
	return spec.TypeText(from) == spec.TypeText(to) || to.Kind == spec.Optional && spec.TypeText(from) == spec.TypeText(to.Elem) ||
		from.Name == "int32" && to.Name == "int64"
}

func mayBeMissing(t *spec.TypeRef) bool {
	return t.Kind == spec.Optional || t.Kind == spec.Scalar && t.Name == "json"
}

// decodeFields reads an object as a generated decoder does: unknown fields are skipped, and missing ones are zero or have their defaults.
func decodeFields(d *codec.Decoder, fields []*spec.Field) map[string]any {
	var required, others []*spec.Field
	for _, f := range fields {
		if f.Default.Text != "" || mayBeMissing(&f.Type) {
			others = append(others, f)
		} else {
			required = append(required, f)
		}
	}
	numbered := slices.Concat(required, others)
	v, names := make(map[string]any), []string{}
	for _, f := range required {
		names = append(names, f.Name.Stored())
	}
	var seen codec.Fields
	for d.BeginObject(); d.NextField(); {
		n := slices.IndexFunc(numbered, func(f *spec.Field) bool { return f.Name.Stored() == string(d.Key()) })
		if n < 0 {
			d.Skip()
			continue
		}
		d.Seen(&seen, n)
		v[numbered[n].Name.Stored()] = decodeValue(d, &numbered[n].Type)
	}
	for n, f := range numbered {
		switch {
		case seen.Has(n):
		case f.Default.Text != "":
			v[f.Name.Stored()] = decodeValue(codec.NewDecoder([]byte(f.Default.Text)), &f.Type)
		default:
			v[f.Name.Stored()] = zero(&f.Type)
		}
	}
	d.Require(seen, names...)
	return v
}

func encodeFields(e *codec.Encoder, fields []*spec.Field, values map[string]any) {
	e.BeginObject()
	encodeMembers(e, fields, values)
	e.EndObject()
}

func encodeMembers(e *codec.Encoder, fields []*spec.Field, values map[string]any) {
	for _, f := range fields {
		e.Key(f.Name.Stored())
		v, has := values[f.Name.Stored()]
		if !has {
			v = zero(&f.Type)
		}
		encodeValue(e, &f.Type, v)
	}
}

// zero is what Go has for a value that is not there.
func zero(t *spec.TypeRef) any {
	switch {
	case t.Kind == spec.Declared && t.Decl.Kind == spec.Struct:
		v := make(map[string]any)
		for _, f := range t.Decl.Fields {
			v[f.Name.Stored()] = zero(&f.Type)
		}
		return v
	case t.Kind == spec.Declared && t.Decl.Kind == spec.Enum:
		return ""
	case t.Kind == spec.Declared && t.Decl.Go.Name == "Addr":
		return netip.Addr{}
	case t.Kind == spec.Declared:
		return netip.Prefix{}
	case t.Kind == spec.List:
		return []any(nil)
	case t.Kind == spec.Map:
		return map[string]any(nil)
	case t.Kind == spec.Optional:
		return nil
	}
	switch t.Name {
	case "bool":
		return false
	case "int", "int32", "int64":
		return int64(0)
	case "uint32", "uint64":
		return uint64(0)
	case "float64":
		return float64(0)
	case "time":
		return time.Time{}
	case "duration":
		return time.Duration(0)
	case "bytes":
		return []byte(nil)
	case "json":
		return json.RawMessage(nil)
	}
	return ""
}

func decodeValue(d *codec.Decoder, t *spec.TypeRef) any {
	elem := func(d *codec.Decoder) any { return decodeValue(d, t.Elem) }
	switch t.Kind {
	case spec.Optional:
		if v := codec.DecodeOptional(d, elem); v != nil {
			return *v
		}
		return nil
	case spec.List:
		return codec.DecodeList(d, elem)
	case spec.Map:
		return codec.DecodeMap(d, elem)
	case spec.Declared:
		switch {
		case t.Decl.Kind == spec.Struct:
			return decodeFields(d, t.Decl.Fields)
		case t.Decl.Kind == spec.Enum:
			return codec.DecodeEnum(d, enumValues(t.Decl))
		case t.Decl.Go.Name == "Addr":
			return codec.DecodeGo[netip.Addr](d)
		}
		return codec.DecodeGo[netip.Prefix](d)
	}
	switch t.Name {
	case "bool":
		return d.Bool()
	case "int":
		return int64(d.Int())
	case "int32":
		return int64(d.Int32())
	case "int64":
		return d.Int64()
	case "uint32":
		return uint64(d.Uint32())
	case "uint64":
		return d.Uint64()
	case "float64":
		return d.Float64()
	case "decimal":
		return d.Decimal()
	case "time":
		return d.Time()
	case "duration":
		return d.Duration()
	case "bytes":
		return d.Binary()
	case "json":
		return d.JSON()
	}
	return d.String()
}

func encodeValue(e *codec.Encoder, t *spec.TypeRef, v any) {
	elem := func(e *codec.Encoder, v any) { encodeValue(e, t.Elem, v) }
	switch t.Kind {
	case spec.Optional:
		if v == nil {
			codec.EncodeOptional(e, nil, elem)
		} else {
			codec.EncodeOptional(e, &v, elem)
		}
		return
	case spec.List:
		codec.EncodeList(e, v.([]any), elem)
		return
	case spec.Map:
		codec.EncodeMap(e, v.(map[string]any), elem)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		encodeFields(e, t.Decl.Fields, v)
	case netip.Addr:
		codec.EncodeGo(e, v)
	case netip.Prefix:
		codec.EncodeGo(e, v)
	case bool:
		e.Bool(v)
	case int64:
		e.Int64(v)
	case uint64:
		e.Uint64(v)
	case float64:
		e.Float64(v)
	case time.Time:
		e.Time(v)
	case time.Duration:
		e.Duration(v)
	case []byte:
		e.Binary(v)
	case json.RawMessage:
		e.JSON(v)
	case string:
		switch {
		case t.Kind == spec.Declared:
			codec.EncodeEnum(e, v, enumValues(t.Decl))
		case t.Name == "decimal":
			e.Decimal(v)
		default:
			e.String(v)
		}
	}
}

func enumValues(t *spec.Type) (values []string) {
	for _, v := range t.Values {
		values = append(values, v.Name.Stored())
	}
	return values
}

func first(samples []string) string {
	if len(samples) == 0 {
		return "{}"
	}
	return samples[0]
}

// goTypes has the JSON of the imported types of the corpus.
var goTypes = map[string]string{"net/netip.Addr": `"192.0.2.1"`, "net/netip.Prefix": `"192.0.2.0/24"`}
