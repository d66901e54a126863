package workflow

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// variants returns the stored names of the variants of a codec, in the order of the declaration.
func variants[T any](c Codec[T]) []string {
	if c.Decode == nil {
		return nil
	}
	_, err := decode(codec.NewDecoder([]byte("{}")), "", c)
	var unknown *codec.UnknownTypeError
	if errors.As(err, &unknown) {
		return unknown.Known
	}
	return nil
}

// sample returns a variant with values that follow from a seed.
func sample[T any](name string, seed uint64, c Codec[T]) (v T, err error) {
	if v, err = decode(codec.NewDecoder([]byte("{}")), name, c); err != nil {
		return v, err
	}
	text, err := encodeSample(v, seed, c)
	if err != nil {
		return v, err
	}
	return decode(codec.NewDecoder(text), name, c)
}

func encodeSample[T any](v T, seed uint64, c Codec[T]) (text []byte, err error) {
	defer usererr.RecoverTo(&err, "encoding a sample", "")
	e := codec.NewSampler(seed)
	c.Encode(e, v)
	return e.Bytes()
}

// sampleTime is when the first event of a sample happened.
var sampleTime = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// Samples returns instances with the sample events that a fingerprint is made of, as this program would store them: one for each move of the machine,
// or for each event without a machine, and some with random histories. The first has a sample of each effect, and the first that has not ended one of
// each timer.
func (w *typed[S, I, E, F, R]) Samples() (instances []store.StoredInstance) {
	s := &foldSampler[S, I, E, F, R]{w: w, sum: sha256.New()}
	var r *store.StoredInstance
	s.keep = func(event E, state S) error {
		encoded, err := w.EncodeEvent(event)
		if err != nil {
			return err
		}
		ended, err := w.hasEnded(state)
		r.Events = append(r.Events, store.EventRecord{
			StoredEvent: store.StoredEvent{
				Instance: r.Key, Version: r.Version() + 1, Type: encoded.Type, SchemaVersion: w.EventVersion(encoded.Type),
				Payload: encoded.Payload, RecordedAt: sampleTime.Add(time.Duration(r.Version()) * time.Second),
			},
			Status: w.Status(state), Completes: ended,
		})
		if ended {
			return errors.New("the sample has ended")
		}
		return err
	}
	begin := func() {
		key := store.InstanceKey{Workflow: w.def.Workflow, ID: fmt.Sprint("sample-", len(instances)+1)}
		r = &store.StoredInstance{Key: key}
	}
	end := func() {
		if r.Version() > 0 {
			instances = append(instances, *r)
		}
	}
	for _, history := range w.sampleHistories() {
		begin()
		s.fold(history)
		end()
	}
	for range foldWalks {
		begin()
		s.walk()
		end()
	}
	if len(instances) > 0 {
		instances[0].Effects = w.sampleEffects(&instances[0])
	}
	for i := range instances {
		if !instances[i].Completed() {
			instances[i].Timers = w.sampleTimers(&instances[i])
			break
		}
	}
	return instances
}

func (w *typed[S, I, E, F, R]) sampleEffects(of *store.StoredInstance) (effects []store.DeliveryRecord) {
	for _, name := range slices.Sorted(maps.Keys(w.def.EffectOptions)) {
		v, err := sample(name, 1, w.def.Effects)
		if err != nil {
			continue
		}
		if encoded, err := w.EncodeEffect(v); err == nil {
			effects = append(effects, sampleDelivery(store.Lease{Queue: store.EffectQueue, Position: len(effects)}, of, encoded))
		}
	}
	return effects
}

func (w *typed[S, I, E, F, R]) sampleTimers(of *store.StoredInstance) (timers []store.DeliveryRecord) {
	for _, name := range w.timerInputs() {
		v, err := sample(name, 1, w.def.Inputs)
		if err != nil {
			continue
		}
		if encoded, err := w.EncodeInput(w.def.WithID(v, of.Key.ID)); err == nil {
			timers = append(timers, sampleDelivery(store.Lease{Queue: store.TimerQueue, Key: fmt.Sprintf("sample-%02d", len(timers))}, of, encoded))
		}
	}
	return timers
}

func sampleDelivery(lease store.Lease, of *store.StoredInstance, encoded Encoded) store.DeliveryRecord {
	lease.Instance, lease.Version = of.Key, of.Version()
	return store.DeliveryRecord{
		Lease: lease, Kind: store.Kind{Workflow: of.Key.Workflow, Name: encoded.Type}, Payload: encoded.Payload, Due: sampleTime, RunAt: sampleTime,
	}
}

// timerInputs returns the inputs that timers deliver: those of timers that come with states, and the internal inputs that nothing else delivers. An
// input that an effect or a client may send as well is not found when only decisions start its timer.
func (w *typed[S, I, E, F, R]) timerInputs() []string {
	var others []string
	for _, o := range w.def.EffectOptions {
		others = append(append(others, o.Returns...), o.Ended)
		if o.Dead != nil {
			others = append(others, o.Dead.Input)
		}
		if o.Refused != nil {
			others = append(others, o.Refused.Input)
		}
	}
	for _, s := range w.def.Schedules {
		others = append(others, s.Input)
	}
	inputs := slices.DeleteFunc(slices.Clone(w.def.InternalInputs), func(name string) bool { return slices.Contains(others, name) })
	for _, t := range w.def.StateTimers {
		if in, is := t.Input.(I); is && !t.Retired {
			inputs = append(inputs, w.def.Inputs.Name(in))
		}
	}
	slices.Sort(inputs)
	return slices.Compact(inputs)
}

// SampleRejections returns a sample of each rejection, as this program would store it.
func (w *typed[S, I, E, F, R]) SampleRejections() (rejections []Encoded) {
	for _, name := range variants(w.def.Rejections) {
		if v, err := sample(name, 1, w.def.Rejections); err == nil {
			if encoded, err := w.StoredRejection(v); err == nil {
				rejections = append(rejections, encoded)
			}
		}
	}
	return rejections
}
