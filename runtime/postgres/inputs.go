package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InputOutcomes implements store.InputLog.
func (s *Store) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	if len(inputs) == 0 {
		return nil, nil
	}
	return readInputOutcomes(inputs, s.queries, func(fill func(*pgx.Batch)) error { return transact(ctx, s.pool, fill) })
}

// readInputOutcomes runs the statement that fill queues by the given way into the database.
func readInputOutcomes(
	inputs []store.InputKey, queries *queries, run func(fill func(*pgx.Batch)) error,
) ([][]byte, error) {
	columns := newInstanceColumns(len(inputs))
	ids := make([]string, len(inputs))
	keys := make([]store.InstanceKey, len(inputs))
	for i, input := range inputs {
		columns.add(input.Instance)
		ids[i], keys[i] = input.ID, input.Instance
	}
	outcomes := make([][]byte, len(inputs))
	err := run(func(batch *pgx.Batch) {
		batch.Queue(queries.readOutcomes, columns.ids, columns.workflows, ids).Query(func(rows pgx.Rows) error {
			var number int64
			var outcome []byte
			_, err := pgx.ForEachRow(rows, []any{&number, &outcome}, func() error {
				outcomes[number-1], outcome = outcome, nil
				return nil
			})
			return err
		})
	})
	if err != nil {
		return nil, wrap(err, "read outcomes of inputs of %s", describe(keys))
	}
	return outcomes, nil
}

// RecordInputs implements store.InputLog.
func (s *Store) RecordInputs(ctx context.Context, records store.InputRecords) error {
	if records.Empty() {
		return nil
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) { queueInputs(batch, s.queries, records) })
	return recordFailure(err)
}

func recordFailure(err error) error {
	if hasCode(err, refusedInputID, refusedConflict) {
		return fmt.Errorf("postgres: record inputs: %w (%w)", store.ErrConflict, err)
	}
	if err != nil {
		return wrap(err, "record inputs")
	}
	return nil
}

func queueInputs(batch *pgx.Batch, queries *queries, records store.InputRecords) {
	queueSubjectKeys(batch, queries, records.Keys)
	if n := len(records.Outcomes); n > 0 {
		columns := newInstanceColumns(n)
		ids, outcomes, times := make([]string, n), make([]string, n), make([]time.Time, n)
		for i, o := range records.Outcomes {
			columns.add(o.Input.Instance)
			ids[i], outcomes[i], times[i] = o.Input.ID, string(o.Outcome), o.RecordedAt
		}
		batch.Queue(queries.insertOutcomes, columns.ids, columns.workflows, ids, outcomes, times)
	}
	if n := len(records.Observations); n > 0 {
		columns := newInstanceColumns(n)
		var (
			times, versions                       = make([]time.Time, n), make([]int64, n)
			inputs, ids, payloads                 = make([]string, n), make([]string, n), make([]string, n)
			outcomes, rejections, rejectionFields = make([]string, n), make([]string, n), make([]string, n)
		)
		for i, o := range records.Observations {
			columns.add(o.Instance)
			times[i], versions[i] = o.ObservedAt, o.Version
			inputs[i], ids[i], payloads[i] = o.Input, o.InputID, string(o.Payload)
			outcomes[i], rejections[i], rejectionFields[i] = o.Outcome, o.Rejection, string(o.RejectionPayload)
		}
		batch.Queue(queries.insertObservations, columns.ids, columns.workflows, times, inputs, ids, payloads, outcomes, versions,
			rejections, rejectionFields)
	}
	if n := len(records.Audit); n > 0 {
		rows := make([]auditRow, n)
		for i := range rows {
			rows[i] = newAuditRow(&records.Audit[i])
		}
		batch.Queue(queries.audit.insert, auditJSON(rows))
	}
}

// endOfTime is later than anything that is observed.
var endOfTime = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Observations implements store.InputLog.
func (s *Store) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	observations, err := queryRows(ctx, s.reads(ctx), scanObservation, s.queries.readObservations, query.Instance.Workflow, query.Instance.ID,
		orEndOfTime(query.Before), query.Limit, query.BeforeNumber, int64(store.PageBytes))
	if err != nil {
		return nil, wrap(err, "read observations of %s", query.Instance)
	}
	return observations, nil
}

func scanObservation(row pgx.CollectableRow) (o store.Observation, err error) {
	err = row.Scan(&o.Instance.ID, &o.Instance.Workflow, &o.ObservedAt, &o.Number, &o.Input, &o.InputID, &o.Payload, &o.Outcome,
		&o.Version, &o.Rejection, &o.RejectionPayload, nil, nil)
	o.ObservedAt = o.ObservedAt.UTC()
	return o, err
}

// PutSchedules implements store.Schedules.
func (s *Store) PutSchedules(ctx context.Context, schedules []store.StoredSchedule) error {
	n := len(schedules)
	if n == 0 {
		return nil
	}
	workflows, keys, kinds, definitions := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	times := make([]time.Time, n)
	for i, schedule := range schedules {
		kind := store.ScheduleKind(schedule.Workflow, schedule.Name)
		workflows[i], keys[i], kinds[i] = schedule.Workflow, schedule.Name, kind.Name
		definitions[i], times[i] = string(schedule.Definition), schedule.Next
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.upsertSchedules, workflows, keys, kinds, definitions, times)
	})
	if err != nil {
		return wrap(err, "put %d schedules", n)
	}
	return nil
}

// ChangeSchedule implements store.Schedules.
func (s *Store) ChangeSchedule(ctx context.Context, change store.ScheduleChange) (found bool, err error) {
	n, err := readRows(ctx, s.pool, pgx.RowTo[int64], s.queries.changeSchedule, change.Workflow, change.Name, orNull(change.Due),
		orNull(change.RunAt), auditParam(ctx))
	if err != nil {
		return false, wrap(err, "change schedule %s of workflow %s", change.Name, change.Workflow)
	}
	return n[0] > 0, nil
}
