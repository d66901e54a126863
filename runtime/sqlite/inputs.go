package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InputOutcomes implements [store.InputLog].
func (s *Store) InputOutcomes(ctx context.Context, inputs []store.InputKey) (outcomes [][]byte, err error) {
	err = s.readers.read(ctx, func(on *connection) (err error) {
		outcomes, err = readOutcomes(ctx, on, inputs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read outcomes of inputs: %w", err)
	}
	return outcomes, nil
}

func readOutcomes(ctx context.Context, on session, inputs []store.InputKey) ([][]byte, error) {
	outcomes := make([][]byte, len(inputs))
	for i, input := range inputs {
		row := func(columns []driver.Value) error {
			outcomes[i] = []byte(text(columns[0]))
			return nil
		}
		err := on.query(row, readOutcome, input.Instance.ID, input.Instance.Workflow, input.ID)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, fmt.Errorf("%s: input %q: %w", input.Instance, input.ID, err)
		}
	}
	return outcomes, nil
}

// RecordInputs implements [store.InputLog].
func (s *Store) RecordInputs(ctx context.Context, records store.InputRecords) error {
	if records.Empty() {
		return nil
	}
	err := s.writer.write(ctx, func(on *connection) error { return recordInputs(on, &records) })
	if err != nil {
		return fmt.Errorf("sqlite: record inputs: %w", err)
	}
	return nil
}

func recordInputs(on session, records *store.InputRecords) error {
	for i := range records.Outcomes {
		o := &records.Outcomes[i]
		inserted, err := on.exec(insertOutcome, o.Input.Instance.ID, o.Input.Instance.Workflow, o.Input.ID,
			string(o.Outcome), micros(o.RecordedAt))
		if err != nil {
			return err
		}
		if inserted == 0 {
			return fmt.Errorf("%s: input %q has an outcome already: %w", o.Input.Instance, o.Input.ID, store.ErrConflict)
		}
	}
	for i := range records.Observations {
		o := &records.Observations[i]
		_, err := on.exec(insertObservation, o.Instance.ID, o.Instance.Workflow, micros(o.ObservedAt), o.Input,
			optional(o.InputID), string(o.Payload), o.Outcome, o.Version, optional(o.Rejection), optional(string(o.RejectionPayload)))
		if err != nil {
			return err
		}
	}
	for i := range records.Audit {
		if _, err := on.exec(insertAudit, auditValues(&records.Audit[i])...); err != nil {
			return err
		}
	}
	return addSubjectKeys(on, records.Keys)
}

// Observations implements [store.InputLog].
func (s *Store) Observations(ctx context.Context, query store.ObservationQuery) ([]store.Observation, error) {
	statement, args := readObservations, []driver.Value{orEndOfTime(query.Before), query.BeforeNumber}
	if query.Instance.ID != "" {
		statement, args = statement+ofInstance, append(args, query.Instance.ID)
	}
	if query.Instance.Workflow != "" {
		statement, args = statement+ofWorkflow, append(args, query.Instance.Workflow)
	}
	var observations []store.Observation
	bytes := 0
	row := func(c []driver.Value) error {
		o := store.Observation{
			Instance:   store.InstanceKey{ID: text(c[0]), Workflow: text(c[1])},
			ObservedAt: fromMicros(number(c[2])), Number: number(c[3]),
			Input: text(c[4]), InputID: text(c[5]), Payload: []byte(text(c[6])),
			Outcome: text(c[7]), Version: number(c[8]), Rejection: text(c[9]),
		}
		if c[10] != nil {
			o.RejectionPayload = []byte(text(c[10]))
		}
		observations = append(observations, o)
		if bytes += len(o.Payload) + len(o.RejectionPayload); bytes >= store.PageBytes {
			return errPageFull
		}
		return ctx.Err()
	}
	err := s.readers.read(ctx, func(on *connection) error {
		return on.query(row, statement+newestFirst, append(args, int64(query.Limit))...)
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return nil, fmt.Errorf("sqlite: read observations: %w", err)
	}
	return observations, nil
}

// PutSchedules implements [store.Schedules].
func (s *Store) PutSchedules(ctx context.Context, schedules []store.StoredSchedule) error {
	if len(schedules) == 0 {
		return nil
	}
	err := s.writer.write(ctx, func(on *connection) error {
		for _, schedule := range schedules {
			next := micros(schedule.Next)
			_, err := on.exec(putSchedule, schedule.Workflow, schedule.Name,
				store.ScheduleKind(schedule.Workflow, schedule.Name).Name, string(schedule.Definition), next, next)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return fmt.Errorf("%s of workflow %s: %w", schedule.Name, schedule.Workflow, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlite: put schedules: %w", err)
	}
	return nil
}

// ChangeSchedule implements [store.Schedules].
func (s *Store) ChangeSchedule(ctx context.Context, change store.ScheduleChange) (found bool, err error) {
	err = s.writer.write(ctx, func(on *connection) error {
		n, err := on.exec(changeSchedule, change.Workflow, change.Name, orNull(change.Due), orNull(change.RunAt))
		found = n > 0
		return errors.Join(err, audit(ctx, on, int(n)))
	})
	if err != nil {
		return false, fmt.Errorf("sqlite: change schedule %s of workflow %s: %w", change.Name, change.Workflow, err)
	}
	return found, nil
}

// optional makes NULL of nothing.
func optional(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}
