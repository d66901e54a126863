package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// ExportOptions says which instances Export writes, and how. The zero value means all instances, unchanged.
type ExportOptions struct {
	// Filter selects instances. It is ignored if Instances is set. Default: all instances.
	Filter store.InstanceFilter

	// Instances names the instances to export. If one does not exist, Export fails with *store.UnknownInstance. Default: the instances
	// that Filter selects, the newest first.
	Instances []store.InstanceKey

	// After continues an export that ended early. Set it to the Exported.Last of that export. It is ignored if Instances is set. Default:
	// start at the newest instance.
	After *store.InstancePlace

	// Redact returns the payload to write: a JSON object that the workflow can decode, or the given payload itself. If Redact is set, the
	// outcomes of inputs are left out, because they contain a digest of the input, and so are the values of search fields. Ids, keys and error texts are written unchanged. The
	// export fails if Redact panics or returns something other than a JSON object. Default: payloads are written unchanged.
	Redact func(name workflow.PayloadName, payload []byte) []byte

	// Keys has the keys that encrypt personal fields. Default: the keys are in the store.
	Keys store.SubjectKeys
}

// Exported says what Export has written.
type Exported struct {
	Instances, Events int64

	// Last is the value of ExportOptions.After that continues an export that ended early. It is nil with ExportOptions.Instances.
	Last *store.InstancePlace
}

// batchInstances and batchEvents bound what is read from a store, or written to one, at once.
const (
	batchInstances = 200
	batchEvents    = 2000
)

// Export writes instances of a store to w as JSON lines. It changes nothing in the store and locks nothing. Each instance is written as
// it was at one moment. If other processes write meanwhile, that moment differs between instances. After an error, w may end in the
// middle of a line.
//
// Personal values are written in plain text, together with their subjects, as in {"email":{"$personal":[0,"customer-7","ann@example.com"]}}. Erased
// ones have no third part. Import encrypts them again.
//
// Export also writes the waiting effects and timers, and leaves them in this store. If you import them into another store, both stores
// deliver them. To prevent this, pause the workflow in this store before the export, with store.Pause.RefuseInputs, and delete its
// instances here after the import. For a copy, import with WithoutDeliveries instead.
//
// Export fails with *store.Unsupported if the store lacks the ability Transfer, or, without ExportOptions.Instances, the ability
// Inspection. It holds instances with up to 2,000 events together in memory, or one larger instance; with ExportOptions.Instances, up to
// 200 instances.
func Export(ctx context.Context, st store.Store, w io.Writer, options ExportOptions) (Exported, error) {
	e := exporter{to: w, redact: options.Redact, keys: personal{keysOf(st, options.Keys)}}
	var err error
	if e.from, err = ability(st, "exporting instances"); err != nil {
		return e.Exported, err
	}
	if len(options.Instances) > 0 {
		for keys := options.Instances; len(keys) > 0 && err == nil; {
			n := min(len(keys), batchInstances)
			err = e.write(ctx, keys[:n])
			keys = keys[n:]
		}
		return e.Exported, wrap(err)
	}
	list, is := st.(store.Inspection)
	if !is {
		return e.Exported, &store.Unsupported{Store: fmt.Sprintf("%T", st), Ability: "Inspection", Feature: "exporting instances by a filter"}
	}
	if err := store.CheckArgument("InstanceFilter", options.Filter); err != nil {
		return e.Exported, err
	}
	e.Last = options.After
	for {
		page, err := list.ListInstances(ctx, store.InstanceList{InstanceFilter: options.Filter, After: e.Last, Limit: batchInstances})
		if err != nil || len(page) == 0 {
			return e.Exported, wrap(err)
		}
		for len(page) > 0 {
			n, events := 0, int64(0)
			var keys []store.InstanceKey
			for n < len(page) && (n == 0 || events+page[n].Version <= batchEvents) {
				keys, events = append(keys, page[n].Key), events+page[n].Version
				n++
			}
			e.gone = true // one that retention deletes in the meantime
			if err := e.write(ctx, keys); err != nil {
				return e.Exported, wrap(err)
			}
			last := page[n-1]
			e.Last = &store.InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: last.Key.Workflow}
			page = page[n:]
		}
	}
}

func wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("ironflow: export: %w", err)
	}
	return err
}

// ability returns a store that can transfer instances.
func ability(st store.Store, feature string) (store.Transfer, error) {
	able, is := st.(store.Transfer)
	if !is {
		return nil, &store.Unsupported{Store: fmt.Sprintf("%T", st), Ability: "Transfer", Feature: feature}
	}
	return able, nil
}

type exporter struct {
	from   store.Transfer
	keys   personal
	to     io.Writer
	redact func(name workflow.PayloadName, payload []byte) []byte
	gone   bool // an instance that does not exist is passed over
	Exported
}

func (e *exporter) write(ctx context.Context, keys []store.InstanceKey) error {
	instances, err := e.from.ReadStored(ctx, keys)
	if err != nil {
		return err
	}
	for i := range instances {
		r := &instances[i]
		if r.Version() == 0 {
			if e.gone {
				continue
			}
			return &store.UnknownInstance{Instance: r.Key}
		}
		if err := e.keys.export(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.Key, err)
		}
		if err := e.redactAll(r); err != nil {
			return fmt.Errorf("%s: %w", r.Key, err)
		}
		if err := Write(e.to, *r); err != nil {
			return err
		}
		e.Instances, e.Events = e.Instances+1, e.Events+r.Version()
	}
	return nil
}

// Write writes one instance to w as lines that Read and Import accept.
func Write(w io.Writer, instance store.StoredInstance) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, l := range lines(&instance) {
		if err := encoder.Encode(l); err != nil {
			var marshal *json.MarshalerError
			if errors.As(err, &marshal) { // its text may have a part of the payload
				err = errors.New("a payload is not JSON")
			}
			return fmt.Errorf("%s: %w", instance.Key, err)
		}
	}
	return nil
}

func (e *exporter) redactAll(r *store.StoredInstance) error {
	if e.redact == nil {
		return nil
	}
	r.Outcomes, r.Search = nil, nil
	var errs []error
	for i := range r.Events {
		event := &r.Events[i]
		errs = append(errs, e.redactOne(r, workflow.EventPayload, event.Type, &event.Payload))
	}
	for i := range r.Effects {
		errs = append(errs, e.redactOne(r, workflow.EffectPayload, r.Effects[i].Kind.Name, &r.Effects[i].Payload))
	}
	for i := range r.Timers {
		errs = append(errs, e.redactOne(r, workflow.TimerPayload, r.Timers[i].Kind.Name, &r.Timers[i].Payload))
	}
	return errors.Join(errs...)
}

func (e *exporter) redactOne(r *store.StoredInstance, kind workflow.PayloadKind, name string, payload *[]byte) error {
	of := workflow.PayloadName{Workflow: r.Key.Workflow, Kind: kind, Name: name}
	redacted, err := e.call(of, *payload)
	if err != nil {
		return err
	}
	if !json.Valid(redacted) || checkObject("", redacted) != nil {
		return fmt.Errorf("%s: ExportOptions.Redact returned something else than a JSON object", of)
	}
	*payload = redacted
	return nil
}

func (e *exporter) call(name workflow.PayloadName, payload []byte) (redacted []byte, err error) {
	defer usererr.RecoverTo(&err, "ExportOptions.Redact for the ", name.String())
	return e.redact(name, payload), nil
}
