package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// storedPart says which table a row of readStored is of.
type storedPart int

const (
	storedEvent storedPart = iota + 1
	storedKey
	storedEffect
	storedTimer
	storedOutcome
	storedEnded
	storedSearch
)

// The rows of the tables as JSON, by their columns.
type (
	instanceRow struct {
		Instance    string     `json:"instance"`
		Workflow    string     `json:"workflow"`
		CreatedAt   time.Time  `json:"created_at"`
		CompletedAt *time.Time `json:"completed_at"`
		Status      *string    `json:"status"`
	}
	eventRow struct {
		Instance      string         `json:"instance"`
		Workflow      string         `json:"workflow"`
		Version       int64          `json:"version"`
		Type          string         `json:"type"`
		SchemaVersion int            `json:"schema_version"`
		Payload       document       `json:"payload"`
		RecordedAt    time.Time      `json:"recorded_at"`
		Commit        store.CommitID `json:"commit_id"`
		Cause         document       `json:"cause"`
		Status        *string        `json:"status"`
		Completes     *bool          `json:"completes"`
		Parent        document       `json:"parent"`
	}
	keyRow struct {
		Instance string `json:"instance"`
		Workflow string `json:"workflow"`
		Key      string `json:"key"`
	}
	searchRow struct {
		Instance string `json:"instance"`
		Workflow string `json:"workflow"`
		Field    string `json:"field"`
		Value    string `json:"value"`
		Version  int64  `json:"version"`
	}
	deliveryRow struct {
		Instance     string         `json:"instance"`
		Workflow     string         `json:"workflow"`
		Version      int64          `json:"version"`
		Position     int            `json:"position"`
		Key          string         `json:"key"`
		Kind         string         `json:"kind"`
		Payload      document       `json:"payload"`
		Due          time.Time      `json:"due_at"`
		RunAt        time.Time      `json:"run_at"`
		Attempts     int            `json:"attempts"`
		Token        int64          `json:"token"`
		Commit       store.CommitID `json:"commit_id"`
		LastError    *string        `json:"last_error"`
		Trace        *string        `json:"trace"`
		LimitKey     *string        `json:"limit_key"`
		DiedAt       *time.Time     `json:"died_at"`
		ToldAt       *time.Time     `json:"told_at"`
		BlockedSince *time.Time     `json:"blocked_since"`
	}
	outcomeRow struct {
		Instance   string    `json:"instance"`
		Workflow   string    `json:"workflow"`
		InputID    string    `json:"input_id"`
		Outcome    document  `json:"outcome"`
		RecordedAt time.Time `json:"recorded_at"`
	}
	endedRow struct {
		Instance   string          `json:"instance"`
		Workflow   string          `json:"workflow"`
		Queue      store.QueueName `json:"queue"`
		Version    int64           `json:"version"`
		Item       string          `json:"item"`
		Kind       string          `json:"kind"`
		Ending     store.Ending    `json:"ending"`
		At         time.Time       `json:"ended_at"`
		Attempts   int             `json:"attempts"`
		ByInstance string          `json:"by_instance"`
		ByWorkflow string          `json:"by_workflow"`
		ByVersion  int64           `json:"by_version"`
		Reason     string          `json:"reason"`
	}
)

// document is JSON that is a text in a row, so that it stays as it is; NULL for nothing.
type document []byte

// UnmarshalJSON reads the text.
func (d *document) UnmarshalJSON(encoded []byte) error {
	var text *string
	err := json.Unmarshal(encoded, &text)
	if text != nil {
		*d = document(*text)
	}
	return err
}

// MarshalJSON writes the text.
func (d document) MarshalJSON() ([]byte, error) {
	if len(d) == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(string(d))
}

// ReadStored implements store.Transfer.
func (s *Store) ReadStored(ctx context.Context, instances []store.InstanceKey) (found []store.StoredInstance, err error) {
	keys := newInstanceColumns(len(instances))
	for _, key := range instances {
		keys.add(key)
	}
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		found = make([]store.StoredInstance, len(instances))
		for i, key := range instances {
			found[i].Key = key
		}
		batch.Queue("SELECT set_config('TimeZone', 'UTC', true)") // of the times in JSON
		batch.Queue(s.queries.transfer.read, keys.ids, keys.workflows).Query(func(rows pgx.Rows) error {
			var (
				number                 int64
				part                   storedPart
				position               int
				columns, cause, parent []byte
				e                      store.EventRecord
			)
			_, err := pgx.ForEachRow(rows, []any{
				&number, &part, &e.Version, &position, &e.Type, &e.GlobalSequence, &e.SchemaVersion, &columns, &e.RecordedAt, &e.Commit, &cause,
				&e.Status, &e.Completes, &parent,
			}, func() (err error) {
				into := &found[number-1]
				if part != storedEvent {
					if len(into.Events) == 0 {
						return nil // of a deleted instance
					}
					return addStored(into, part, columns)
				}
				if e.Version == 1 {
					into.Parent, err = store.DecodeParent(string(parent))
				}
				e.Instance, e.RecordedAt, e.Payload, e.Cause = into.Key, e.RecordedAt.UTC(), columns, cause
				into.Events = append(into.Events, e)
				columns, cause = nil, nil // the next row gets memory of its own
				return err
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "read %s", describe(instances))
	}
	return found, nil
}

// addStored adds a row of readStored that is no event to its instance.
func addStored(r *store.StoredInstance, part storedPart, columns []byte) error {
	switch part {
	case storedKey:
		row, err := decodeRow[keyRow](columns)
		r.UniqueKeys = append(r.UniqueKeys, row.Key)
		return err
	case storedEffect:
		d, err := decodeDelivery(r.Key, store.EffectQueue, columns)
		r.Effects = append(r.Effects, d)
		return err
	case storedTimer:
		d, err := decodeDelivery(r.Key, store.TimerQueue, columns)
		r.Timers = append(r.Timers, d)
		return err
	case storedSearch:
		row, err := decodeRow[searchRow](columns)
		r.Search = append(r.Search, store.SearchValue{Field: row.Field, Value: row.Value})
		return err
	case storedOutcome:
		row, err := decodeRow[outcomeRow](columns)
		r.Outcomes = append(r.Outcomes, store.InputOutcome{
			Input: store.InputKey{Instance: r.Key, ID: row.InputID}, Outcome: row.Outcome, RecordedAt: row.RecordedAt.UTC(),
		})
		return err
	default:
		row, err := decodeRow[endedRow](columns)
		e := store.EndedDelivery{
			Lease: store.Lease{Queue: row.Queue, Instance: r.Key, Version: row.Version}, Kind: row.Kind, Ending: row.Ending, At: row.At.UTC(),
			Attempts: row.Attempts, Reason: row.Reason,
			By: store.DecisionRef{Instance: store.InstanceKey{Workflow: row.ByWorkflow, ID: row.ByInstance}, Version: row.ByVersion},
		}
		err = errors.Join(err, setLeaseItem(&e.Lease, row.Item))
		r.Ended = append(r.Ended, e)
		return err
	}
}

func decodeRow[T any](columns []byte) (row T, err error) {
	if json.Unmarshal(columns, &row) != nil { // its error would have a part of the row
		return row, fmt.Errorf("a row of %d bytes is not the %T that is expected", len(columns), row)
	}
	return row, nil
}

func decodeDelivery(key store.InstanceKey, queue store.QueueName, columns []byte) (store.DeliveryRecord, error) {
	row, err := decodeRow[deliveryRow](columns)
	return store.DeliveryRecord{
		Lease: store.Lease{
			Queue: queue, Instance: key, Version: row.Version, Position: row.Position, Key: row.Key, Token: row.Token, Commit: row.Commit,
		},
		Kind: store.Kind{Workflow: key.Workflow, Name: row.Kind}, Payload: row.Payload, Due: row.Due.UTC(), RunAt: row.RunAt.UTC(),
		Attempts: row.Attempts, LastError: orEmpty(row.LastError), Trace: orEmpty(row.Trace), LimitKey: orEmpty(row.LimitKey),
		DiedAt: orZero(row.DiedAt), ToldAt: orZero(row.ToldAt), BlockedSince: orZero(row.BlockedSince),
	}, err
}

// orEmpty is the text of a column that may be NULL.
func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// orNullText is the reverse of orEmpty.
func orNullText(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// storedRows are rows to insert.
type storedRows struct {
	instances       []instanceRow
	events          []eventRow
	keys            []keyRow
	effects, timers []deliveryRow
	outcomes        []outcomeRow
	ended           []endedRow
	search          []searchRow
}

// WriteStored implements store.Transfer.
func (s *Store) WriteStored(ctx context.Context, instances []store.StoredInstance) error {
	if err := s.horizon.refuses(ctx); err != nil {
		return err
	}
	sorted := slices.SortedFunc(slices.Values(instances), func(a, b store.StoredInstance) int { return compareKeys(a.Key, b.Key) })
	var rows storedRows
	keys := make([]store.InstanceKey, len(sorted))
	for i := range sorted {
		keys[i] = sorted[i].Key
		rows.add(&sorted[i])
	}
	var statements []insertion
	for _, add := range []error{
		insert(&statements, s.queries.transfer.instances, rows.instances), insert(&statements, s.queries.transfer.events, rows.events),
		insert(&statements, s.queries.transfer.uniqueKeys, rows.keys), insert(&statements, s.queries.transfer.effects, rows.effects),
		insert(&statements, s.queries.transfer.timers, rows.timers), insert(&statements, s.queries.transfer.outcomes, rows.outcomes),
		insert(&statements, s.queries.transfer.ended, rows.ended), insert(&statements, s.queries.transfer.search, rows.search),
	} {
		if add != nil {
			return wrap(add, "write %s", describe(keys))
		}
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue("SELECT pg_current_xact_id()") // before events take numbers, see horizon.go
		for _, statement := range statements {
			batch.Queue(statement.sql, statement.rows)
		}
		queueAudit(ctx, batch, s.queries, len(instances))
	})
	switch {
	case hasCode(err, uniqueViolation):
		return fmt.Errorf("postgres: write %s: %w (%w)", describe(keys), store.ErrConflict, err)
	case err != nil:
		return wrap(err, "write %s", describe(keys))
	}
	return nil
}

// insertion is a statement with the JSON array of its rows.
type insertion struct{ sql, rows string }

func insert[T any](statements *[]insertion, sql string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	text, err := json.Marshal(rows)
	*statements = append(*statements, insertion{sql, string(text)})
	return err
}

func (rows *storedRows) add(r *store.StoredInstance) {
	id, workflow := r.Key.ID, r.Key.Workflow
	instance := instanceRow{Instance: id, Workflow: workflow, CreatedAt: r.Events[0].RecordedAt}
	if last := &r.Events[len(r.Events)-1]; last.Completes {
		instance.CompletedAt, instance.Status = &last.RecordedAt, orNullText(last.Status)
	}
	rows.instances = append(rows.instances, instance)
	for i := range r.Events {
		e := &r.Events[i]
		row := eventRow{
			Instance: id, Workflow: workflow, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.Payload,
			RecordedAt: e.RecordedAt, Commit: e.Commit, Cause: e.Cause, Status: orNullText(e.Status),
		}
		if e.Completes {
			row.Completes = &e.Completes
		}
		if e.Version == 1 {
			row.Parent = document(store.EncodeParent(r.Parent))
		}
		rows.events = append(rows.events, row)
	}
	for _, key := range r.UniqueKeys {
		rows.keys = append(rows.keys, keyRow{id, workflow, key})
	}
	for _, v := range r.Search {
		rows.search = append(rows.search, searchRow{id, workflow, v.Field, v.Value, r.Version()})
	}
	for i := range r.Effects {
		rows.effects = append(rows.effects, newDeliveryRow(&r.Effects[i]))
	}
	for i := range r.Timers {
		rows.timers = append(rows.timers, newDeliveryRow(&r.Timers[i]))
	}
	for _, o := range r.Outcomes {
		rows.outcomes = append(rows.outcomes, outcomeRow{id, workflow, o.Input.ID, o.Outcome, o.RecordedAt})
	}
	for _, e := range r.Ended {
		rows.ended = append(rows.ended, endedRow{
			Instance: id, Workflow: workflow, Queue: e.Lease.Queue, Version: e.Lease.Version, Item: leaseItem(e.Lease), Kind: e.Kind,
			Ending: e.Ending, At: e.At, Attempts: e.Attempts, ByInstance: e.By.Instance.ID, ByWorkflow: e.By.Instance.Workflow,
			ByVersion: e.By.Version, Reason: usererr.Bound(e.Reason),
		})
	}
}

func newDeliveryRow(d *store.DeliveryRecord) deliveryRow {
	return deliveryRow{
		Instance: d.Lease.Instance.ID, Workflow: d.Lease.Instance.Workflow, Version: d.Lease.Version, Position: d.Lease.Position, Key: d.Lease.Key,
		Kind: d.Kind.Name, Payload: d.Payload, Due: d.Due, RunAt: d.RunAt, Attempts: d.Attempts, Token: d.Lease.Token, Commit: d.Lease.Commit,
		LastError: orNullText(usererr.Bound(d.LastError)), Trace: orNullText(d.Trace), LimitKey: orNullText(d.LimitKey),
		DiedAt: orNull(d.DiedAt), ToldAt: orNull(d.ToldAt), BlockedSince: orNull(d.BlockedSince),
	}
}
