package commit

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// chain decides on inputs of one instance, one after the other, in memory: each sees what the ones before it led to. All
// of it becomes one change.
type chain struct {
	key      store.InstanceKey
	workflow *workflow.Workflow
	base     int64 // version that is stored
	now      time.Time
	current  cached // after the last decision
	change   store.Change
	taken    []taken  // the decisions that the change is made of
	first    [1]taken // room for one, as most chains have
	timers   workflow.TimerNet
	search   searchChange
	events   int  // size of the events' payloads
	effects  int  // size of the effects'
	tainted  bool // user code may have changed the state; it is not to be used any more

	// keyAsked is the unique key whose holder was asked for, keyHolder the id of the instance that has it. Both may be empty.
	keyAsked, keyHolder string

	maxPayload int            // bytes
	shadow     *shadow.Shadow // nil for none
}

// taken is an accepted decision within a chain.
type taken struct {
	cause   store.Cause
	event   int // index of its first event in the change
	effects []store.NewEffect
}

// newChain begins at what is known of an instance. now is the clock's. maxPayload is in bytes.
func newChain(key store.InstanceKey, workflow *workflow.Workflow, known cached, now time.Time, maxPayload int) chain {
	now = store.StoredTime(now)
	return chain{
		search: newSearchChange(workflow, &known),
		key:    key, workflow: workflow, base: known.version, current: known, maxPayload: maxPayload,
		now:    latest(now, known.lastEvent),
		change: store.Change{Instance: key, Version: known.version, LastCommit: known.last, Due: now},
	}
}

// decide decides on one input. Its result is true only when the chain's change is stored, or, if there is none, while
// the instance is at the chain's base version.
func (c *chain) decide(req *Request) (Result, error) {
	if req.onlyReads() {
		return Result{}, nil
	}
	if refused := req.To.refuses(&c.current); refused != "" {
		return Result{Kind: refused, Version: c.current.version}, nil
	}
	if c.current.completed {
		return Result{Kind: Completed, Version: c.current.version}, nil
	}
	if c.current.version == 0 { // an instance that is there is asked first
		if err := c.keyConflict(req); err != nil {
			return Result{}, err
		}
	}
	r, err := c.ask(req)
	c.tainted = c.tainted || err != nil
	return r, err
}

// ask asks the decider, and adds what it accepts.
func (c *chain) ask(req *Request) (Result, error) {
	// The now of a decision is the clock's, but neither before the instance's last event nor before the time that the
	// input's timer was set for: time never runs backwards within an instance.
	if len(c.change.Events) == 0 {
		c.now = latest(c.now, req.NotBefore)
	}
	if problem := store.TimeProblem(c.now); problem != "" {
		return Result{}, &store.InvalidArgument{Argument: "the time of the engine's clock", Problem: problem}
	}
	question := c.shadow.Consider(c.workflow, c.now, c.current.version, c.current.state, req.Input)
	rejection, decided, err := c.workflow.Decide(c.now, c.current.version, c.current.state, req.Input)
	c.tainted = c.tainted || decided.Touched
	if err == nil {
		question.Decided(rejection, &decided)
	}
	switch {
	case err != nil:
		return Result{}, err
	case rejection != nil:
		return Result{Kind: Rejected, Rejection: rejection, Version: c.current.version}, nil
	}
	if err := decided.CheckPayloads(c.key.Workflow, c.maxPayload); err != nil {
		return Result{}, err
	}
	if err := c.keyConflict(req); err != nil {
		return Result{}, err
	}
	if err := c.add(req, decided); err != nil {
		return Result{}, err
	}
	return Result{Kind: Accepted, Events: decided.Events, stored: decided.Stored, Version: c.current.version}, nil
}

// keyConflict returns *UniqueKeyConflict when another instance holds the key that an input wants. Who does was read before; the store
// looks again when the key is taken.
func (c *chain) keyConflict(req *Request) error {
	if req.Input.UniqueKey == "" || c.keyHolder == "" || c.keyHolder == c.key.ID {
		return nil
	}
	return &store.UniqueKeyConflict{Instance: c.key, Key: req.Input.UniqueKey, Holder: c.keyHolder}
}

// add appends a decision to the change.
func (c *chain) add(req *Request, d workflow.Decided) error {
	parent := c.current.parent
	if c.current.version == 0 {
		parent = req.To.Parent
		c.change.Parent = parent
	}
	if d.Complete && parent != nil && parent.Input != "" {
		ended, err := newChildEnd(c.workflow, c.key, *parent, d)
		if err != nil {
			return err
		}
		d.Effects = append(d.Effects, ended)
	}
	c.startAgain(req, &d)
	for i := range d.Effects {
		d.Effects[i].Trace = req.Trace
		c.effects += len(d.Effects[i].Payload)
	}
	first := c.current.version + 1 // of the decision
	c.cancelEffects(d.Cancel, first)
	cause := newCause(c.key, req)
	cause.Timers, cause.CancelledTimers = d.Timers.Started(), d.Timers.Cancelled()
	if c.taken == nil {
		c.taken = c.first[:0]
	}
	c.taken = append(c.taken, taken{cause, len(c.change.Events), d.Effects})

	c.change.Now = c.now
	c.change.Status = d.Status
	c.change.Events = join(c.change.Events, d.Stored)
	if req.Input.UniqueKey != "" {
		c.change.UniqueKey = req.Input.UniqueKey
	}
	c.change.Subject = d.Subject
	if req.Arrival != nil {
		c.endDelivery(req.Arrival, first)
	}
	c.timers.Add(d.Timers, req.Trace)
	c.search.addInput(c.workflow, req.Input.Value)
	for _, event := range d.Stored {
		c.events += len(event.Payload)
	}
	c.current = cached{
		version:   c.current.version + int64(len(d.Stored)),
		completed: d.Complete,
		state:     d.State,
		lastEvent: c.now,
		parent:    parent,
		created:   c.current.created,
		last:      c.current.last,
		bytes:     c.current.bytes,
		snapshot:  c.current.snapshot,
		asOf:      c.change.Due,
		replayed:  c.current.replayed,
	}
	return nil
}

// endDelivery ends the delivery that brought the input of the decision of a version.
func (c *chain) endDelivery(a *Arrival, version int64) {
	if a.Apart {
		return
	}
	if a.Ends.Verdict != store.Done {
		c.change.Settle = append(c.change.Settle, a.Ends)
		return
	}
	c.change.Consume = append(c.change.Consume, a.Lease)
	if a.Lease.Instance != c.key && a.Lease.Instance.ID != "" {
		c.change.Ended = append(c.change.Ended, store.EndedDelivery{
			Lease: a.Lease.Named(), Kind: a.Kind.Name, Ending: store.EndedDelivered, At: c.now, Attempts: a.Attempt,
			By: store.DecisionRef{Instance: c.key, Version: version},
		})
	}
}

func newCause(key store.InstanceKey, req *Request) store.Cause {
	c := store.Cause{Input: req.Input.Name, InputID: req.InputID, Trace: req.Trace, By: req.Operator.By, Reason: req.Operator.Reason}
	if d := req.Arrival; d != nil {
		c.Delivery = &store.CauseDelivery{
			Queue: d.Lease.Queue, Kind: d.Kind.Name, Version: d.Lease.Version, Position: d.Lease.Position, Key: d.Lease.Key,
			Attempt: d.Attempt,
		}
		if d.Lease.Instance != key {
			c.Delivery.Workflow, c.Delivery.Instance = d.Lease.Instance.Workflow, d.Lease.Instance.ID
		}
	}
	return c
}

// startAgain lets a recurring timer that brought the input run on, unless the decision, or the state it leads to, says
// something else of it.
func (c *chain) startAgain(req *Request, d *workflow.Decided) {
	if req.Arrival == nil || d.Complete {
		return
	}
	if again := recurringTimer(c.workflow, c.key, &req.Arrival.Delivery, c.now); again != nil && !d.Timers.Has(again.Key) {
		d.Timers.Start(*again)
	}
}

// recurringTimer returns the timer that follows the one that was delivered to its own instance, or nil when it fires once.
//
// It is a timer like any other that the decision starts, of a generation of its own, and not the same delivery due Again, which a
// schedule is. A firing of a timer is a decision of its instance, which may start or cancel the key, leave the states that the timer
// runs in, or complete: one rule, that the last step with a key counts, settles all of that, each firing is named by the version
// of the decision that asked for it, and a lease on the firing before is no lease on the next. A schedule belongs to no instance, so
// nobody else has a word about its row; there it is the row that has to stay, locked by its lease through the commit, so that each
// firing is made once whichever instance it is for.
func recurringTimer(w *workflow.Workflow, key store.InstanceKey, d *store.Delivery, now time.Time) *store.NewTimer {
	if d.Lease.Queue != store.TimerQueue || d.Lease.Instance != key {
		return nil
	}
	r := w.Recurring(workflow.TimerName(d.Lease.Key))
	if r == nil {
		return nil
	}
	_, _, next := r.Due(d.Due, now)
	if next.IsZero() {
		return nil
	}
	return &store.NewTimer{Key: d.Lease.Key, Input: d.Kind.Name, Payload: d.Payload, FireAt: next}
}

// cancelEffects gives up effects of the kinds, those of the chain's earlier decisions among them.
func (c *chain) cancelEffects(kinds []string, by int64) {
	if len(kinds) == 0 {
		return
	}
	for _, kind := range kinds {
		if !c.cancels(kind) {
			c.change.CancelEffects = append(c.change.CancelEffects, store.CancelledEffects{Kind: kind, By: by})
		}
	}
	for i := range c.taken {
		t := &c.taken[i]
		t.effects = slices.DeleteFunc(t.effects, func(effect store.NewEffect) bool { return slices.Contains(kinds, effect.Kind) })
	}
}

// cancels reports whether a decision of the chain has given up effects of the kind.
func (c *chain) cancels(kind string) bool {
	return slices.ContainsFunc(c.change.CancelEffects, func(cancelled store.CancelledEffects) bool { return cancelled.Kind == kind })
}

// join appends what a decision leads to. Most chains have one decision, whose slices nobody else uses any more.
func join[T any](before, more []T) []T {
	if len(before) == 0 {
		return more
	}
	return append(before, more...)
}

// accepts reports whether the chain can take another input. Some have to wait until the chain is stored: a timer that is
// set for later than the chain's now; a timer or effect that a decision of the chain has cancelled or replaced, of which the
// store will say so; and a unique key, unless it is the first decision and the key's holder was asked for.
func (c *chain) accepts(req *Request) bool {
	key := req.Input.UniqueKey
	if len(c.change.Events) == 0 {
		return key == "" || key == c.keyAsked
	}
	overtaken := false
	if d := req.Arrival; d != nil && d.Lease.Instance == c.key {
		overtaken = d.Lease.Queue == store.TimerQueue && c.timers.Has(d.Lease.Key) ||
			d.Lease.Queue == store.EffectQueue && c.cancels(d.Kind.Name)
	}
	return !overtaken && !req.NotBefore.After(c.now) && key == ""
}

// finish returns the change to store; ok is false when nothing is added.
func (c *chain) finish() (change store.Change, ok bool, err error) {
	if len(c.change.Events) == 0 {
		return store.Change{}, false, nil
	}
	for i := range c.taken {
		t := &c.taken[i]
		for _, effect := range t.effects {
			t.cause.Effects = append(t.cause.Effects, effect.Kind)
		}
		if len(t.effects) > 0 {
			t.cause.EffectsVersion, t.cause.EffectsPosition = c.change.NewVersion(), len(c.change.Effects)
		}
		if len(t.cause.Timers) > 0 {
			t.cause.TimersVersion = c.change.NewVersion()
		}
		c.change.Effects = join(c.change.Effects, t.effects)
		if c.change.Events[t.event].Cause, err = encodeCause(&t.cause); err != nil {
			return store.Change{}, false, fmt.Errorf("the cause: %w", err)
		}
	}
	c.change.Complete = c.current.completed
	if !c.change.Complete { // completion deletes all timers
		c.change.Timers, c.change.Cancel = c.timers.Result()
	}
	c.change.Search = c.search.result(c.workflow, c.current.state)
	c.current.bytes += c.events
	return c.change, true, nil
}

// stored notes which commit has stored the change.
func (c *chain) stored(commit store.CommitID) {
	c.current.last = commit
	if c.base == 0 {
		c.current.created = commit
	}
}

// size is about what the change takes on its way to the store.
func (c *chain) size() int { return c.events + c.effects }

// known makes what a store says of an instance into what a chain begins at. The state before the instance's events is the
// given one, or that of the snapshot, or the initial one.
func known(workflow *workflow.Workflow, before cached, instance store.Instance) (cached, error) {
	if instance.Elsewhere != nil {
		return cached{}, instance.Elsewhere
	}
	after := cached{version: instance.Version, completed: instance.Completed, lastEvent: instance.LastEventAt,
		parent: instance.Parent, created: instance.Created, last: instance.LastCommit, bytes: before.bytes, snapshot: before.snapshot, replayed: before.replayed}
	if instance.Completed {
		return after, nil
	}
	if instance.Version < before.version || before.version > 0 && instance.AfterCommit != before.last {
		return cached{}, store.ErrConflict // a database that was set back, or another instance of the id
	}
	if instance.Snapshot != nil {
		after.bytes, after.snapshot = len(instance.Snapshot.State), instance.Snapshot.Version
	}
	for _, event := range instance.Events {
		after.bytes += len(event.Payload)
	}
	state, err := workflow.Replay(before.state, instance)
	if err != nil {
		return cached{}, unknown.Mark(fmt.Errorf("%s: %w", instance.Key, err))
	}
	after.state = state
	return after, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
