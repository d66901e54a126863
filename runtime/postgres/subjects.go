package postgres

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SubjectKeys implements store.SubjectKeys.
func (s *Store) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return querySubjectKeys(subjects, s.queries, func(fill func(*pgx.Batch)) error { return transact(ctx, s.pool, fill) })
}

// SubjectKeys reads on the connection of the unit of work.
func (w *unitOfWork) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	if w.conn == nil {
		return nil, errUnitEnded
	}
	return querySubjectKeys(subjects, w.queries, func(fill func(*pgx.Batch)) error {
		var batch pgx.Batch
		fill(&batch)
		return w.conn.send(ctx, &batch)
	})
}

// SubjectKeys implements store.Transaction.
func (t *transaction) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return querySubjectKeys(subjects, t.store.queries, func(fill func(*pgx.Batch)) error { return t.within(ctx, fill) })
}

// querySubjectKeys runs the statement that fill queues by the given way into the database.
func querySubjectKeys(subjects []string, queries *queries, run func(fill func(*pgx.Batch)) error) ([]store.SubjectKey, error) {
	keys := make([]store.SubjectKey, len(subjects))
	for i, subject := range subjects {
		keys[i].Subject = subject
	}
	err := run(func(batch *pgx.Batch) {
		batch.Queue(queries.subjects.read, subjects).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := scanSubjectKey(rows, keys); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
	if err != nil {
		return nil, wrap(err, "read the keys of %d subjects", len(subjects))
	}
	return keys, nil
}

// scanSubjectKey reads a row into the key that it belongs to.
func scanSubjectKey(row pgx.Rows, keys []store.SubjectKey) error {
	var number int64
	var secret *string
	var created time.Time
	var forgotten *time.Time
	var by, reason string
	if err := row.Scan(&number, &secret, &created, &forgotten, &by, &reason); err != nil {
		return err
	}
	key := &keys[number-1]
	key.CreatedAt = created.UTC()
	if secret != nil {
		var err error
		if key.Secret, err = base64.StdEncoding.DecodeString(*secret); err != nil {
			return errors.New("the key of a subject is not base64")
		}
	}
	if forgotten != nil {
		key.Forgotten = &store.ForgottenSubject{Subject: key.Subject, At: forgotten.UTC(), By: by, Reason: reason}
	}
	return nil
}

// AddSubjectKeys implements store.SubjectKeys.
func (s *Store) AddSubjectKeys(ctx context.Context, keys []store.SubjectKey) error {
	if len(keys) == 0 {
		return nil
	}
	err := transact(ctx, s.pool, func(batch *pgx.Batch) { queueSubjectKeys(batch, s.queries, keys) })
	if hasCode(err, refusedConflict) {
		return fmt.Errorf("postgres: add the keys of %d subjects: %w (%w)", len(keys), store.ErrConflict, err)
	}
	if err != nil {
		return wrap(err, "add the keys of %d subjects", len(keys))
	}
	return nil
}

func queueSubjectKeys(batch *pgx.Batch, queries *queries, keys []store.SubjectKey) {
	n := len(keys)
	if n == 0 {
		return
	}
	subjects, secrets, times := make([]string, n), make([]string, n), make([]time.Time, n)
	for i, key := range keys {
		subjects[i], secrets[i], times[i] = key.Subject, base64.StdEncoding.EncodeToString(key.Secret), key.CreatedAt
	}
	batch.Queue(queries.subjects.add, subjects, secrets, times)
}

// ForgetSubject implements store.SubjectKeys.
func (s *Store) ForgetSubject(ctx context.Context, f store.ForgottenSubject) (had bool, err error) {
	var rows []bool
	err = transact(ctx, s.pool, func(batch *pgx.Batch) {
		args := []any{f.Subject, f.At, usererr.Bound(f.By), usererr.Bound(f.Reason), auditParam(ctx)}
		queueRows(batch, &rows, pgx.RowTo[bool], s.queries.subjects.forget, args)
	})
	if err != nil {
		return false, wrap(err, "forget a subject")
	}
	return len(rows) > 0 && rows[0], nil
}
