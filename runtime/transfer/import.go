package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ImportOptions says how Import stores instances. With the zero value, Import stores all instances unchanged, and fails if one of them
// exists already.
type ImportOptions struct {
	// SkipExisting skips an instance if the store already has its events, even if the store has later events of it, too. Set it to repeat
	// an import that ended early. If the store has other events of the instance, Import fails all the same. Default: Import fails if an
	// instance exists.
	SkipExisting bool

	// WithoutDeliveries leaves out waiting effects and timers, and dead letters, so that the import causes no deliveries. Set it, for
	// example, for a test with a copy of production data. Default: they are stored, and engines deliver the due ones.
	WithoutDeliveries bool

	// Keys has the keys that encrypt personal fields. Default: the keys are in the store, and those of new subjects are added.
	Keys store.SubjectKeys
}

// Imported says what Import has stored.
type Imported struct {
	Instances, Events int64
	Skipped           int64 // instances that were skipped, see SkipExisting
}

// InstanceExists says that the store already has an instance that was to be imported.
type InstanceExists struct {
	Instance    store.InstanceKey
	SameHistory bool // the store has all events of the import
}

func (e *InstanceExists) Error() string {
	if e.SameHistory {
		return fmt.Sprintf("%s is in the store already, with the same history; set ImportOptions.SkipExisting to pass over what was imported before",
			e.Instance)
	}
	return fmt.Sprintf("%s is in the store already, with another history; take it out of the file, or import into another store", e.Instance)
}

// Import reads lines from r, as Export writes them, and stores the instances with their versions, times and commit numbers. Each instance
// is stored completely or not at all. One commit stores several instances. Engines may use the store meanwhile: an engine that has the
// workflow delivers the imported effects and timers.
//
// If r is an io.Seeker, such as a file, Import checks all lines before it stores the first instance. The errors are *LineError for a
// mistake in a line, *InstanceExists if an instance exists already, *store.UniqueKeyConflict if another instance holds a unique key, and
// *store.Unsupported if the store lacks the ability Transfer. After an error, the instances of earlier commits stay stored. Import the
// rest by a second call with SkipExisting.
//
// A store that is a store.AuditLog gets an audit record of the import, with the operator of the context.
func Import(ctx context.Context, st store.Store, r io.Reader, options ImportOptions) (Imported, error) {
	i := importer{on: st, options: options, keys: keysOf(st, options.Keys)}
	var err error
	if i.to, err = ability(st, "importing instances"); err != nil {
		return i.Imported, err
	}
	now := store.StoredTime(time.Now())
	ctx = store.WithAudit(ctx, store.AuditRecord{At: now, EndedAt: now, Operation: store.OpImport})
	if err = check(ctx, r); err == nil {
		err = i.run(ctx, r)
	}
	if err != nil {
		err = fmt.Errorf("ironflow: import: %w", err)
	}
	return i.Imported, err
}

// check reads all of r and goes back to where it was, if r can.
func check(ctx context.Context, r io.Reader) error {
	seeker, is := r.(io.Seeker)
	if !is {
		return nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // a pipe is a Seeker, too, that cannot seek
	}
	for _, err := range Read(r) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	_, err = seeker.Seek(start, io.SeekStart)
	return err
}

type importer struct {
	on      store.Store
	to      store.Transfer
	keys    store.SubjectKeys // nil for none
	options ImportOptions
	Imported
}

func (i *importer) run(ctx context.Context, r io.Reader) error {
	var batch []store.StoredInstance
	keys, events := make(map[store.InstanceKey]bool), 0
	flush := func() error {
		err := i.write(ctx, batch)
		batch, events = nil, 0
		clear(keys)
		return err
	}
	for instance, err := range Read(r) {
		if err != nil {
			return err
		}
		if i.options.WithoutDeliveries {
			instance.Effects, instance.Timers = nil, nil
		}
		if n := len(instance.Events); len(batch) == batchInstances || events+n > batchEvents || keys[instance.Key] {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, events = append(batch, instance), events+len(instance.Events)
		keys[instance.Key] = true
	}
	return flush()
}

// maxRaces is how often a batch is written again because others wrote one of its instances, or took a key, at the same time.
const maxRaces = 5

// write stores a batch of distinct instances.
func (i *importer) write(ctx context.Context, batch []store.StoredInstance) error {
	for race := 0; len(batch) > 0; race++ {
		var err error
		if batch, err = i.missing(ctx, batch); err != nil || len(batch) == 0 {
			return err
		}
		sealed, err := personal{i.keys}.importAll(ctx, batch)
		if err != nil {
			return err
		}
		err = i.to.WriteStored(ctx, sealed)
		if errors.Is(err, store.ErrConflict) && race < maxRaces {
			continue
		}
		if err != nil {
			return err
		}
		for n := range batch {
			i.Instances, i.Events = i.Instances+1, i.Events+batch[n].Version()
		}
		return nil
	}
	return nil
}

// missing returns the instances of a batch that the store lacks.
func (i *importer) missing(ctx context.Context, batch []store.StoredInstance) (missing []store.StoredInstance, err error) {
	var requests []store.ReadRequest
	for n := range batch {
		request := store.ReadRequest{Instance: batch[n].Key, After: batch[n].Version()}
		if len(batch[n].UniqueKeys) > 0 {
			request.UniqueKey = batch[n].UniqueKeys[0]
		}
		requests = append(requests, request)
	}
	found, err := i.on.Read(ctx, requests)
	if err != nil {
		return nil, err
	}
	for n := range batch {
		r, there := &batch[n], &found[n]
		if there.Version == 0 {
			if key := requests[n].UniqueKey; there.KeyHolder != "" {
				return nil, &store.UniqueKeyConflict{Instance: r.Key, Key: key, Holder: there.KeyHolder}
			}
			missing = append(missing, *r)
			continue
		}
		same, err := i.on.Committed(ctx, r.Key, r.Version(), r.Events[r.Version()-1].Commit)
		switch {
		case err != nil:
			return nil, err
		case !same || !i.options.SkipExisting:
			return nil, &InstanceExists{Instance: r.Key, SameHistory: same}
		}
		i.Skipped++
	}
	return missing, nil
}
