package ironflowtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// domain makes the values of inputs.
type domain struct {
	workflow *workflow.Workflow
	now      time.Time
	samples  map[string][]any
	empty    map[string]any // by input: one whose fields are empty
	idField  map[string]int // by input: the field with the id, which is set at last; -1 for none of its own
	enums    map[reflect.Type][]reflect.Value
	random   *rand.Rand // draws values in place of those that are made; nil for none

	mu   sync.Mutex // guards what follows
	made map[madeKey][]any
}

type madeKey struct{ input, from, pool string }

// maxValues is how many values an input has in one situation.
const maxValues = 24

func newDomain(w *workflow.Workflow, e Exploration) (*domain, error) {
	d := &domain{
		workflow: w, now: store.StoredTime(e.Now), samples: make(map[string][]any),
		empty: make(map[string]any), idField: make(map[string]int), made: make(map[madeKey][]any),
		enums: make(map[reflect.Type][]reflect.Value),
	}
	for _, list := range w.Enums() {
		values := reflect.ValueOf(list)
		for i := range values.Len() {
			d.enums[values.Type().Elem()] = append(d.enums[values.Type().Elem()], values.Index(i))
		}
	}
	for _, name := range w.InputNames() {
		empty, err := w.DecodeInput(name, []byte("{}"))
		if err != nil {
			return nil, fmt.Errorf("making an empty %s: %w", name, err)
		}
		d.empty[name] = empty
		d.idField[name] = findID(w, empty)
	}
	for i, sample := range e.Inputs {
		in, err := addressed(w, sample)
		if err != nil {
			return nil, fmt.Errorf("Exploration.Inputs[%d]: %w", i, err)
		}
		d.samples[in.Name] = append(d.samples[in.Name], in.Value)
	}
	return d, nil
}

// addressed prepares an input for the only instance.
func addressed(w *workflow.Workflow, input any) (in workflow.PreparedInput, err error) {
	if input == nil {
		return in, fmt.Errorf("the input is nil")
	}
	if id := findID(w, input); id >= 0 {
		v := reflect.New(reflect.TypeOf(input)).Elem()
		v.Set(reflect.ValueOf(input))
		v.Field(id).SetString(instanceID)
		input = v.Interface()
	}
	return w.Prepare(input)
}

// findID returns the field of an input that names the instance.
func findID(w *workflow.Workflow, input any) int {
	v := reflect.ValueOf(input)
	if v.Kind() != reflect.Struct {
		return -1
	}
	addressed, err := w.Addressed(reflect.Zero(v.Type()).Interface(), "probe")
	if err != nil {
		return -1
	}
	probe := reflect.ValueOf(addressed)
	for i := range v.NumField() {
		if f := probe.Field(i); f.Kind() == reflect.String && f.String() == "probe" && v.Type().Field(i).IsExported() {
			return i
		}
	}
	return -1
}

// pool has values that a situation suggests, as JSON-free Go values by their kind.
type pool struct {
	ints  []int64
	texts []string
	times []time.Time
	key   string
}

// maxPool is how many values a pool has of a kind.
const maxPool = 6

// pool collects the values of the fields of a state. Integers come with their neighbours.
func (d *domain) pool(state any) (p pool) {
	v := reflect.ValueOf(state)
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				p.add(v.Field(i))
			}
		}
	}
	p.key = fmt.Sprint(p.ints, p.texts, p.times)
	return p
}

func (p *pool) add(v reflect.Value) {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case v.Type() == timeType:
		if at := v.Interface().(time.Time); !at.IsZero() && len(p.times) < maxPool {
			p.times = append(p.times, at)
		}
	case v.CanInt():
		for _, n := range []int64{v.Int(), v.Int() - 1, v.Int() + 1} {
			if v.Int() != 0 && !slices.Contains(p.ints, n) && len(p.ints) < maxPool {
				p.ints = append(p.ints, n)
			}
		}
	case v.Kind() == reflect.String && v.Type().PkgPath() == "":
		if s := v.String(); s != "" && !slices.Contains(p.texts, s) && len(p.texts) < maxPool {
			p.texts = append(p.texts, s)
		}
	}
}

var timeType = reflect.TypeFor[time.Time]()

// values are the inputs that a client may send.
func (d *domain) values(name string, p pool) []any {
	if s := d.samples[name]; s != nil {
		return s
	}
	return d.make(name, "{}", p, true)
}

// results are the inputs that an effect may lead to. They take over the fields of the effect.
func (d *domain) results(name, effect string, p pool) []any {
	if s := d.samples[name]; s != nil {
		return s
	}
	return d.make(name, effect, p, false)
}

// dead is the input that tells of a dead letter.
func (d *domain) dead(says *workflow.DeadInput, effect string, p pool) []any {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(effect), &all) != nil {
		return nil
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains(says.Fields, name) })
	if says.Error != "" {
		all[says.Error] = json.RawMessage(`"the handler fails"`)
	}
	from, _ := json.Marshal(all)
	values := d.make(says.Input, string(from), p, false)
	return values[:min(1, len(values))]
}

// refused are the inputs that tell that an instance did not accept what an effect sent: one for each way in which that can come about.
func (d *domain) refused(says *workflow.RefusedInput, external bool, effect string, p pool) (values []any) {
	if s := d.samples[says.Input]; s != nil {
		return s
	}
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(effect), &all) != nil {
		return nil
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains(says.Fields, name) })
	t := reflect.TypeOf(d.empty[says.Input])
	if t.Kind() != reflect.Struct {
		return nil
	}
	has := func(name string) bool {
		for i := range t.NumField() {
			if jsonName(t.Field(i)) == name {
				return true
			}
		}
		return false
	}
	ways := []map[string]string{
		{"receiver": "receiver", "outcome": workflow.RefusedRejected, "rejection": "Rejected"},
		{"receiver": "receiver", "outcome": workflow.RefusedCompleted, "rejection": ""},
		{"receiver": "receiver", "outcome": workflow.RefusedMissing, "rejection": ""},
	}
	if external {
		ways = append(ways, map[string]string{"receiver": "", "outcome": workflow.RefusedUnknown, "rejection": ""})
	}
	seen := make(map[string]bool)
	for _, way := range ways {
		for name, text := range way {
			if has(name) {
				all[name], _ = json.Marshal(text)
			}
		}
		from, _ := json.Marshal(all)
		if seen[string(from)] {
			continue
		}
		seen[string(from)] = true
		made := d.make(says.Input, string(from), p, false)
		values = append(values, made[:min(1, len(made))]...)
	}
	return values
}

// make returns values of an input: a plain one, and for each field those that differ from it there.
func (d *domain) make(name, from string, p pool, boundaries bool) []any {
	if d.random != nil {
		return d.draw(name, from, p)
	}
	key := madeKey{name, from, p.key}
	d.mu.Lock()
	defer d.mu.Unlock()
	if made, ok := d.made[key]; ok {
		return made
	}
	values := d.makeAll(name, from, p, boundaries)
	d.made[key] = values
	return values
}

func (d *domain) makeAll(name, from string, p pool, boundaries bool) (values []any) {
	base, filled, ok := d.blank(name, from)
	if !ok {
		return nil
	}
	t := base.Type()
	choices := make([][]reflect.Value, t.NumField())
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case !field.IsExported():
		case i == d.idField[name]:
			base.Field(i).SetString(instanceID)
		case filled[jsonName(field)] != nil:
			choices[i] = d.choices(field.Type, p, false, 0)[:0] // as the effect has it
		default:
			choices[i] = d.choices(field.Type, p, boundaries, 0)
			if len(choices[i]) > 0 {
				base.Field(i).Set(choices[i][0])
			}
		}
	}
	seen := make(map[string]bool)
	add := func(v reflect.Value) {
		encoded, err := d.workflow.EncodeInput(v.Interface())
		if err != nil || seen[string(encoded.Payload)] || len(values) >= maxValues {
			return
		}
		seen[string(encoded.Payload)] = true
		if in, ok := d.received(name, encoded.Payload); ok {
			values = append(values, in)
		}
	}
	add(base)
	for i, list := range choices {
		for _, choice := range list[min(1, len(list)):] {
			v := reflect.New(t).Elem()
			v.Set(base)
			v.Field(i).Set(choice)
			add(v)
		}
	}
	return values
}

// blank returns an input to fill in, with the fields that it takes over and their names.
func (d *domain) blank(name, from string) (base reflect.Value, filled map[string]json.RawMessage, ok bool) {
	given := d.empty[name]
	if in, err := d.workflow.DecodeInput(name, []byte(from)); err == nil && from != "{}" {
		given = in
		_ = json.Unmarshal([]byte(from), &filled)
	}
	t := reflect.TypeOf(given)
	if t.Kind() != reflect.Struct {
		return base, nil, false
	}
	base = reflect.New(t).Elem()
	base.Set(reflect.ValueOf(given))
	return base, filled, true
}

// received returns an input as the engine gets it from its JSON.
func (d *domain) received(name string, payload []byte) (any, bool) {
	back, err := d.workflow.DecodeInput(name, payload)
	if err != nil {
		return nil, false
	}
	in, err := d.workflow.Prepare(back)
	return in.Value, err == nil && in.Instance == instanceID
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// maxDepth is how deep values are built that hold each other.
const maxDepth = 4

// choices returns values of a type, the plainest first.
func (d *domain) choices(t reflect.Type, p pool, boundaries bool, depth int) (values []reflect.Value) {
	add := func(v any) {
		if rv := reflect.ValueOf(v); rv.CanConvert(t) {
			values = append(values, rv.Convert(t))
		}
	}
	if t == timeType {
		add(d.now)
		for _, at := range p.times {
			add(at)
		}
		return values
	}
	switch t.Kind() {
	case reflect.Bool:
		add(true)
		add(false)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		for _, n := range p.ints {
			if !reflect.Zero(t).OverflowInt(n) {
				add(n)
			}
		}
		for _, n := range []int64{1, 0, -1} {
			if !slices.Contains(p.ints, n) && (boundaries || n > 0) {
				add(n)
			}
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		for _, n := range append([]int64{1, 0}, p.ints...) {
			if n >= 0 && !reflect.Zero(t).OverflowUint(uint64(n)) {
				add(uint64(n))
			}
		}
	case reflect.Float32, reflect.Float64:
		add(1.0)
		add(0.0)
	case reflect.String:
		values = d.texts(t, p, boundaries)
	case reflect.Pointer:
		for _, v := range d.nested(t.Elem(), p, depth) {
			pointer := reflect.New(t.Elem())
			pointer.Elem().Set(v)
			values = append(values, pointer)
		}
		values = append(values, reflect.Zero(t))
	case reflect.Slice:
		one := reflect.MakeSlice(t, 0, 1)
		if t.Elem().Kind() == reflect.Uint8 {
			values = append(values, one)
			break
		}
		if elems := d.nested(t.Elem(), p, depth); len(elems) > 0 {
			values = append(values, reflect.Append(one, elems[0]))
			if boundaries {
				values = append(values, reflect.Append(one, elems[0], elems[0]))
			}
		}
		values = append(values, reflect.MakeSlice(t, 0, 0))
	case reflect.Map:
		values = append(values, reflect.MakeMap(t))
		keys, elems := d.nested(t.Key(), p, depth), d.nested(t.Elem(), p, depth)
		if len(keys) > 0 && len(elems) > 0 {
			two := reflect.MakeMap(t)
			two.SetMapIndex(keys[0], elems[0])
			if t.Key().Kind() == reflect.String {
				two.SetMapIndex(reflect.ValueOf("b").Convert(t.Key()), elems[0])
			}
			values = slices.Insert(values, 0, two)
		}
	case reflect.Struct:
		v := reflect.New(t).Elem()
		for i := range t.NumField() {
			if !t.Field(i).IsExported() {
				continue
			}
			if fields := d.nested(t.Field(i).Type, p, depth); len(fields) > 0 {
				v.Field(i).Set(fields[0])
			}
		}
		values = append(values, v)
	}
	return values
}

func (d *domain) nested(t reflect.Type, p pool, depth int) []reflect.Value {
	if depth == maxDepth {
		return nil
	}
	return d.choices(t, p, false, depth+1)
}

// texts are values of a string. Those of an enumeration are the declared ones.
func (d *domain) texts(t reflect.Type, p pool, boundaries bool) (values []reflect.Value) {
	if values := d.enums[t]; values != nil {
		return values
	}
	for _, s := range p.texts {
		values = append(values, reflect.ValueOf(s).Convert(t))
	}
	values = append(values, reflect.ValueOf("a").Convert(t))
	if boundaries {
		values = append(values, reflect.ValueOf("").Convert(t))
	}
	return values
}

// holdsTime reports whether values of a type can hold times.
func holdsTime(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return t == timeType || holdsTime(t.Elem(), seen)
	case reflect.Map:
		return holdsTime(t.Key(), seen) || holdsTime(t.Elem(), seen)
	case reflect.Struct:
		if t == timeType {
			return true
		}
		for i := range t.NumField() {
			if holdsTime(t.Field(i).Type, seen) {
				return true
			}
		}
	case reflect.Interface:
		return true
	}
	return false
}
