package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SubjectKeys implements [store.SubjectKeys].
func (s *Store) SubjectKeys(ctx context.Context, subjects []string) (keys []store.SubjectKey, err error) {
	err = s.readers.read(ctx, func(on *connection) (err error) {
		keys, err = readSubjectKeys(ctx, on, subjects)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the keys of %d subjects: %w", len(subjects), err)
	}
	return keys, nil
}

// SubjectKeys implements [store.Transaction].
func (c *callers) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	keys, err := readSubjectKeys(ctx, txSession{ctx, c.tx}, subjects)
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the keys of %d subjects: %w", len(subjects), err)
	}
	return keys, nil
}

func readSubjectKeys(ctx context.Context, on session, subjects []string) ([]store.SubjectKey, error) {
	keys := make([]store.SubjectKey, len(subjects))
	for i, subject := range subjects {
		key := &keys[i]
		key.Subject = subject
		row := func(c []driver.Value) (err error) {
			key.CreatedAt = fromMicros(number(c[1]))
			if c[0] != nil {
				if key.Secret, err = base64.StdEncoding.DecodeString(text(c[0])); err != nil {
					return errors.New("the key of a subject is not base64")
				}
			}
			if c[2] != nil {
				key.Forgotten = &store.ForgottenSubject{Subject: subject, At: fromMicros(number(c[2])), By: text(c[3]), Reason: text(c[4])}
			}
			return nil
		}
		if err := errors.Join(on.query(row, readSubjectKey, subject), ctx.Err()); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// AddSubjectKeys implements [store.SubjectKeys].
func (s *Store) AddSubjectKeys(ctx context.Context, keys []store.SubjectKey) error {
	if len(keys) == 0 {
		return nil
	}
	err := s.writer.write(ctx, func(on *connection) error { return addSubjectKeys(on, keys) })
	if err != nil {
		return fmt.Errorf("sqlite: add the keys of %d subjects: %w", len(keys), err)
	}
	return nil
}

func addSubjectKeys(on session, keys []store.SubjectKey) error {
	if len(keys) == 0 {
		return nil
	}
	return overwriting(on, func() error {
		for _, key := range keys {
			added, err := on.exec(addSubjectKey, key.Subject, base64.StdEncoding.EncodeToString(key.Secret), micros(key.CreatedAt))
			if err != nil {
				return err
			}
			if added == 0 {
				return fmt.Errorf("a subject has a key already: %w", store.ErrConflict)
			}
		}
		return nil
	})
}

// overwriting runs a change with secure_delete, and restores the setting.
func overwriting(on session, change func() error) (err error) {
	was := int64(0)
	row := func(c []driver.Value) error {
		was = number(c[0])
		return nil
	}
	if err := on.query(row, readSecureDelete); err != nil {
		return err
	}
	if was != 1 {
		ignore := func([]driver.Value) error { return nil }
		if err := on.query(ignore, overwriteDeleted); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, on.query(ignore, keepDeleted)) }()
	}
	return change()
}

// ForgetSubject implements [store.SubjectKeys]. It also truncates the write-ahead log, unless another process reads from it.
func (s *Store) ForgetSubject(ctx context.Context, f store.ForgottenSubject) (had bool, err error) {
	err = s.writer.write(ctx, func(on *connection) error {
		before, err := readSubjectKeys(ctx, on, []string{f.Subject})
		if err != nil {
			return err
		}
		had = before[0].Secret != nil
		return overwriting(on, func() error {
			changed, err := on.exec(forgetSubject, f.Subject, micros(f.At), usererr.Bound(f.By), usererr.Bound(f.Reason))
			return errors.Join(err, audit(ctx, on, int(changed)))
		})
	})
	if err != nil {
		return false, fmt.Errorf("sqlite: forget a subject: %w", err)
	}
	err = s.writer.step(func(on *connection) error { return on.query(func([]driver.Value) error { return nil }, emptyLog) })
	if err != nil && !isBusy(err) {
		return had, fmt.Errorf("sqlite: the subject is forgotten, but truncating the write-ahead log failed: %w", err)
	}
	return had, nil
}
