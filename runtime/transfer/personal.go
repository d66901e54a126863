package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/seal"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// personal opens and seals the personal values of instances. The lines of an instance have the values themselves with their subjects, because the
// other store has other keys.
type personal struct{ keys store.SubjectKeys }

// keysOf returns the keys that a store has, or those that were given.
func keysOf(st store.Store, given store.SubjectKeys) store.SubjectKeys {
	if given != nil {
		return given
	}
	keys, _ := st.(store.SubjectKeys)
	return keys
}

// find returns the keys of subjects, and the subjects that never had one.
func (p personal) find(ctx context.Context, subjects map[string]bool) (of map[string]seal.Key, unknown []string, err error) {
	of = make(map[string]seal.Key)
	if len(subjects) == 0 {
		return of, nil, nil
	}
	if p.keys == nil {
		return nil, nil, &store.Unsupported{Store: "the store", Ability: "SubjectKeys", Feature: "an instance with personal fields"}
	}
	stored, err := p.keys.SubjectKeys(ctx, slices.Sorted(maps.Keys(subjects)))
	if err != nil {
		return nil, nil, err
	}
	for _, s := range stored {
		if of[s.Subject], err = seal.NewKey(s.Secret); err != nil {
			return nil, nil, fmt.Errorf("the key of subject %q cannot be used: %w", s.Subject, err)
		}
		if len(s.Secret) == 0 && s.Forgotten == nil {
			unknown = append(unknown, s.Subject)
		}
	}
	return of, unknown, nil
}

// export opens the values of an instance, in place.
func (p personal) export(ctx context.Context, r *store.StoredInstance) error {
	subjects := make(map[string]bool)
	seal.EachPayload(r, func(payload *[]byte, _ store.InstanceKey) { seal.Subjects(*payload, subjects) })
	of, _, err := p.find(ctx, subjects)
	if err != nil {
		return err
	}
	seal.EachPayload(r, func(payload *[]byte, key store.InstanceKey) {
		*payload = seal.Export(*payload, key, func(subject string) seal.Key { return of[subject] })
	})
	return nil
}

// importAll returns instances with sealed values. It adds keys of new subjects.
func (p personal) importAll(ctx context.Context, instances []store.StoredInstance) ([]store.StoredInstance, error) {
	subjects := make(map[string]bool)
	for i := range instances {
		seal.EachPayload(&instances[i], func(payload *[]byte, _ store.InstanceKey) { seal.Exported(*payload, subjects) })
	}
	for race := 0; ; race++ {
		of, unknown, err := p.find(ctx, subjects)
		if err != nil {
			return nil, err
		}
		if len(unknown) == 0 {
			return sealAll(instances, func(subject string) seal.Key { return of[subject] }), nil
		}
		var added []store.SubjectKey
		for _, subject := range unknown {
			added = append(added, store.SubjectKey{Subject: subject, Secret: seal.NewSecret(), CreatedAt: store.StoredTime(time.Now())})
		}
		if err := p.keys.AddSubjectKeys(ctx, added); err != nil && (race == maxRaces || !errors.Is(err, store.ErrConflict)) {
			return nil, err
		}
	}
}

func sealAll(instances []store.StoredInstance, keys func(string) seal.Key) []store.StoredInstance {
	instances = slices.Clone(instances)
	for i := range instances {
		r := &instances[i]
		r.Events, r.Effects, r.Timers, r.Outcomes = slices.Clone(r.Events), slices.Clone(r.Effects), slices.Clone(r.Timers), slices.Clone(r.Outcomes)
		seal.EachPayload(r, func(payload *[]byte, key store.InstanceKey) { *payload = seal.Import(*payload, key, keys) })
	}
	return instances
}
