package commit

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// apartBytes is the size of a change that is kept out of batches: it would hold the others up.
const apartBytes = 256 << 10

// distrustedBatches is for how many batches a lane checks its cache first, after it lost a race to another process.
const distrustedBatches = 64

// batch is what a lane takes through one commit: inputs of distinct instances and, for each of them, in order.
type batch struct {
	lane   *lane
	watch  *watchdog
	x      *Executor
	groups []*group
	commit store.CommitID // of the last attempt
	stored bool           // what was decided is stored: only answers are left to give

	observed int // inputs that added nothing and whose observation is stored
}

// group holds the inputs of one instance.
type group struct {
	key   store.InstanceKey
	tasks []*task

	chain   *chain // nil when the instance cannot be read
	own     chain  // what chain points to, so that it need not be allocated by itself
	read    bool   // the chain begins at what the store said within this batch
	decided int    // how many of the tasks, the first ones, have their result
	failed  bool   // one of them has an error, or the state may have been changed
}

func newBatch(l *lane, watch *watchdog, tasks []*task) *batch {
	b := &batch{lane: l, watch: watch, x: l.x, groups: make([]*group, 0, len(tasks))}
	groups := make([]group, len(tasks))
	byKey := make(map[store.InstanceKey]*group, len(tasks))
	for i, t := range tasks {
		if g, ok := byKey[t.key]; ok {
			g.tasks = append(g.tasks, t)
			continue
		}
		g := &groups[i]
		g.key, g.tasks = t.key, tasks[i:i+1:i+1]
		byKey[t.key] = g
		b.groups = append(b.groups, g)
	}
	return b
}

// run answers every task of the batch, or hands it over to be served alone, whatever happens. One input's failure is never another's:
// when the batch as a whole fails, its instances are served one by one.
func (b *batch) run() {
	_ = usererr.Call(func() (err error) {
		defer usererr.RecoverTo(&err, "a batch of the engine", "")
		b.takeThrough()
		return nil
	}, b.recover)
}

// takeThrough is run, as long as nothing panics.
func (b *batch) takeThrough() {
	ctx := context.Background() // no caller's: what was sent is waited for, for as long as the store's limit
	b.keepApart(func(g *group) bool { return g.wantsUniqueKey() })
	err := b.attempts(ctx)
	if usererr.OwnIs(err, store.ErrConflict) && len(b.groups) > 0 {
		// Another process was faster on one of the instances. What it left is read now, so this seldom happens twice.
		b.lane.distrust = distrustedBatches
		err = b.attempts(ctx)
	}
	switch {
	case err == nil: // all are answered
	case len(b.groups) == 1 && len(b.groups[0].tasks) == 1 && !usererr.OwnIs(err, store.ErrConflict):
		b.groups[0].tasks[0].answer(Result{}, bound.FromStore(err))
	case usererr.OwnIs(err, store.ErrOutcomeUnknown), bound.IsUnavailable(err): // served alone, each would fail in the same way
		for _, g := range b.groups {
			g.answerAll(bound.FromStore(err))
		}
	default:
		b.keepApart(func(*group) bool { return true })
	}
}

// recover answers the tasks when the batch panics, or user code ends its goroutine. User code has a recover of its own, so
// a panic is the engine's mistake; callers must not wait for ever. What ends its goroutine does so before anything is stored, or
// after all is answered; then each instance is served alone, and only the input that does it again pays for it.
func (b *batch) recover(err error) {
	if err == nil || b.watch.returned() {
		return
	}
	b.forget()
	if err == usererr.ErrGoexit && !b.stored && (len(b.groups) > 1 || len(b.groups) == 1 && len(b.groups[0].tasks) > 1) {
		b.keepApart(func(*group) bool { return true })
		return
	}
	for _, g := range b.groups {
		g.answerAll(err)
	}
}

// wantsUniqueKey reports whether an input may take a unique key: it may have to wait for another instance.
func (g *group) wantsUniqueKey() bool {
	for _, t := range g.tasks {
		if t.request.Input.UniqueKey != "" {
			return true
		}
	}
	return false
}

// keepApart takes groups out of the batch, to be served alone.
func (b *batch) keepApart(apart func(*group) bool) {
	kept := b.groups[:0]
	for _, g := range b.groups {
		if apart(g) {
			b.lane.cache.remove(g.key)
			b.lane.setApart(g.key, g.tasks)
		} else {
			kept = append(kept, g)
		}
	}
	b.groups = kept
}

// forget drops what is cached of the batch's instances.
func (b *batch) forget() {
	for _, g := range b.groups {
		b.lane.cache.remove(g.key)
	}
}

// errCallerGone says that a caller has gone between the decision on its input and the store: the batch decides without it.
var errCallerGone = errors.New("a caller has gone")

// attempts is attempt, again without those whose callers have gone meanwhile.
func (b *batch) attempts(ctx context.Context) error {
	for {
		if err := b.attempt(ctx); err != errCallerGone {
			return err
		}
		b.dropGone()
	}
}

// dropGone takes the tasks out whose callers have gone.
func (b *batch) dropGone() {
	for _, g := range b.groups {
		g.tasks = slices.DeleteFunc(g.tasks, func(t *task) bool { return t.state.Load() == taskWithdrawn })
	}
	b.dropEmpty()
}

func (b *batch) dropEmpty() {
	b.groups = slices.DeleteFunc(b.groups, func(g *group) bool { return len(g.tasks) == 0 })
}

// refuseStuck answers inputs of instances whose user code has not returned yet.
func (b *batch) refuseStuck() {
	if b.x.stuck.count.Load() == 0 {
		return
	}
	for _, g := range b.groups {
		if err := b.x.stuck.refuse(g.key, false); err != nil {
			g.answerAll(err)
			g.tasks = nil
		}
	}
	b.dropEmpty()
}

// lastCall is where the callers of what was decided can withdraw for the last time.
func (b *batch) lastCall() error {
	for _, g := range b.groups {
		for _, t := range g.tasks[:g.decided] {
			if t.err == nil && !t.storing() {
				return errCallerGone
			}
		}
	}
	return nil
}

// attempt takes the batch through one commit, and reports it.
func (b *batch) attempt(ctx context.Context) error {
	if b.x.config.Telemetry == nil {
		return b.decideAndStore(ctx)
	}
	begin := time.Now()
	return usererr.Call(func() error { return b.decideAndStore(ctx) }, func(err error) {
		report := b.report()
		if !b.stored { // else user code ended the goroutine after all was stored
			report.Err = err
		}
		if err != errCallerGone && (report.Inputs > 0 || report.Err != nil) {
			b.x.report(begin, report)
		}
	})
}

// decideAndStore reads what is not cached, decides, stores and answers. With an error nothing is stored, and nothing answered but
// repeats.
func (b *batch) decideAndStore(ctx context.Context) (err error) {
	defer func() {
		if err != nil { // evolvers may have changed what is cached, and what they made of it is not stored
			b.forget()
		}
	}()
	b.refuseStuck()
	if err := b.answerRepeats(ctx); err != nil {
		return err
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	for _, g := range b.groups {
		if err := b.decide(g); err != nil {
			return err
		}
	}
	if err := b.lastCall(); err != nil {
		return err
	}
	b.keepApart(func(g *group) bool { return len(b.groups) > 1 && g.chain != nil && g.chain.size() > apartBytes })
	if err := b.store(ctx); err != nil {
		return err
	}
	b.stored = true
	b.record(ctx)
	for _, g := range b.groups {
		b.answer(g)
	}
	for _, g := range b.groups {
		b.remember(g)
	}
	return nil
}

// report counts what the batch has decided.
func (b *batch) report() (report telemetry.CommitReport) {
	report.Observations = b.observed
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
	return report
}

// answerRepeats answers the inputs that came before under the same id.
func (b *batch) answerRepeats(ctx context.Context) error {
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
	outcomes, err := b.x.store.InputOutcomes(ctx, keys)
	if err != nil {
		return err
	}
	known := make(map[store.InputKey][]byte, len(keys))
	for i, key := range keys {
		if outcomes[i] != nil {
			known[key] = outcomes[i]
		}
	}
	for _, g := range b.groups {
		for _, t := range g.tasks {
			if outcome, ok := known[t.request.inputKey()]; ok {
				b.watch.enter(b, t.key, t.request.purpose())
				r, err := repeated(&t.request, outcome)
				b.watch.leave()
				t.answer(r, err)
			}
		}
		g.tasks = slices.DeleteFunc(g.tasks, (*task).answered)
	}
	b.dropEmpty()
	return nil
}

// load begins the groups' chains, at what is cached or at what the store says.
func (b *batch) load(ctx context.Context) error {
	var requests []store.ReadRequest
	var reading []*group
	var before []cached
	distrust := b.lane.distrust > 0
	if distrust {
		b.lane.distrust--
	}
	for _, g := range b.groups {
		g.chain, g.read, g.decided, g.failed = nil, false, 0, false
		workflow := g.tasks[0].request.Workflow
		remembered, ok := b.lane.cache.get(g.key, b.x.config.Clock.Now())
		if ok && !distrust {
			b.begin(g, remembered, b.x.config.Clock.Now())
			continue
		}
		requests = append(requests, store.ReadRequest{Instance: g.key, After: remembered.version, Schema: workflow.Schema()})
		reading = append(reading, g)
		before = append(before, remembered)
	}
	if len(reading) == 0 {
		return nil
	}
	instances, err := b.x.store.Read(ctx, requests)
	if err != nil {
		return err
	}
	for i, g := range reading {
		g.read = true
		workflow := g.tasks[0].request.Workflow
		b.watch.enter(b, g.key, g.tasks[0].request.purpose())
		start, err := known(workflow, before[i], instances[i])
		b.watch.leave()
		if usererr.OwnIs(err, store.ErrConflict) {
			return err
		}
		if err != nil { // the instance cannot be read, whoever asks
			b.lane.cache.remove(g.key)
			for range g.tasks {
				g.add(Result{}, err)
			}
			continue
		}
		start.asOf = b.x.config.Clock.Now()
		b.begin(g, start, start.asOf)
	}
	return nil
}

// begin begins the group's chain.
func (b *batch) begin(g *group, known cached, now time.Time) {
	g.own = newChain(g.key, g.tasks[0].request.Workflow, known, now, b.x.config.MaxPayloadBytes)
	g.chain = &g.own
}

// add notes the result of the next task. It is the answer once everything is stored.
func (g *group) add(r Result, err error) {
	t := g.tasks[g.decided]
	t.result, t.err = r, err
	g.decided++
	g.failed = g.failed || err != nil
}

// decide decides on a group's inputs. Those that have to wait for the next batch get no result.
func (b *batch) decide(g *group) error {
	if g.chain == nil {
		return nil
	}
	var ids map[string]bool
	for _, t := range g.tasks {
		if !g.chain.accepts(t.request) {
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
			t.result, t.err = Result{}, err
			g.decided++
			continue
		}
		b.watch.enter(b, t.key, t.request.purpose())
		result, err := g.chain.decide(t.request)
		b.watch.leave()
		g.add(result, err)
		g.failed = g.failed || g.chain.touched
		if err == nil {
			// Also for those that add nothing: what is asked of user code is asked before anything is stored.
			b.watch.enter(b, t.key, t.request.purpose())
			records, err := b.x.config.records(&t.request, result, g.chain.change.Due)
			b.watch.leave()
			switch {
			case result.Kind != Accepted:
				t.records, t.err = records, err
			case err != nil:
				return err
			default:
				g.chain.change.Inputs.Add(records)
			}
		}
		if err != nil || g.chain.touched {
			return nil // the rest begins at what is stored
		}
	}
	return nil
}

// store commits the changes of all groups. A group that adds nothing rests on what it knows of its instance, which the
// store has to confirm unless it said so within this batch.
func (b *batch) store(ctx context.Context) error {
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
		} else if !g.read && !g.chain.current.completed {
			batch.Unchanged = append(batch.Unchanged, store.InstanceVersion{Instance: g.key, Version: g.chain.base, LastCommit: g.chain.change.LastCommit})
		}
	}
	if len(batch.Changes)+len(batch.Unchanged) == 0 {
		return nil
	}
	err := b.x.store.Append(ctx, batch)
	if usererr.OwnIs(err, store.ErrOutcomeUnknown) && len(batch.Changes) > 0 {
		err = b.x.resolve(ctx, batch.Commit, batch.Changes[0], err)
	}
	return err
}

// record keeps what is to be kept of the inputs that added nothing, after what they were decided on is confirmed. An input of
// which that fails is answered with the error, or is decided again when somebody else was faster with its id.
func (b *batch) record(ctx context.Context) {
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
		return
	}
	err := b.x.store.RecordInputs(ctx, all)
	if err == nil {
		b.observed = len(all.Observations)
		return
	}
	for _, t := range of {
		var silent *store.StoreTimeout
		if !errors.As(err, &silent) { // it would not answer the others either, each after as long a wait
			err = b.x.store.RecordInputs(ctx, t.records)
		}
		if err == nil {
			b.observed += len(t.records.Observations)
		}
		t.again = usererr.OwnIs(err, store.ErrConflict)
		if err != nil && !t.again {
			t.err = bound.FromStore(err)
		}
	}
}

// answer answers the tasks of a group, and tells of what was stored of it.
func (b *batch) answer(g *group) {
	var rest []*task
	for _, t := range g.tasks[:g.decided] {
		if t.again {
			t.again = false
			rest = append(rest, t)
		} else {
			close(t.done)
		}
	}
	if rest = append(rest, g.tasks[g.decided:]...); len(rest) > 0 {
		g.tasks = slices.DeleteFunc(g.tasks, func(t *task) bool { return slices.Contains(rest, t) })
		b.lane.putBack(rest)
	}
	if g.chain != nil && len(g.chain.change.Events) > 0 {
		b.x.config.Committed(g.chain.change)
		g.chain.stored(b.commit)
	}
}

// remember keeps what was stored of a group.
func (b *batch) remember(g *group) {
	if g.chain == nil {
		return
	}
	// User code that fails may have touched what it was given. What has completed may be deleted at any time.
	if g.failed || g.chain.current.completed {
		b.lane.cache.remove(g.key)
		return
	}
	input := "of a snapshot"
	if len(g.tasks) > 0 {
		input = g.tasks[0].request.purpose()
	}
	b.watch.enter(b, g.key, input)
	b.x.snapshots.consider(g.chain)
	b.watch.leave()
	b.lane.cache.put(g.key, g.chain.current)
}

// answerAll answers every task that has no answer yet with an error.
func (g *group) answerAll(err error) {
	for _, t := range g.tasks {
		select {
		case <-t.done:
		default:
			t.answer(Result{}, err)
		}
	}
}
