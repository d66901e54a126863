package bound

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/seal"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// KeyLife is for how long a process uses the key of a subject without asking for it again: for so long after a subject was forgotten by one
// process, another one may read its values.
const KeyLife = 5 * time.Second

// maxKeys limits the keys that a process remembers.
const maxKeys = 10_000

// subjectKeys is where keys are read: a store, a transaction of the caller, or what Config.Keys says.
type subjectKeys interface {
	SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error)
}

// keyring remembers keys for KeyLife. It does not remember that a subject has none: it may get one at any time.
type keyring struct {
	mu      sync.Mutex
	keys    map[string]remembered
	dropped time.Time // what was asked before is not remembered
}

type remembered struct {
	seal.Key
	until time.Time
}

// keys are those of the subjects that a call is about.
type keys struct {
	of    map[string]seal.Key
	known map[string]bool // subjects that have or had a key

	damaged error // says which keys cannot be used; nil if there are none
}

// usable fails if a key is damaged. The error is marked unknown, because another process may have the key.
func (k keys) usable() error { return unknown.Mark(k.damaged) }

func (k keys) get(subject string) seal.Key { return k.of[subject] }

// recall returns the keys that are remembered, and the subjects of the others.
func (r *keyring) recall(subjects []string) (found keys, missing []string) {
	found = keys{of: make(map[string]seal.Key, len(subjects)), known: make(map[string]bool, len(subjects))}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, subject := range subjects {
		if key, ok := r.keys[subject]; ok && now.Before(key.until) {
			found.of[subject], found.known[subject] = key.Key, true
		} else {
			missing = append(missing, subject)
		}
	}
	return found, missing
}

// find returns keys of distinct subjects. What is not remembered is asked of a source.
func (r *keyring) find(ctx context.Context, from subjectKeys, subjects []string, remember bool) (keys, error) {
	found, missing := r.recall(subjects)
	if !remember { // the source has what others do not see
		found, missing = keys{of: map[string]seal.Key{}, known: map[string]bool{}}, subjects
	}
	if len(missing) == 0 {
		return found, nil
	}
	slices.Sort(missing)
	asked := time.Now()
	stored, err := from.SubjectKeys(ctx, missing)
	if err != nil {
		return keys{}, err
	}
	for _, s := range stored {
		key, err := seal.NewKey(s.Secret)
		if err != nil {
			found.damaged = errors.Join(found.damaged, fmt.Errorf("the key of subject %q cannot be used: %w", s.Subject, err))
			found.of[s.Subject] = seal.UselessKey()
			continue
		}
		if len(s.Secret) == 0 && s.Forgotten == nil {
			continue
		}
		found.of[s.Subject], found.known[s.Subject] = key, true
		if remember {
			r.put(s.Subject, key, asked)
		}
	}
	return found, nil
}

// put remembers a key that was asked for or stored at a time.
func (r *keyring) put(subject string, key seal.Key, asked time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !asked.After(r.dropped) {
		return
	}
	if r.keys == nil || len(r.keys) >= maxKeys {
		r.keys = make(map[string]remembered)
	}
	r.keys[subject] = remembered{key, asked.Add(KeyLife)}
}

// drop forgets all keys.
func (r *keyring) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.dropped = nil, time.Now()
}
