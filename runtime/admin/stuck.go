package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/statechart"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// StuckQuery says what Stuck looks at.
type StuckQuery struct {
	Workflow string        // empty for all
	For      time.Duration // leave out what has changed or become due within this time. Default: 1 min
	Limit    int           // instances in the report; default 100, at most 1000
	Cursor   string        // StuckReport.Next of the previous report; empty for the first report
	Budget   time.Duration // how long Stuck may check instances. Default: 500 ms
}

// StuckReport lists work that does not continue by itself.
type StuckReport struct {
	At time.Time

	// Instances are the stuck instances, the newest first. Looked is the number of active instances that were checked. Next is the
	// StuckQuery.Cursor for the instances that were not checked; empty if all were.
	Instances []StuckInstance
	Looked    int
	Next      string

	Kinds       []StuckKind                 // by queue and kind; only in the first report
	Abandoned   []telemetry.AbandonedLeases // by queue, kind and process; only in the first report
	Projections []StuckProjection           // by name; only in the first report
}

// Empty reports whether nothing was found.
func (r *StuckReport) Empty() bool {
	return len(r.Instances)+len(r.Kinds)+len(r.Abandoned)+len(r.Projections) == 0
}

// StuckInstance is an active instance that only an operator or an input can move.
type StuckInstance struct {
	store.InstanceSummary
	Reason string
	Dead   []store.WaitingDelivery // its dead letters, up to 100
}

// StuckKind is a kind of deliveries that no running program delivers, that is blocked, late or paused, or that has dead letters.
type StuckKind struct {
	Queue store.QueueName
	store.Backlog
	Reason    string
	DeadError string // of the oldest dead letter, with which Reason ends; empty if the reason is another
}

// StuckProjection is a projection that makes no progress.
type StuckProjection struct {
	store.ProjectionInfo
	Reason string
}

// stuckChunk is how many instances are read at once.
const stuckChunk = 500

// Stuck looks for work that does not continue by itself. It reports active instances that no effect, timer, child or schedule will move,
// and whose declaration does not say that they wait for a client. It reports active instances that wait for a client longer than the
// deadline of their state, also if they have a timer or an effect; the wait begins when the instance comes into the state. It reports kinds of deliveries that no running program delivers, that
// are blocked or late, or that have had dead letters for StuckQuery.For. It reports leases of processes that no longer run. And it reports projections that make no
// progress.
//
// It checks the active instances one after the other, for at most StuckQuery.Budget. If it did not check all of them, StuckReport.Next is
// the cursor for the rest.
func (a *Admin) Stuck(ctx context.Context, query StuckQuery) (*StuckReport, error) {
	if err := store.CheckArgument("StuckQuery", query); err != nil {
		return nil, err
	}
	after, err := decodeCursor[store.InstancePlace](query.Cursor)
	if err != nil {
		return nil, err
	}
	query.For, query.Budget = cmp.Or(query.For, time.Minute), cmp.Or(query.Budget, 500*time.Millisecond)
	search := &stuckSearch{admin: a, query: query, size: pageSize(query.Limit), until: time.Now().Add(query.Budget)}
	search.report.At = store.StoredTime(a.clock.Now())
	if search.programs, err = a.known(ctx); err != nil {
		return nil, err
	}
	if after == nil {
		if err := search.kinds(ctx); err != nil {
			return nil, err
		}
		if err := search.projections(ctx); err != nil {
			return nil, err
		}
	}
	if err := search.instances(ctx, after); err != nil {
		return nil, err
	}
	return &search.report, search.lacks.err
}

// stuckSearch is one call of Stuck.
type stuckSearch struct {
	admin    *Admin
	query    StuckQuery
	size     int
	until    time.Time
	programs []Program
	known    map[string]*workflow.WorkflowManifest
	report   StuckReport
	lacks    lacking
}

// describe returns what is known of a workflow; nil for nothing.
func (s *stuckSearch) describe(ctx context.Context, name string) (*workflow.WorkflowManifest, error) {
	if known, looked := s.known[name]; looked {
		return known, nil
	}
	found, err := s.admin.Workflow(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.known == nil {
		s.known = make(map[string]*workflow.WorkflowManifest)
	}
	s.known[name] = found
	return found, nil
}

func (s *stuckSearch) instances(ctx context.Context, after *store.InstancePlace) error {
	a := s.admin
	// Instances that have changed since are left out here and not by the store: a store reads on until it has found a whole chunk, which may
	// be all instances.
	since := s.report.At.Add(-s.query.For)
	filter := store.InstanceFilter{Workflow: s.query.Workflow, Activity: store.OnlyActive, CreatedBefore: since}
	for {
		list := store.InstanceList{InstanceFilter: filter, After: after, Limit: stuckChunk}
		chunk, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.InstanceSummary, error) { return a.store.ListInstances(ctx, list) })
		if err := s.lacks.fails(err); err != nil {
			return err
		}
		var keys []store.InstanceKey
		for i := range chunk {
			if chunk[i].LastEventAt.Before(since) {
				keys = append(keys, chunk[i].Key)
			}
		}
		idle, err := a.store.IdleInstances(ctx, keys)
		if err := s.lacks.fails(err); err != nil {
			return err
		}
		s.report.Looked += len(keys)
		for i := range chunk {
			after = &store.InstancePlace{CreatedAt: chunk[i].CreatedAt, ID: chunk[i].Key.ID, Workflow: chunk[i].Key.Workflow}
			if !chunk[i].LastEventAt.Before(since) {
				continue
			}
			found, err := s.overdue(ctx, chunk[i])
			if err != nil {
				return err
			}
			if isIdle := len(idle) > 0 && idle[0] == chunk[i].Key; isIdle {
				idle = idle[1:]
				if found == nil {
					if found, err = s.stuck(ctx, chunk[i]); err != nil {
						return err
					}
				}
			}
			if found != nil {
				s.report.Instances = append(s.report.Instances, *found)
			}
			if len(s.report.Instances) == s.size {
				s.report.Next = encodeCursor(*after)
				return nil
			}
		}
		if len(chunk) < stuckChunk {
			return nil
		}
		if !time.Now().Before(s.until) {
			s.report.Next = encodeCursor(*after)
			return nil
		}
	}
}

// stuck says why an idle instance does not go on; nil when something will move it after all.
func (s *stuckSearch) stuck(ctx context.Context, i store.InstanceSummary) (*StuckInstance, error) {
	w, err := s.describe(ctx, i.Key.Workflow)
	if err != nil {
		return nil, err
	}
	found := &StuckInstance{InstanceSummary: i}
	if w != nil {
		if slices.ContainsFunc(w.Schedules, func(x workflow.ScheduledInput) bool { return x.Instance == i.Key.ID }) {
			return nil, nil
		}
		if state := stateOf(w.Machine, i.Status); state != nil && state.Waits == workflow.WaitsClient {
			return nil, nil
		}
	}
	if waits, err := s.hasChild(ctx, i.Key, w); waits || err != nil {
		return nil, err
	}
	for _, queue := range eitherQueue("") {
		waiting, err := s.admin.store.Waiting(ctx, queue, i.Key, 100)
		if err != nil {
			return nil, err
		}
		for _, d := range waiting {
			if d.DiedAt.IsZero() { // it was requested after IdleInstances looked
				return nil, nil
			}
			if d.ToldAt.IsZero() {
				found.Dead = append(found.Dead, d)
			}
		}
	}
	found.Reason = reason(w, found)
	return found, nil
}

// overdue returns an instance that has waited for a client longer than its state allows; nil for any other.
func (s *stuckSearch) overdue(ctx context.Context, i store.InstanceSummary) (*StuckInstance, error) {
	w, err := s.describe(ctx, i.Key.Workflow)
	if err != nil || w == nil {
		return nil, err
	}
	state := stateOf(w.Machine, i.Status)
	if state == nil || state.Deadline == 0 || s.report.At.Sub(i.CreatedAt) < state.Deadline {
		return nil, nil
	}
	since, err := s.statusSince(ctx, w.Machine, i)
	if err != nil || s.report.At.Sub(since) < state.Deadline {
		return nil, err
	}
	return &StuckInstance{InstanceSummary: i, Reason: fmt.Sprintf("it has waited for a client in state %s since %s, and the deadline of the state is %s",
		state.Name, since.Format(time.RFC3339), statechart.Duration(state.Deadline))}, nil
}

// statusSince returns when an instance came into its status. If the machine does not have the moves of the instance's history, it returns the
// time of the last event, which is not before that.
func (s *stuckSearch) statusSince(ctx context.Context, m *workflow.Machine, i store.InstanceSummary) (time.Time, error) {
	status, since := m.States[0].Name, i.CreatedAt
	for after := int64(0); after < i.Version; {
		page, err := s.admin.history(ctx, i.Key, after, historyPage)
		if err != nil || len(page) == 0 {
			return i.LastEventAt, err
		}
		for _, e := range page {
			if e.Version > i.Version {
				break
			}
			move := slices.IndexFunc(m.Moves, func(v workflow.Move) bool { return v.From == status && v.Event == e.Type })
			if move < 0 {
				return i.LastEventAt, nil
			}
			if to := m.Moves[move].To; to != status {
				status, since = to, e.RecordedAt
			}
		}
		after = page[len(page)-1].Version
	}
	if status != i.Status {
		return i.LastEventAt, nil
	}
	return since, nil
}

func stateOf(m *workflow.Machine, status string) *workflow.MachineState {
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.States, func(s workflow.MachineState) bool { return s.Name == status })
	if i < 0 {
		return nil
	}
	return &m.States[i]
}

// reason says in words why an idle instance does not go on.
func reason(w *workflow.WorkflowManifest, of *StuckInstance) string {
	if len(of.Dead) > 0 {
		d := of.Dead[0]
		what := "effect"
		if d.Lease.Queue == store.TimerQueue {
			what = "timer"
		}
		text := fmt.Sprintf("its %s %s is a dead letter since %s, and nothing else waits", what, d.Kind.Name, d.DiedAt.Format(time.RFC3339))
		if d.LastError != "" {
			text += ": " + d.LastError
		}
		return text
	}
	switch {
	case w == nil:
		return fmt.Sprintf("nothing waits to be delivered, and no program has described workflow %s", of.Key.Workflow)
	case w.Machine == nil:
		return "nothing waits to be delivered; only an input can move it"
	}
	var accepted []string
	for _, t := range w.Machine.Accepts(of.Status) {
		accepted = append(accepted, t.Input)
	}
	if len(accepted) == 0 {
		return fmt.Sprintf("nothing waits to be delivered, and state %s accepts no input", of.Status)
	}
	return fmt.Sprintf("nothing waits to be delivered in state %s; only an input can move it: %s", of.Status, strings.Join(accepted, ", "))
}

// hasChild reports whether a child of the instance is active, whose end the instance will hear of.
func (s *stuckSearch) hasChild(ctx context.Context, key store.InstanceKey, w *workflow.WorkflowManifest) (bool, error) {
	starts := func(effect string) bool {
		return w == nil || w.Machine == nil ||
			slices.ContainsFunc(w.Machine.Effects, func(e workflow.MachineEffect) bool { return e.Name == effect && e.Ended != "" })
	}
	if w != nil && w.Machine != nil && !slices.ContainsFunc(w.Machine.Effects, func(e workflow.MachineEffect) bool { return e.Ended != "" }) {
		return false, nil
	}
	ended, err := s.admin.store.EndedDeliveries(ctx, key, 1, 1000)
	if err != nil {
		return false, err
	}
	for _, e := range slices.Backward(ended) {
		if e.Ending != store.EndedDelivered || e.Lease.Queue != store.EffectQueue || e.By.Instance == key || !starts(e.Kind) {
			continue
		}
		child, err := s.admin.store.Summary(ctx, e.By.Instance)
		if err != nil {
			return false, err
		}
		if child.Version > 0 && !child.Completed() {
			return true, nil
		}
	}
	return false, nil
}

// kinds finds deliveries that nobody delivers, and leases that nobody uses.
func (s *stuckSearch) kinds(ctx context.Context) error {
	paused, err := s.admin.store.PausedWorkflows(ctx)
	if err := s.lacks.fails(err); err != nil {
		return err
	}
	for _, queue := range eitherQueue("") {
		h, err := s.admin.queueHealth(ctx, queue, s.report.At, paused, s.programs)
		if err := s.lacks.fails(err); err != nil {
			return err
		}
		abandoned, err := s.admin.abandoned(ctx, queue, s.report.At, h, s.programs)
		if err := s.lacks.fails(err); err != nil {
			return err
		}
		for _, l := range abandoned {
			if (s.query.Workflow == "" || l.Kind.Workflow == s.query.Workflow) && s.report.At.Sub(l.SeenAt) >= s.query.For {
				s.report.Abandoned = append(s.report.Abandoned, l)
			}
		}
		for _, k := range h.Kinds {
			if s.query.Workflow != "" && k.Kind.Workflow != s.query.Workflow {
				continue
			}
			found := StuckKind{Queue: queue, Backlog: k.Backlog}
			late := !k.OldestDue.IsZero() && s.report.At.Sub(k.OldestDue) >= s.query.For
			switch pause := pauseOf(paused, k.Kind.Workflow); {
			case pause != nil && late:
				found.Reason = fmt.Sprintf("the workflow has been paused since %s", pause.At.Format(time.RFC3339))
				if pause.By != "" {
					found.Reason += " by " + pause.By
				}
				if pause.Reason != "" {
					found.Reason += ": " + pause.Reason
				}
			case !k.Known && k.Due+k.Delayed+k.Leased > 0:
				found.Reason = "no running program delivers it"
				if !slices.ContainsFunc(s.programs, func(p Program) bool { return p.Running }) {
					found.Reason = "no program runs on this store"
				}
			case k.Blocked > 0:
				found.Reason = fmt.Sprintf("%d are blocked, the oldest since %s: %s", k.Blocked, k.OldestBlocked.Format(time.RFC3339), k.BlockedError)
			case late:
				found.Reason = fmt.Sprintf("%d are due, the oldest since %s: the handlers are too few, too slow, or hang", k.Due, k.OldestDue.Format(time.RFC3339))
			case k.Dead > 0:
				if err := s.dead(ctx, &found); err != nil {
					return err
				}
			}
			if found.Reason == "" {
				continue
			}
			s.report.Kinds = append(s.report.Kinds, found)
		}
	}
	return nil
}

// dead says how many deliveries of a kind have been dead letters for long enough, since when, and the error of the oldest; nothing for none.
func (s *stuckSearch) dead(ctx context.Context, found *StuckKind) error {
	filter := store.DeadLetterFilter{
		Queue: found.Queue, Workflow: found.Kind.Workflow, Kind: found.Kind.Name, DiedUntil: s.report.At.Add(-s.query.For),
	}
	counts, err := s.admin.store.CountDead(ctx, filter)
	if err := s.lacks.fails(err); err != nil || len(counts) == 0 {
		return err
	}
	oldest := counts[0].Oldest
	found.Reason = fmt.Sprintf("%d are dead letters, the oldest since %s", counts[0].Count, oldest.Format(time.RFC3339))
	if counts[0].Count == 1 {
		found.Reason = "one is a dead letter since " + oldest.Format(time.RFC3339)
	}
	filter.DiedSince, filter.DiedUntil = oldest, oldest.Add(time.Microsecond) // stores keep microseconds
	letters, err := s.admin.store.ListDead(ctx, store.DeadLetterList{DeadLetterFilter: filter, Limit: 1})
	if err := s.lacks.fails(err); err != nil {
		return err
	}
	if len(letters) > 0 && letters[0].Error != "" { // it may have been retried meanwhile
		found.DeadError = letters[0].Error
		found.Reason += ": " + found.DeadError
	}
	return nil
}

// projections finds projections that stand.
func (s *stuckSearch) projections(ctx context.Context) error {
	all, err := s.admin.Projections(ctx)
	if err := s.lacks.fails(err); err != nil {
		return err
	}
	for _, p := range all {
		found := StuckProjection{ProjectionInfo: p}
		switch {
		case p.Status == store.ProjectionStopped:
			found.Reason = fmt.Sprintf("it has stopped at event %d: %s", p.StoppedAt, p.LastError)
		case p.Status == store.ProjectionPaused && p.Behind > 0:
			found.Reason = fmt.Sprintf("it has been paused since %s", p.UpdatedAt.Format(time.RFC3339))
		case p.Delay < s.query.For:
			continue
		case p.Owner == "" || p.LeaseUntil.Before(s.report.At):
			found.Reason = "no process runs it"
		default:
			found.Reason = fmt.Sprintf("%s runs it and is %v behind", p.Owner, p.Delay.Round(time.Second))
			if p.LastError != "" {
				found.Reason += ": " + p.LastError
			}
		}
		s.report.Projections = append(s.report.Projections, found)
	}
	return nil
}
