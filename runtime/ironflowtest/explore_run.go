package ironflowtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/pprof"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// explorer goes through the situations of one instance of a workflow.
type explorer struct {
	Exploration
	workflow *workflow.Workflow
	machine  *workflow.Machine // nil without states
	options  map[string]workflow.EffectOptions
	domain   *domain
	clients  []string // inputs that are sent by clients

	nodes   []*node // by their discovery; those from next on are not gone through yet
	known   map[[sha256.Size]byte]*node
	timeful bool // a state can hold times, so that it matters what time it is

	seen    Explored
	found   map[string]bool // findings, by what they are about
	results map[string]*resultSeen
	asked   map[cellKey]int // decisions

	invariants int // how often they were called

	cells map[cellKey]map[string]bool // outcomes, for a table; nil for none
	then  func()                      // what follows the exploration; nil for nothing

	*progress
}

// progress tells whether user code returns.
type progress struct {
	steps   atomic.Int64                      // of user code
	current [maxAskers]atomic.Pointer[stepAt] // under way, of each goroutine that asks
}

// underWay returns a step whose user code has not returned.
func (p *progress) underWay() *stepAt {
	for i := range p.current {
		if at := p.current[i].Load(); at != nil {
			return at
		}
	}
	return &stepAt{&node{}, &step{label: "the code of the workflow"}}
}

type stepAt struct {
	node *node
	step *step
}

// resultSeen says whether an input that an effect returns was taken anywhere.
type resultSeen struct {
	taken   bool
	refused *node // where it was refused first
	by      step
}

// node is a situation: a state, with what is pending in it.
type node struct {
	state     []byte // JSON
	version   int64
	status    string
	completed bool
	now       time.Time
	effects   []pendingEffect
	timers    []pendingTimer

	depth  int
	parent *node
	step   step // that led here from parent

	children []*node
	expanded bool
}

type pendingEffect struct{ name, payload string }

type pendingTimer struct {
	key, input, payload string
	at                  time.Time
}

// step is what can happen in a situation.
type step struct {
	how    stepKind
	name   string // of the effect, timer or schedule
	input  any    // nil for an effect that ends without one
	label  string // name of the input
	now    time.Time
	effect int // index; -1 for none
	timer  int // index; -1 for none
	events string

	pending pendingEffect // of effect
}

type stepKind int

const (
	stepClient stepKind = iota
	stepResult
	stepDone // an effect ends without a result
	stepDead // an effect becomes a dead letter
	stepTimer
	stepSchedule
)

func newExplorer(w *workflow.Workflow, e Exploration) (*explorer, error) {
	x := &explorer{
		Exploration: e, workflow: w, machine: w.DeclaredMachine(), options: w.EffectOptions(),
		known: make(map[[sha256.Size]byte]*node), found: make(map[string]bool), results: make(map[string]*resultSeen),
		asked: make(map[cellKey]int), progress: new(progress),
	}
	var err error
	if x.domain, err = newDomain(w, e); err != nil {
		return nil, err
	}
	x.clients = x.clientInputs()
	return x, nil
}

// again returns an explorer that knows the first node only.
func (x *explorer) again() *explorer {
	y := &explorer{
		Exploration: x.Exploration, workflow: x.workflow, machine: x.machine, options: x.options, domain: x.domain, clients: x.clients,
		known: make(map[[sha256.Size]byte]*node), found: make(map[string]bool), results: make(map[string]*resultSeen), timeful: x.timeful,
		asked: make(map[cellKey]int), progress: x.progress,
	}
	y.add(&node{state: x.nodes[0].state, status: x.nodes[0].status, now: x.nodes[0].now})
	return y
}

// clientInputs are the inputs that clients send, and those with samples.
func (x *explorer) clientInputs() (names []string) {
	for _, name := range x.workflow.InputNames() {
		if !slices.Contains(x.workflow.InternalInputs(), name) || x.domain.samples[name] != nil {
			names = append(names, name)
		}
	}
	return names
}

// explorations numbers them, so that goroutines which an earlier one has left are not taken for those of a later one.
var explorations atomic.Int64

// watched explores on a goroutine of its own, which may never end.
func (x *explorer) watched() (Explored, error) {
	id := fmt.Sprintf("explore %d", explorations.Add(1))
	var err error
	done := make(chan struct{})
	go pprof.Do(context.Background(), pprof.Labels("ironflowtest", id), func(context.Context) {
		defer close(done)
		err = errEnded
		err = x.run()
	})
	tick := time.NewTicker(explorationClock)
	defer tick.Stop()
	heap := heapBytes()
	for last, since := int64(-1), time.Now(); ; {
		select {
		case <-done:
			if n := goroutinesOf(id); n > 0 && err == nil {
				x.report(FoundGoroutine, "", nil, step{}, fmt.Sprintf("the workflow's code has started %d goroutines that go on; deciders and evolvers only compute, effects do the rest", n))
			}
			return x.seen, err
		case now := <-tick.C:
			if steps := x.steps.Load(); steps != last {
				last, since, heap = steps, now, heapBytes()
				continue
			}
			at := x.underWay()
			endHoarding(at.step.label, heap)
			if now.Sub(since) > x.Timeout {
				return Explored{}, fmt.Errorf("%s does not return within %v; a decider, an evolver or an invariant must not wait or loop for ever. The story:\n%s",
					at.step.label, x.Timeout, numbered(x.story(at.node, *at.step, "does not return")))
			}
		}
	}
}

// goroutinesOf counts the goroutines that were started under a label and go on. They get a moment to end.
func goroutinesOf(id string) (n int) {
	for try := range 20 {
		var b bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
		n = 0
		for _, group := range strings.Split(b.String(), "\n\n") {
			if strings.Contains(group, fmt.Sprintf("%q", id)) {
				count, _, _ := strings.Cut(strings.TrimSpace(group), " ")
				if c := 0; true {
					_, _ = fmt.Sscan(count, &c)
					n += max(c, 1)
				}
			}
		}
		if n == 0 {
			return 0
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	return n
}

func (x *explorer) run() error {
	initial, err := x.workflow.Replay(nil, store.Instance{})
	if err != nil {
		return err
	}
	x.timeful = holdsTime(reflect.TypeOf(initial), make(map[reflect.Type]bool))
	first := &node{now: store.StoredTime(x.Now)}
	if first.state, err = x.workflow.EncodeState(initial); err != nil {
		return fmt.Errorf("the initial state cannot be stored: %w", err)
	}
	if x.machine != nil {
		first.status = x.machine.States[0].Name
	}
	x.add(first)
	x.seen.Complete = true
	for at := 0; at < len(x.nodes); {
		some := x.nodes[at:min(at+x.batch(), len(x.nodes))]
		if err := x.expandAll(some); err != nil {
			return err
		}
		at += len(some)
	}
	if x.seen.Transitions == 0 && len(x.seen.Findings) == 0 {
		x.report(FoundNoInputs, "", nil, step{}, "clients cannot send any input to a new instance, so nothing was explored; add the input that starts an instance to Exploration.Inputs")
	}
	x.seen.States = len(x.nodes)
	x.lostResults()
	x.noEnd()
	if x.then != nil {
		x.then()
	}
	return nil
}

// add returns the node of the same situation that is known already, or the given one.
func (x *explorer) add(n *node) *node { return x.addAs(n.key(x.timeful), n) }

func (x *explorer) addAs(key [sha256.Size]byte, n *node) *node {
	if known := x.known[key]; known != nil {
		return known
	}
	x.known[key] = n
	x.nodes = append(x.nodes, n)
	return n
}

// key tells situations apart. What happens next depends on nothing else.
func (n *node) key(timeful bool) [sha256.Size]byte {
	var buf [512]byte
	b := append(buf[:0], n.state...)
	sep := func() { b = append(b, 0) }
	sep()
	b = append(b, n.status...)
	if n.completed {
		sep()
		return sha256.Sum256(b) // nothing happens any more
	}
	if timeful {
		b = n.now.AppendFormat(b, time.RFC3339Nano)
	}
	if n.version == 0 {
		b = append(b, "new"...)
	}
	for _, e := range n.effects { // sorted
		sep()
		b = append(append(append(b, e.name...), ' '), e.payload...)
	}
	sep()
	for _, t := range n.timers {
		sep()
		b = append(append(append(b, t.key...), ' '), t.payload...)
		b = append(b, t.at.Sub(n.now).String()...)
	}
	return sha256.Sum256(b)
}

// open returns the state of a node, which shares no memory with others.
func (x *explorer) open(n *node) (any, error) {
	if n.version == 0 {
		return x.workflow.Replay(nil, store.Instance{})
	}
	return x.workflow.Replay(nil, store.Instance{Snapshot: &store.Snapshot{Version: n.version, State: n.state}})
}

// unchanged reports user code that has written into the state that it was given. The engine gives a decider a copy.
func (x *explorer) unchanged(n *node, state any) {
	after, same := x.same(n, state)
	if same {
		return
	}
	moves, _ := x.moves(n, state)
	for _, s := range moves { // who was it?
		fresh, err := x.open(n)
		if err != nil {
			return
		}
		in, err := x.workflow.Prepare(s.input)
		if err != nil {
			continue
		}
		_, _, _ = x.workflow.Decide(s.now, n.version, fresh, in)
		if after, err := x.workflow.EncodeState(fresh); err != nil || !bytes.Equal(after, n.state) {
			x.report(FoundMutation, s.label, n, s, fmt.Sprintf(
				"the evolver writes into a map or slice of the state that it is given: before it was %s, after it %s. Change a copy (maps.Clone, slices.Clone): the engine decides on the old state again when a commit fails",
				n.state, after))
			return
		}
	}
	x.report(FoundMutation, "", n.parent, n.step, fmt.Sprintf("an evolver or an invariant writes into the state that it is given: before it was %s, after it %s; change a copy", n.state, after))
}

// same returns the JSON of a state that was opened of a node, and whether it is still that of the node.
func (x *explorer) same(n *node, state any) ([]byte, bool) {
	after, err := x.workflow.EncodeState(state)
	return after, err == nil && bytes.Equal(after, n.state)
}

// follow returns the node after a step that changes only what is pending.
func (n *node) follow(s step) *node {
	return &node{
		state: n.state, version: n.version, status: n.status, now: s.now, effects: n.effects, timers: n.timers,
		depth: n.depth + 1, parent: n, step: s,
	}
}

// endEffect makes the node after an effect that has ended without a decision.
func (x *explorer) endEffect(n *node, s step) {
	next := n.follow(s)
	next.effects = slices.Delete(slices.Clone(n.effects), s.effect, s.effect+1)
	n.children = append(n.children, x.add(next))
}

// next makes the node after an accepted decision.
func (x *explorer) next(n *node, s step, d workflow.Decided) (*node, error) {
	names := make([]string, len(d.Stored))
	for i, e := range d.Stored {
		names[i] = e.Type
	}
	s.events = strings.Join(names, ", ")
	next := n.follow(s)
	next.version += int64(len(d.Stored))
	next.status, next.completed = d.Status, d.Complete
	var err error
	if next.state, err = x.workflow.EncodeState(d.State); err != nil || d.Complete {
		next.effects, next.timers = nil, nil
		return next, err
	}
	effects := slices.Clone(n.effects)
	if s.effect >= 0 {
		effects = slices.Delete(effects, s.effect, s.effect+1)
	}
	effects = slices.DeleteFunc(effects, func(e pendingEffect) bool { return slices.Contains(d.Cancel, e.name) })
	for _, e := range d.Effects {
		if x.matters(e.Kind) {
			effects = append(effects, pendingEffect{e.Kind, string(e.Payload)})
		}
	}
	slices.SortFunc(effects, func(a, b pendingEffect) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.payload, b.payload)
	})
	next.effects = effects
	timers := slices.Clone(n.timers)
	if s.timer >= 0 {
		timers = x.withoutTimer(timers, s)
	}
	start, cancel := d.Timers.Result()
	timers = slices.DeleteFunc(timers, func(t pendingTimer) bool {
		return slices.Contains(cancel, t.key) || slices.ContainsFunc(start, func(n store.NewTimer) bool { return n.Key == t.key })
	})
	for _, t := range start {
		timers = append(timers, pendingTimer{t.Key, t.Input, string(t.Payload), t.FireAt})
	}
	slices.SortFunc(timers, func(a, b pendingTimer) int { return strings.Compare(a.key, b.key) })
	next.timers = timers
	return next, nil
}

// matters reports whether an effect can lead to an input. What ends without one changes nothing of the instance.
func (x *explorer) matters(effect string) bool {
	o := x.options[effect]
	return len(o.Returns) > 0 || o.Ended != "" || o.Refused != nil || o.Dead != nil
}

// withoutTimer returns timers after one has fired. A recurring one goes on.
func (x *explorer) withoutTimer(timers []pendingTimer, s step) []pendingTimer {
	t := timers[s.timer]
	rest := slices.Delete(slices.Clone(timers), s.timer, s.timer+1)
	if recurs := x.workflow.Recurring(workflow.TimerName(t.key)); recurs != nil {
		if _, _, next := recurs.Due(t.at, s.now); !next.IsZero() {
			t.at = next
			rest = slices.Insert(rest, s.timer, t)
		}
	}
	return rest
}

// firedInput returns the input of a timer that fires.
func (x *explorer) firedInput(t pendingTimer) (any, error) {
	payload := []byte(t.payload)
	if x.workflow.Recurring(workflow.TimerName(t.key)) != nil {
		fields := make(map[string]json.RawMessage)
		if err := json.Unmarshal(payload, &fields); err != nil {
			return nil, err
		}
		at, err := json.Marshal(t.at)
		if err != nil {
			return nil, err
		}
		fields["scheduled_at"] = at
		if payload, err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	input, err := x.workflow.DecodeInput(t.input, payload)
	if err != nil {
		return nil, err
	}
	return x.workflow.Addressed(input, instanceID)
}

// instanceID is the id of the only instance.
const instanceID = "1"
