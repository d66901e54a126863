package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// format is the newest form of the lines.
const format = 1

// line is one line of a file. One of its fields is set.
type line struct {
	Instance *instanceLine `json:"instance,omitempty"`
	Event    *eventLine    `json:"event,omitempty"`
	Effect   *deliveryLine `json:"effect,omitempty"`
	Timer    *deliveryLine `json:"timer,omitempty"`
	Outcome  *outcomeLine  `json:"outcome,omitempty"`
	Ended    *endedLine    `json:"ended,omitempty"`
}

type instanceLine struct {
	Format     int               `json:"format,omitempty"` // 0 means 1
	Workflow   string            `json:"workflow"`
	ID         string            `json:"id"`
	Version    int64             `json:"version,omitempty"` // number of events; 0 is not checked
	UniqueKeys []string          `json:"unique_keys,omitempty"`
	Search     map[string]string `json:"search,omitempty"` // values of search fields by field
	Parent     *store.Parent     `json:"parent,omitempty"`
	Lines      int               `json:"lines,omitempty"` // that follow and belong to the instance; 0 is not checked
}

type eventLine struct {
	Version       int64           `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version,omitempty"` // 0 means 1
	RecordedAt    time.Time       `json:"recorded_at"`
	Commit        store.CommitID  `json:"commit,omitempty,string"` // 0 gets a number that follows from the instance
	Status        string          `json:"status,omitempty"`
	Completes     bool            `json:"completes,omitempty"`
	Payload       json.RawMessage `json:"payload"`
	Cause         json.RawMessage `json:"cause,omitempty"`
}

type deliveryLine struct {
	Version      int64           `json:"version"`
	Position     int             `json:"position,omitempty"` // of an effect
	Key          string          `json:"key,omitempty"`      // of a timer
	Kind         string          `json:"kind"`
	Due          time.Time       `json:"due_at"`
	RunAt        time.Time       `json:"run_at,omitzero"` // zero means due_at
	Attempts     int             `json:"attempts,omitempty"`
	Token        int64           `json:"token,omitempty"`
	Commit       store.CommitID  `json:"commit,omitempty,string"` // 0 means that of the event of the version
	LastError    string          `json:"last_error,omitempty"`
	Trace        string          `json:"trace,omitempty"`
	LimitKey     string          `json:"limit_key,omitempty"`
	DiedAt       time.Time       `json:"died_at,omitzero"`
	ToldAt       time.Time       `json:"told_at,omitzero"`
	BlockedSince time.Time       `json:"blocked_since,omitzero"`
	Payload      json.RawMessage `json:"payload"`
}

type outcomeLine struct {
	InputID    string          `json:"input_id"`
	RecordedAt time.Time       `json:"recorded_at"`
	Outcome    json.RawMessage `json:"outcome"`
}

type endedLine struct {
	Queue      store.QueueName `json:"queue"`
	Version    int64           `json:"version"`
	Position   int             `json:"position,omitempty"`
	Key        string          `json:"key,omitempty"`
	Kind       string          `json:"kind"`
	Ending     store.Ending    `json:"ending"`
	At         time.Time       `json:"ended_at"`
	Attempts   int             `json:"attempts,omitempty"`
	ByWorkflow string          `json:"by_workflow,omitempty"`
	ByID       string          `json:"by_id,omitempty"`
	ByVersion  int64           `json:"by_version,omitempty"`
	Reason     string          `json:"reason,omitempty"`
}

// lines returns an instance as lines.
func lines(r *store.StoredInstance) []line {
	head := &instanceLine{
		Format: format, Workflow: r.Key.Workflow, ID: r.Key.ID, Version: r.Version(), UniqueKeys: r.UniqueKeys, Search: searchOf(r), Parent: r.Parent,
		Lines: len(r.Events) + len(r.Effects) + len(r.Timers) + len(r.Outcomes) + len(r.Ended),
	}
	all := append(make([]line, 0, head.Lines+1), line{Instance: head})
	for i := range r.Events {
		e := &r.Events[i]
		all = append(all, line{Event: &eventLine{
			Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion, RecordedAt: e.RecordedAt, Commit: e.Commit, Status: e.Status,
			Completes: e.Completes, Payload: e.Payload, Cause: e.Cause,
		}})
	}
	for i := range r.Effects {
		all = append(all, line{Effect: newDeliveryLine(&r.Effects[i])})
	}
	for i := range r.Timers {
		all = append(all, line{Timer: newDeliveryLine(&r.Timers[i])})
	}
	for _, o := range r.Outcomes {
		all = append(all, line{Outcome: &outcomeLine{o.Input.ID, o.RecordedAt, o.Outcome}})
	}
	for _, e := range r.Ended {
		all = append(all, line{Ended: &endedLine{
			Queue: e.Lease.Queue, Version: e.Lease.Version, Position: e.Lease.Position, Key: e.Lease.Key, Kind: e.Kind, Ending: e.Ending,
			At: e.At, Attempts: e.Attempts, ByWorkflow: e.By.Instance.Workflow, ByID: e.By.Instance.ID, ByVersion: e.By.Version, Reason: e.Reason,
		}})
	}
	return all
}

// searchOf returns the values of search fields by field; nil for none.
func searchOf(r *store.StoredInstance) map[string]string {
	if len(r.Search) == 0 {
		return nil
	}
	values := make(map[string]string, len(r.Search))
	for _, v := range r.Search {
		values[v.Field] = v.Value
	}
	return values
}

func newDeliveryLine(d *store.DeliveryRecord) *deliveryLine {
	return &deliveryLine{
		Version: d.Lease.Version, Position: d.Lease.Position, Key: d.Lease.Key, Kind: d.Kind.Name, Due: d.Due, RunAt: d.RunAt,
		Attempts: d.Attempts, Token: d.Lease.Token, Commit: d.Lease.Commit, LastError: d.LastError, Trace: d.Trace, LimitKey: d.LimitKey,
		DiedAt: d.DiedAt, ToldAt: d.ToldAt, BlockedSince: d.BlockedSince, Payload: d.Payload,
	}
}

// delivery names the effect or timer of a line within its instance; it is zero for another line.
func (l *line) delivery() store.Lease {
	switch {
	case l.Effect != nil:
		return store.Lease{Queue: store.EffectQueue, Version: l.Effect.Version, Position: l.Effect.Position}
	case l.Timer != nil:
		return store.Lease{Queue: store.TimerQueue, Key: l.Timer.Key}
	}
	return store.Lease{}
}

// begin makes an instance of its first line.
func (l *instanceLine) begin() (*store.StoredInstance, error) {
	if l.Format > format {
		return nil, fmt.Errorf("the lines have format %d, and this library reads formats up to %d; update the library", l.Format, format)
	}
	key := store.InstanceKey{Workflow: l.Workflow, ID: l.ID}
	if l.Workflow == "" {
		return nil, errors.New("the instance has no workflow")
	}
	errs := []error{store.CheckArgument("workflow", l.Workflow), store.CheckIdentifier(store.InstanceID, l.ID)}
	for _, unique := range l.UniqueKeys {
		errs = append(errs, store.CheckIdentifier(store.UniqueKey, unique))
	}
	if l.Parent != nil {
		errs = append(errs, store.CheckArgument("parent", *l.Parent))
	}
	search, err := l.searchValues()
	return &store.StoredInstance{Key: key, Parent: l.Parent, UniqueKeys: l.UniqueKeys, Search: search}, errors.Join(append(errs, err)...)
}

// add adds a line that follows the first one.
func (l *line) add(r *store.StoredInstance) error {
	switch {
	case l.Event != nil:
		return l.Event.add(r)
	case l.Effect != nil:
		return l.Effect.add(r, store.EffectQueue, &r.Effects)
	case l.Timer != nil:
		return l.Timer.add(r, store.TimerQueue, &r.Timers)
	case l.Outcome != nil:
		o := l.Outcome
		r.Outcomes = append(r.Outcomes, store.InputOutcome{
			Input: store.InputKey{Instance: r.Key, ID: o.InputID}, Outcome: o.Outcome, RecordedAt: store.StoredTime(o.RecordedAt),
		})
		return errors.Join(store.CheckIdentifier(store.InputID, o.InputID), checkObject("outcome", o.Outcome), checkTime("recorded_at", o.RecordedAt))
	}
	e := l.Ended
	r.Ended = append(r.Ended, store.EndedDelivery{
		Lease: store.Lease{Queue: e.Queue, Instance: r.Key, Version: e.Version, Position: e.Position, Key: e.Key}, Kind: e.Kind, Ending: e.Ending,
		At: store.StoredTime(e.At), Attempts: e.Attempts, Reason: e.Reason,
		By: store.DecisionRef{Instance: store.InstanceKey{Workflow: e.ByWorkflow, ID: e.ByID}, Version: e.ByVersion},
	})
	return errors.Join(store.CheckOneOf("queue", e.Queue, store.EffectQueue, store.TimerQueue), store.CheckArgument("ended", *e), checkReached(r, e.Version))
}

func (l *eventLine) add(r *store.StoredInstance) error {
	e := store.EventRecord{
		StoredEvent: store.StoredEvent{
			Instance: r.Key, Version: l.Version, Type: l.Type, SchemaVersion: max(l.SchemaVersion, 1), Payload: l.Payload,
			RecordedAt: store.StoredTime(l.RecordedAt), Commit: l.Commit,
		},
		Cause: l.Cause, Status: l.Status, Completes: l.Completes,
	}
	var errs []error
	if n := r.Version(); l.Version != n+1 {
		errs = append(errs, fmt.Errorf("the event has version %d, want %d: the versions of an instance count from 1", l.Version, n+1))
	} else if n > 0 {
		switch before := &r.Events[n-1]; {
		case before.Completes:
			errs = append(errs, fmt.Errorf("the instance completed with version %d, and has another event", n))
		case e.RecordedAt.Before(before.RecordedAt):
			errs = append(errs, fmt.Errorf("the event was recorded before the event of version %d", n))
		}
	}
	if l.Type == "" {
		errs = append(errs, errors.New("the event has no type"))
	}
	if l.SchemaVersion < 0 || l.Commit < 0 {
		errs = append(errs, errors.New("schema_version and commit must not be negative"))
	}
	if l.Cause != nil {
		errs = append(errs, checkObject("cause", l.Cause))
	}
	r.Events = append(r.Events, e)
	return errors.Join(append(errs, store.CheckArgument("type", l.Type), store.CheckArgument("status", l.Status),
		checkObject("payload", l.Payload), checkTime("recorded_at", l.RecordedAt))...)
}

func (l *deliveryLine) add(r *store.StoredInstance, queue store.QueueName, to *[]store.DeliveryRecord) error {
	d := store.DeliveryRecord{
		Lease: store.Lease{
			Queue: queue, Instance: r.Key, Version: l.Version, Position: l.Position, Key: l.Key, Token: l.Token, Commit: l.Commit,
		},
		Kind: store.Kind{Workflow: r.Key.Workflow, Name: l.Kind}, Payload: l.Payload, Due: store.StoredTime(l.Due), RunAt: orDue(l.RunAt, l.Due),
		Attempts: l.Attempts, LastError: l.LastError, Trace: l.Trace, LimitKey: l.LimitKey,
		DiedAt: orZero(l.DiedAt), ToldAt: orZero(l.ToldAt), BlockedSince: orZero(l.BlockedSince),
	}
	errs := []error{checkReached(r, l.Version), checkObject("payload", l.Payload), checkTime("due_at", l.Due)}
	if l.Kind == "" {
		errs = append(errs, errors.New("the delivery has no kind"))
	}
	if queue == store.TimerQueue && (l.Key == "" || l.Position != 0 || l.LimitKey != "") {
		errs = append(errs, errors.New("a timer has a key, and no position or limit_key"))
	}
	if queue == store.EffectQueue && l.Key != "" {
		errs = append(errs, errors.New("an effect has a position, and no key"))
	}
	if queue == store.TimerQueue && r.Completed() {
		errs = append(errs, errors.New("the instance has completed, and has a timer"))
	}
	if l.Attempts < 0 || l.Token < 0 || l.Position < 0 || l.Commit < 0 {
		errs = append(errs, errors.New("attempts, token, position and commit must not be negative"))
	}
	for name, at := range map[string]time.Time{"run_at": l.RunAt, "died_at": l.DiedAt, "told_at": l.ToldAt, "blocked_since": l.BlockedSince} {
		if !at.IsZero() {
			errs = append(errs, checkTime(name, at))
		}
	}
	for name, text := range map[string]string{
		"kind": l.Kind, "key": l.Key, "limit_key": l.LimitKey, "last_error": l.LastError, "trace": l.Trace,
	} {
		errs = append(errs, store.CheckArgument(name, text))
	}
	*to = append(*to, d)
	return errors.Join(errs...)
}

func checkReached(r *store.StoredInstance, version int64) error {
	if version < 1 || version > r.Version() {
		return fmt.Errorf("the line names version %d, and the lines before it have %d events of the instance", version, r.Version())
	}
	return nil
}

func checkObject(name string, text json.RawMessage) error {
	if len(text) == 0 || text[0] != '{' {
		return fmt.Errorf("%s is not a JSON object", name)
	}
	return nil
}

func checkTime(name string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%s is missing", name)
	}
	if problem := store.TimeProblem(at); problem != "" {
		return fmt.Errorf("%s %s", name, problem)
	}
	return nil
}

func orZero(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return store.StoredTime(at)
}

func orDue(at, due time.Time) time.Time {
	if at.IsZero() {
		at = due
	}
	return store.StoredTime(at)
}

// searchValues returns the values of search fields, in the order of fields.
func (l *instanceLine) searchValues() (values []store.SearchValue, err error) {
	for _, field := range slices.Sorted(maps.Keys(l.Search)) {
		v := store.SearchValue{Field: field, Value: l.Search[field]}
		if err := store.CheckArgument("search", v); err != nil {
			return nil, err
		}
		if field == "" || v.Value == "" || len(v.Value) > store.MaxIDLength {
			return nil, fmt.Errorf("the search field %q has a value of %d bytes; 1 to %d are allowed", field, len(v.Value), store.MaxIDLength)
		}
		values = append(values, v)
	}
	return values, nil
}
