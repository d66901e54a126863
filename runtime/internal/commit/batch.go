package commit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// batch is what goes through one commit: inputs of distinct instances and, for each of them, in order.
type batch struct {
	x      *Executor
	in     access
	cache  *stateCache // nil when nothing is remembered
	doubts bool        // what is remembered is compared with the store before it is decided on, not only when it is stored
	all    []group     // that the batch began with
	groups []*group

	commit   store.CommitID
	changes  []store.Change                  // that were sent to the store
	leased   bool                            // handlers may be reserved for the changes
	lent     bool                            // the transaction is the caller's, who may roll it back: nothing is leased
	keys     map[uniqueKey]store.InstanceKey // that the changes take
	large    []*group                        // that have a commit of their own
	forgets  int64                           // bound.Store.Forgets when it was loaded
	observed int                             // inputs that added nothing and whose observation is stored
	left     bool                            // user code may still be at work on what a group holds

	// Of a batch of the dispatcher:
	watch *watch    // of the goroutine that serves the batch; nil for others
	lost  int       // races against others
	began time.Time // the newest attempt
}

// group holds the inputs of one instance.
type group struct {
	key     store.InstanceKey
	line    *line // nil for an input alone
	tasks   []*task
	decided int // how many of the tasks, the first ones, have their result

	chain *chain // nil when the instance cannot be read
	own   chain  // what chain points to, so that it need not be allocated by itself
	basis basis

	confirmed int64          // version that was remembered when an attempt began; 0 for none
	created   store.CommitID // of that
}

// basis is what a chain begins at.
type basis int

const (
	remembered basis = iota // the store has to confirm it
	read                    // the store said it within this batch
)

// newBatch makes a batch of an input alone.
func newBatch(x *Executor, in access, t *task) *batch {
	return &batch{x: x, in: in, groups: []*group{{key: t.key, tasks: []*task{t}}}}
}

// errCallerGone says that a caller has gone between the decision on its input and the store: the batch decides without it.
var errCallerGone = errors.New("a caller has gone")

// failedCall is user code that has ended its goroutine, or that the batch has gone on without.
type failedCall struct {
	task *task
	err  error
}

func (e *failedCall) Error() string { return e.err.Error() }

// run is attempt for an input alone, with the end of its access and the report.
func (b *batch) run(ctx, storing context.Context) (err error) {
	defer func() { b.report(err) }()
	defer b.in.end(ctx)
	return b.attempt(ctx, storing)
}

// attempt takes the batch through its commit: it reads what is not remembered, decides, stores and answers. With an error nothing is stored,
// and nothing answered but repeats. ctx bounds what comes before the batch is sent to the store, and storing what comes then.
//
// Nothing that calls it may defer what must not be done when user code has ended the goroutine, or the dispatcher has given it up.
func (b *batch) attempt(ctx, storing context.Context) error {
	if b.x.config.Telemetry != nil {
		b.began = time.Now()
	}
	b.keys, b.large, b.observed, b.changes = nil, nil, 0, nil
	b.refuseStuck()
	if err := b.answerRepeats(ctx, storing); err != nil || len(b.groups) == 0 {
		return err
	}
	loaded, err := b.load(ctx)
	if err != nil {
		return err
	}
	if err := b.decide(storing, loaded); err != nil {
		return err
	}
	if err := cmp.Or(ctx.Err(), b.lastCall()); err != nil {
		return err
	}
	if err := b.store(storing); err != nil {
		return err
	}
	again := b.record(storing)
	for _, g := range b.groups {
		g.answer(again)
	}
	return nil
}

// guard runs a part of the batch that calls user code, and notes when that may not have returned. A batch of the dispatcher runs it on its own
// goroutine, which does not return when user code ends it, or does not return in time: see attendant.
func (b *batch) guard(ctx context.Context, run func(*watch)) (at *task, err error) {
	if b.watch != nil {
		run(b.watch)
		return nil, nil
	}
	return b.guardApart(ctx, run)
}

// guardApart is guard on a goroutine of its own.
func (b *batch) guardApart(ctx context.Context, run func(*watch)) (at *task, err error) {
	at, err = b.x.stuck.guard(ctx, run)
	b.left = b.left || err != nil
	return at, err
}

// refuseStuck answers inputs of instances whose user code has not returned yet.
func (b *batch) refuseStuck() {
	if b.x.stuck.count.Load() == 0 {
		return
	}
	for _, g := range b.groups {
		if err := b.x.stuck.refuse(g.key, false); err != nil {
			g.answerAll(err)
		}
	}
	b.dropAnswered()
}

// answerRepeats answers the inputs that came before under the same id.
func (b *batch) answerRepeats(ctx, storing context.Context) error {
	var keys []store.InputKey
	for _, g := range b.groups {
		for _, t := range g.tasks {
			if t.request.InputID != "" {
				keys = append(keys, t.request.inputKey())
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	// This is not asked within a unit of work, which has a connection in its hand and would wait for a second. An outcome that comes
	// meanwhile makes the commit a conflict.
	outcomes, err := b.in.InputOutcomes(ctx, keys)
	if err != nil {
		return bound.FromStore(err)
	}
	recorded := make(map[store.InputKey][]byte, len(keys))
	for i, key := range keys {
		if outcomes[i] != nil {
			recorded[key] = outcomes[i]
		}
	}
	if len(recorded) == 0 {
		return nil
	}
	at, err := b.guard(storing, func(w *watch) {
		for _, g := range b.groups {
			for _, t := range g.tasks {
				if outcome, is := recorded[t.request.inputKey()]; is {
					w.enter(t)
					r, err := repeated(&t.request, outcome)
					w.leave()
					t.answer(r, err)
				}
			}
		}
	})
	b.dropAnswered()
	if err != nil {
		return &failedCall{at, err}
	}
	return nil
}

// loading is an instance that was read, for a group, and what was remembered of it.
type loading struct {
	group    *group
	before   cached
	instance store.Instance
}

// load begins the chains of the instances that are remembered, and reads the others.
func (b *batch) load(ctx context.Context) ([]loading, error) {
	var requests []store.ReadRequest
	var loaded []loading
	b.forgets = b.x.store.Forgets()
	for _, g := range b.groups {
		g.chain, g.decided = nil, 0
		req := &g.tasks[0].request
		now := b.x.config.Clock.Now()
		before, ok := b.recall(g.key, now)
		if ok && before.expired(req.Workflow, replayed{now, b.forgets}) {
			before, ok = cached{}, false
		}
		wanted := g.wantedKey()
		if ok && !b.doubts && wanted == "" {
			g.begin(b, before, remembered, now)
			continue
		}
		requests = append(requests, store.ReadRequest{
			Instance: g.key, After: before.version, Schema: req.Workflow.Schema(), UniqueKey: wanted,
		})
		loaded = append(loaded, loading{group: g, before: before})
	}
	if len(requests) == 0 {
		return nil, nil
	}
	instances, err := b.in.load(ctx, requests)
	if err != nil {
		return nil, err
	}
	for i := range loaded {
		loaded[i].instance = instances[i]
	}
	b.noteSetBack(loaded)
	return loaded, nil
}

// recall returns what is remembered of an instance.
func (b *batch) recall(key store.InstanceKey, now time.Time) (known cached, ok bool) {
	if b.cache == nil {
		return cached{}, false
	}
	return b.cache.get(key, now)
}

// begin begins the group's chain.
func (g *group) begin(b *batch, known cached, basis basis, now time.Time) {
	g.own = newChain(g.key, g.tasks[0].request.Workflow, known, now, b.x.config.MaxPayloadBytes)
	g.own.shadow = b.x.config.Shadow
	g.chain, g.basis = &g.own, basis
	if basis == remembered {
		g.confirmed, g.created = known.version, known.created
	}
}

// decide begins the chains of what was read, and decides on all inputs. It calls user code and nothing else that could take long.
func (b *batch) decide(ctx context.Context, loaded []loading) error {
	var failed error
	at, err := b.guard(ctx, func(w *watch) { failed = b.decideAll(w, loaded) })
	if err != nil {
		b.leave(at)
		return &failedCall{at, err}
	}
	return failed
}

// leave gives up the chain that user code may still be at work on, if it was called for a task.
func (b *batch) leave(at *task) {
	for _, g := range b.groups {
		if at != nil && g.key == at.key {
			g.chain = nil
		}
	}
}

func (b *batch) decideAll(w *watch, loaded []loading) error {
	for i := range loaded {
		if err := b.beginAt(w, &loaded[i]); err != nil {
			return err
		}
	}
	for _, g := range b.groups {
		if err := b.decideGroup(w, g); err != nil {
			return err
		}
	}
	return nil
}

// beginAt begins a group's chain at what the store said.
func (b *batch) beginAt(w *watch, l *loading) error {
	g := l.group
	w.enter(g.tasks[0])
	start, err := known(g.tasks[0].request.Workflow, l.before, l.instance)
	w.leave()
	if usererr.OwnIs(err, store.ErrConflict) {
		return err
	}
	if err != nil { // the instance cannot be read, whoever asks
		for range g.tasks {
			g.add(Result{}, err)
		}
		return nil
	}
	start.asOf = b.x.config.Clock.Now()
	if l.before.version == 0 {
		start.replayed = replayed{start.asOf, b.forgets}
	}
	g.begin(b, start, read, start.asOf)
	g.chain.keyAsked, g.chain.keyHolder = g.wantedKey(), l.instance.KeyHolder
	return nil
}

// add notes the result of the next task. It is the answer once everything is stored.
func (g *group) add(r Result, err error) {
	t := g.tasks[g.decided]
	t.result, t.err = r, err
	g.decided++
}

// decideGroup decides on a group's inputs. Those that have to wait for the next batch get no result.
func (b *batch) decideGroup(w *watch, g *group) error {
	chain := g.chain // which is read before user code is called: decide may drop it meanwhile
	if chain == nil {
		return nil
	}
	var ids map[string]bool
	for _, t := range g.tasks {
		if !chain.accepts(&t.request) || b.takes(t.request.uniqueKey(), g.key) {
			return nil
		}
		if id := t.request.InputID; id != "" {
			if ids[id] {
				return nil // a repeat of one whose outcome is not known yet
			}
			if ids == nil {
				ids = make(map[string]bool)
			}
			ids[id] = true
		}
		if err := t.ctx.Err(); err != nil { // its caller has gone, or is about to: nothing comes of it
			g.add(Result{}, err)
			continue
		}
		w.enter(t)
		result, err := chain.decide(&t.request)
		w.leave()
		g.add(result, err)
		if err == nil {
			// Also for those that add nothing: what is asked of user code is asked before anything is stored.
			w.enter(t)
			records, err := b.x.config.records(&t.request, result, chain.change.Due, chain.current.state)
			w.leave()
			switch {
			case result.Kind != Accepted:
				t.records, t.err = records, err
			case err != nil:
				return err
			default:
				chain.change.Inputs.Add(records)
				b.take(t.request.uniqueKey(), g.key)
			}
		}
		if chain.tainted {
			return nil // the rest begins at what is stored
		}
	}
	return nil
}

// lastCall is where the callers of what was decided can withdraw for the last time.
func (b *batch) lastCall() (err error) {
	for _, g := range b.groups {
		for _, t := range g.tasks[:g.decided] {
			if t.err != nil {
				continue // it is not stored
			}
			if t.ctx.Err() != nil && t.withdraw() || !t.storing() {
				err = errCallerGone
			}
		}
	}
	return err
}

// store commits the changes of all groups. A group that adds nothing rests on what it knows of its instance, which the store has to
// confirm unless it said so within this batch.
func (b *batch) store(ctx context.Context) error {
	b.takeOutLarge()
	b.commit = newCommitID()
	batch := store.Batch{Commit: b.commit, Changes: make([]store.Change, 0, len(b.groups))}
	for _, g := range b.groups {
		if g.chain == nil {
			continue
		}
		change, ok, err := g.chain.finish()
		if err != nil {
			return err
		}
		if ok {
			batch.Changes = append(batch.Changes, change)
		} else if g.basis == remembered && !g.chain.current.completed {
			batch.Unchanged = append(batch.Unchanged, store.InstanceVersion{Instance: g.key, Version: g.chain.base, LastCommit: g.chain.change.LastCommit})
		}
	}
	b.changes = batch.Changes
	if !b.lent {
		b.leased = true
		b.x.config.Lease(b.changes)
	}
	if err := b.in.store(ctx, batch); err != nil {
		b.giveBack(err)
		if usererr.OwnIs(err, errNotFound) {
			b.noteLost()
		}
		return err
	}
	return nil
}

// noteLost notes which decisions may still be stored, although they will be made again.
func (b *batch) noteLost() {
	for _, g := range b.groups {
		if g.chain == nil {
			continue
		}
		for _, t := range g.tasks[:g.decided] {
			if t.err == nil && t.result.Kind == Accepted {
				t.lost = &lostDecision{g.chain.base}
			}
		}
	}
}

// giveBack gives up the leases of changes that are not known to be stored. Those that are stored all the same end by themselves.
func (b *batch) giveBack(err error) {
	if b.leased {
		b.leased = false
		b.x.config.GiveBack(b.changes, err)
	}
}

// committed tells of the changes, which are stored.
func (b *batch) committed() {
	b.leased = false
	if len(b.changes) > 0 {
		b.x.config.Committed(b.commit, b.changes)
	}
}

// takeOutLarge takes the groups out whose changes would hold the others up.
func (b *batch) takeOutLarge() {
	if len(b.groups) > 1 {
		b.large = b.takeOut(func(g *group) bool { return g.chain != nil && g.chain.size() > apartBytes })
	}
}

// takeOut takes groups out of the batch.
func (b *batch) takeOut(which func(*group) bool) (out []*group) {
	b.groups = slices.DeleteFunc(b.groups, func(g *group) bool {
		is := which(g)
		if is {
			out = append(out, g)
		}
		return is
	})
	return out
}

// record keeps what is to be kept of the inputs that added nothing, after what they were decided on is confirmed. An input of
// which that fails is answered with the error. It returns those that are to be decided again, because somebody else was faster with their
// ids.
func (b *batch) record(ctx context.Context) (again []*task) {
	var all store.InputRecords
	var of []*task
	for _, g := range b.groups {
		for _, t := range g.tasks[:g.decided] {
			if t.err == nil && t.result.Kind != Accepted && !t.records.Empty() {
				all.Add(t.records)
				of = append(of, t)
			}
		}
	}
	if len(of) == 0 {
		return nil
	}
	err := b.in.RecordInputs(ctx, all)
	if err == nil {
		b.observed = len(all.Observations)
		return nil
	}
	for _, t := range of {
		var silent *store.StoreTimeout
		if len(of) > 1 && !errors.As(err, &silent) { // it would not answer the others either, each after as long a wait
			err = b.in.RecordInputs(ctx, t.records)
		}
		switch {
		case err == nil:
			b.observed += len(t.records.Observations)
		case usererr.OwnIs(err, store.ErrConflict):
			again = append(again, t)
		default:
			t.err = bound.FromStore(err)
		}
	}
	return again
}

// answer answers the tasks that were decided, but for those that are to be decided again.
func (g *group) answer(again []*task) {
	for _, t := range g.tasks[:g.decided] {
		if !slices.Contains(again, t) {
			close(t.done)
		}
	}
}

// stored are the chains whose changes are stored.
func (b *batch) stored(yield func(*chain) bool) {
	for _, g := range b.groups {
		if g.chain != nil && len(g.chain.change.Events) > 0 && !yield(g.chain) {
			return
		}
	}
}

// report tells of an attempt.
func (b *batch) report(err error) {
	if b.x.config.Telemetry == nil {
		return
	}
	report := telemetry.CommitReport{Apart: b.cache == nil, Observations: b.observed, Err: err}
	for _, g := range b.groups {
		inputs := 0
		for _, t := range g.tasks[:g.decided] {
			if !t.request.onlyReads() {
				inputs++
			}
		}
		if inputs == 0 {
			continue
		}
		report.Instances++
		report.Inputs += inputs
		if g.chain != nil {
			report.Events += len(g.chain.change.Events)
			report.Observations += len(g.chain.change.Inputs.Observations)
		}
	}
	if err == nil {
		report.Leased = leasedBy(b.changes)
	}
	if err != errCallerGone && (report.Inputs > 0 || err != nil) {
		b.x.report(b.began, report)
	}
}

// leasedBy counts what changes have leased.
func leasedBy(changes []store.Change) (n telemetry.Leased) {
	for i := range changes {
		for _, e := range changes[i].Effects {
			if e.Leased {
				n.Effects++
			}
		}
		for _, t := range changes[i].Timers {
			if t.Leased {
				n.Timers++
			}
		}
	}
	return n
}

// isOne reports whether the batch has one input.
func (b *batch) isOne() bool { return len(b.groups) == 1 && len(b.groups[0].tasks) == 1 }

// answerFailed answers what user code has failed of: its input; if it has not returned, all inputs of the instance.
func (b *batch) answerFailed(call *failedCall) {
	var stuck *telemetry.Stuck
	for _, g := range b.groups {
		switch {
		case call.task == nil, g.key == call.task.key && errors.As(call.err, &stuck):
			g.answerAll(call.err)
		case g.key == call.task.key:
			call.task.answer(Result{}, call.err)
		}
	}
	b.dropAnswered()
}

func (b *batch) answerAll(err error) {
	for _, g := range b.groups {
		g.answerAll(err)
	}
}

// answerAll answers every task that has no answer yet with an error.
func (g *group) answerAll(err error) {
	for _, t := range g.tasks {
		if !t.answered() {
			t.answer(Result{}, err)
		}
	}
}

// dropAnswered takes the tasks out that have their answer, and those whose callers have gone.
func (b *batch) dropAnswered() {
	for _, g := range b.groups {
		g.tasks = slices.DeleteFunc(g.tasks, func(t *task) bool { return t.answered() || t.withdrawn() })
	}
	b.groups = slices.DeleteFunc(b.groups, func(g *group) bool { return len(g.tasks) == 0 })
}
