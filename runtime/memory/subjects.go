package memory

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// SubjectKeys implements [store.SubjectKeys].
func (s *Store) SubjectKeys(ctx context.Context, subjects []string) (keys []store.SubjectKey, err error) {
	err = s.read(ctx, "read subject keys", func() error {
		for _, subject := range subjects {
			key, known := s.subjects[subject]
			if !known {
				key.Subject = subject
			}
			key.Secret = bytes.Clone(key.Secret)
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

// AddSubjectKeys implements [store.SubjectKeys].
func (s *Store) AddSubjectKeys(ctx context.Context, keys []store.SubjectKey) error {
	return s.write(ctx, "add subject keys", func(t *transaction) error { return s.addKeys(t, keys) })
}

func (d *data) addKeys(t *transaction, keys []store.SubjectKey) error {
	for _, key := range keys {
		if _, there := d.subjects[key.Subject]; there {
			return fmt.Errorf("a subject has a key already: %w", store.ErrConflict)
		}
		key.Secret, key.CreatedAt, key.Forgotten = bytes.Clone(key.Secret), store.StoredTime(key.CreatedAt), nil
		put(t, d.subjects, key.Subject, key)
	}
	return nil
}

// ForgetSubject implements [store.SubjectKeys].
func (s *Store) ForgetSubject(ctx context.Context, f store.ForgottenSubject) (had bool, err error) {
	f.At, f.By, f.Reason = store.StoredTime(f.At), usererr.Bound(f.By), usererr.Bound(f.Reason)
	err = s.write(ctx, "forget a subject", func(t *transaction) error {
		key, known := s.subjects[f.Subject]
		if key.Forgotten != nil {
			return nil
		}
		if had = known; !known {
			key = store.SubjectKey{Subject: f.Subject, CreatedAt: f.At}
		}
		key.Secret, key.Forgotten = nil, &f
		put(t, s.subjects, f.Subject, key)
		s.audit(ctx, t, 1)
		return nil
	})
	return had, err
}
