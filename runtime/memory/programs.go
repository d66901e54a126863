package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// RecordProgram implements [store.Programs].
func (s *Store) RecordProgram(ctx context.Context, program store.Program, manifest []byte) error {
	program.StartedAt, program.SeenAt, program.Until = store.StoredTime(program.StartedAt), store.StoredTime(program.SeenAt), store.StoredTime(program.Until)
	if !program.StoppedAt.IsZero() {
		program.StoppedAt = store.StoredTime(program.StoppedAt)
	}
	return s.write(ctx, "record program "+program.Process, func(t *transaction) error {
		put(t, s.programs, programKey{program.Process, program.Digest}, program)
		if _, there := s.manifests[program.Digest]; manifest != nil && !there {
			put(t, s.manifests, program.Digest, string(manifest))
		}
		return nil
	})
}

// Programs implements [store.Programs].
func (s *Store) Programs(ctx context.Context) (programs []store.Program, err error) {
	err = s.read(ctx, "list programs", func() error {
		for _, p := range s.programs {
			programs = append(programs, p)
		}
		return nil
	})
	slices.SortFunc(programs, func(a, b store.Program) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Digest, b.Digest))
	})
	return programs, err
}

// Manifest implements [store.Programs].
func (s *Store) Manifest(ctx context.Context, digest string) (manifest []byte, err error) {
	err = s.read(ctx, "read manifest "+digest, func() error {
		if text, there := s.manifests[digest]; there {
			manifest = []byte(text)
		}
		return nil
	})
	return manifest, err
}

// ForgetPrograms implements [store.Programs].
func (s *Store) ForgetPrograms(ctx context.Context, before time.Time) error {
	return s.write(ctx, "forget programs", func(t *transaction) error {
		used := make(map[string]bool)
		for key, p := range s.programs {
			if p.SeenAt.Before(before) {
				drop(t, s.programs, key)
			} else {
				used[p.Digest] = true
			}
		}
		for digest := range s.manifests {
			if !used[digest] {
				drop(t, s.manifests, digest)
			}
		}
		return nil
	})
}
