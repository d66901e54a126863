package bound

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/seal"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// ErasedText takes the place of erased values where operators see them, as JSON.
const ErasedText = `"[erased]"`

// Sealing says which fields of payloads are personal, and where their keys are.
type Sealing struct {
	Workflows map[string]seal.Workflow // by their names; those without personal fields may be missing
	Erased    []byte                   // JSON that takes the place of erased values; nil leaves their fields out
	Keys      store.SubjectKeys        // where the keys are; nil for the store
	Logger    *slog.Logger
}

// sealing encrypts personal values before the store gets them, and decrypts what the store returns. Those above the store see values, and the store
// sees tokens. Nil does neither.
type sealing struct {
	Sealing
	ring    keyring
	forgets atomic.Int64 // calls of DropKeys
	from    subjectKeys
	own     bool // the store has the keys
}

// Seal makes the store encrypt and decrypt personal values. It is called before the store is used.
func (s *Store) Seal(config Sealing) {
	s.seal = &sealing{Sealing: config, from: s, own: config.Keys == nil}
	if !s.seal.own {
		s.seal.from = boundedKeys{target{Limit: s.Limit, on: config.Keys}}
	}
}

// HasKeys reports whether there is a place for keys.
func (s *Store) HasKeys() bool {
	return s.seal != nil && !s.seal.own || Has[store.SubjectKeys](s)
}

// Forget deletes the key of a subject where the keys are.
func (s *Store) Forget(ctx context.Context, subject store.ForgottenSubject) (had bool, err error) {
	if s.seal != nil && !s.seal.own {
		had, err = ask1(ctx, s.seal.from.(boundedKeys).target, "ForgetSubject", store.SubjectKeys.ForgetSubject, subject)
		s.forgotten(ctx, err)
		return had, err
	}
	return s.ForgetSubject(ctx, subject)
}

// forgotten drops keys after a subject was forgotten, and has other processes do so. Those that are not told drop them after KeyLife.
func (s *Store) forgotten(ctx context.Context, err error) {
	s.DropKeys()
	if err != nil || s.Notifier() == nil {
		return
	}
	if err := s.Notify(context.WithoutCancel(ctx), store.NewForgotten); err != nil && s.seal != nil && s.seal.Logger != nil {
		s.seal.Logger.WarnContext(ctx, "ironflow: telling other processes of a forgotten subject failed; they see its values for up to 10 s", "error", err)
	}
}

// DropKeys makes the store ask for all keys again. It is called after a subject was forgotten.
func (s *Store) DropKeys() {
	if s.seal != nil {
		s.seal.ring.drop()
		s.seal.forgets.Add(1) // after that, so that nobody has the new number and an old key
	}
}

// Forgets is how often DropKeys was called. What was decrypted before a call may have values of a subject that is forgotten. Read it before what it
// is kept for.
func (s *Store) Forgets() int64 {
	if s.seal == nil {
		return 0
	}
	return s.seal.forgets.Load()
}

// KeyOf returns the key of a subject from where the keys are.
func (s *Store) KeyOf(ctx context.Context, subject string) (store.SubjectKey, error) {
	from := subjectKeys(s)
	if s.seal != nil {
		from = s.seal.from
	}
	found, err := from.SubjectKeys(ctx, []string{subject})
	if err != nil {
		return store.SubjectKey{}, err
	}
	return found[0], nil
}

// boundedKeys are keys that are not in the store.
type boundedKeys struct{ target }

func (k boundedKeys) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return ask1(ctx, k.target, "SubjectKeys", store.SubjectKeys.SubjectKeys, subjects)
}

// withoutPersonal is the key of the value that WithoutPersonal adds to a context.
type withoutPersonal struct{}

// WithoutPersonal returns a context in which EventsSince and History return payloads as if all subjects were forgotten.
func WithoutPersonal(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutPersonal{}, true)
}

// leavesDamaged is the key of the value that leaveDamaged adds to a context.
type leavesDamaged struct{}

// leaveDamaged returns a context in which values stay encrypted whose keys are damaged. Without it, open fails, except for those who see a text in
// place of erased values: they only look at the store.
func leaveDamaged(ctx context.Context) context.Context {
	return context.WithValue(ctx, leavesDamaged{}, true)
}

// find returns the keys of subjects. within is a unit of work or a transaction of the caller that is open; nil for none.
func (s *sealing) find(ctx context.Context, within subjectKeys, subjects map[string]bool) (keys, error) {
	if len(subjects) == 0 {
		return keys{}, nil
	}
	from, remember := s.from, true
	if s.own && within != nil {
		_, callers := within.(boundedTransaction)
		if p, is := within.(*boundedTransaction); is {
			callers, within = true, *p
		}
		from, remember = within, !callers
	}
	found, err := s.ring.find(ctx, from, slices.Collect(maps.Keys(subjects)), remember)
	if err != nil {
		s.ring.drop()
	}
	return found, err
}

// opened is a payload to open, in place.
type opened struct {
	payload  *[]byte
	instance store.InstanceKey
}

// open opens payloads.
func (s *sealing) open(ctx context.Context, within subjectKeys, payloads func(yield func(*[]byte, store.InstanceKey))) error {
	var all []opened
	subjects := make(map[string]bool)
	payloads(func(payload *[]byte, instance store.InstanceKey) {
		if seal.Has(*payload) {
			all = append(all, opened{payload, instance})
			seal.Subjects(*payload, subjects)
		}
	})
	if len(all) == 0 {
		return nil
	}
	if ctx.Value(withoutPersonal{}) != nil {
		subjects = nil
	}
	found, err := s.find(ctx, within, subjects)
	if err != nil {
		return err
	}
	if err := found.usable(); err != nil && s.Erased == nil && ctx.Value(leavesDamaged{}) == nil {
		return err
	}
	for _, o := range all {
		*o.payload = seal.Open(*o.payload, o.instance, found.get, s.Erased)
	}
	return nil
}

// opening returns a function that opens what a call returned.
func opening[T any](ctx context.Context, s *sealing, within subjectKeys, each func(T, func(*[]byte, store.InstanceKey))) func([]T, error) ([]T, error) {
	return func(rows []T, err error) ([]T, error) {
		if s == nil {
			return rows, err
		}
		if err != nil {
			s.ring.drop() // the database may be another one after it
			return rows, err
		}
		err = s.open(ctx, within, func(yield func(*[]byte, store.InstanceKey)) {
			for i := range rows {
				each(rows[i], yield)
			}
		})
		if err != nil {
			return nil, err
		}
		return rows, nil
	}
}

// openingRows is opening for rows that are changed in place.
func openingRows[T any](ctx context.Context, s *sealing, within subjectKeys, each func(*T, func(*[]byte, store.InstanceKey))) func([]T, error) ([]T, error) {
	return func(rows []T, err error) ([]T, error) {
		if s == nil || err != nil {
			return opening[T](ctx, s, within, nil)(rows, err)
		}
		places := make([]*T, len(rows))
		for i := range rows {
			places[i] = &rows[i]
		}
		if _, err := opening(ctx, s, within, each)(places, nil); err != nil {
			return nil, err
		}
		return rows, nil
	}
}

func (s *sealing) instances(ctx context.Context, within subjectKeys) func([]store.Instance, error) ([]store.Instance, error) {
	return openingRows(ctx, s, within, func(i *store.Instance, yield func(*[]byte, store.InstanceKey)) {
		if i.Snapshot != nil && seal.Has(i.Snapshot.State) {
			own := *i.Snapshot // it may be the store's
			i.Snapshot = &own
			yield(&own.State, i.Key)
		}
		for n := range i.Events {
			yield(&i.Events[n].Payload, i.Key)
		}
	})
}

func (s *sealing) events(ctx context.Context) func([]store.StoredEvent, error) ([]store.StoredEvent, error) {
	return openingRows(ctx, s, nil, func(e *store.StoredEvent, yield func(*[]byte, store.InstanceKey)) { yield(&e.Payload, e.Instance) })
}

func (s *sealing) deliveries(ctx context.Context) func([]store.Delivery, error) ([]store.Delivery, error) {
	return openingRows(leaveDamaged(ctx), s, nil, payloadOf)
}

func payloadOf(d *store.Delivery, yield func(*[]byte, store.InstanceKey)) {
	yield(&d.Payload, d.Lease.Instance)
}

// OpenDelivery decrypts the payload of a delivery that a claim has left encrypted because the key of its subject is damaged.
func (s *Store) OpenDelivery(ctx context.Context, d *store.Delivery) error {
	if !seal.Has(d.Payload) {
		return nil
	}
	_, err := opening(ctx, s.seal, nil, payloadOf)([]*store.Delivery{d}, nil)
	return err
}

func (s *sealing) dead(ctx context.Context) func([]store.DeadLetter, error) ([]store.DeadLetter, error) {
	return openingRows(leaveDamaged(ctx), s, nil, func(d *store.DeadLetter, yield func(*[]byte, store.InstanceKey)) { yield(&d.Payload, d.Lease.Instance) })
}

func (s *sealing) discarded(ctx context.Context) func([]store.DiscardedLetter, error) ([]store.DiscardedLetter, error) {
	return openingRows(leaveDamaged(ctx), s, nil, func(d *store.DiscardedLetter, yield func(*[]byte, store.InstanceKey)) {
		yield(&d.Payload, d.Lease.Instance)
	})
}

func (s *sealing) observations(ctx context.Context) func([]store.Observation, error) ([]store.Observation, error) {
	return openingRows(ctx, s, nil, func(o *store.Observation, yield func(*[]byte, store.InstanceKey)) {
		yield(&o.Payload, o.Instance)
		yield(&o.RejectionPayload, o.Instance)
	})
}

func (s *sealing) storedInstances(ctx context.Context) func([]store.StoredInstance, error) ([]store.StoredInstance, error) {
	return openingRows(ctx, s, nil, func(r *store.StoredInstance, yield func(*[]byte, store.InstanceKey)) { seal.EachPayload(r, yield) })
}

func (s *sealing) payloads(ctx context.Context) func([]store.InstancePayloads, error) ([]store.InstancePayloads, error) {
	return openingRows(ctx, s, nil, func(r *store.InstancePayloads, yield func(*[]byte, store.InstanceKey)) {
		for i := range r.Events {
			yield(&r.Events[i].Payload, r.Key)
		}
		for i := range r.Effects {
			yield(&r.Effects[i].Payload, r.Key)
		}
		for i := range r.Timers {
			yield(&r.Timers[i].Payload, r.Key)
		}
		for i := range r.Outcomes {
			yield(&r.Outcomes[i].Outcome, r.Key)
		}
	})
}

// outcomes opens the outcomes of inputs. One that has not been recorded is nil.
func (s *sealing) outcomes(ctx context.Context, within subjectKeys, inputs []store.InputKey) func([][]byte, error) ([][]byte, error) {
	return func(outcomes [][]byte, err error) ([][]byte, error) {
		places := make([]int, len(outcomes))
		for i := range outcomes {
			places[i] = i
		}
		_, err = opening(ctx, s, within, func(i int, yield func(*[]byte, store.InstanceKey)) { yield(&outcomes[i], inputs[i].Instance) })(places, err)
		return outcomes, err
	}
}

// sealed is what is sent to the store in place of what was given.
type sealed struct {
	on      *sealing
	changes []store.Change
	records store.InputRecords

	added   []store.SubjectKey // keys that are stored with it
	addedAt time.Time
}

// stored takes what the store said.
func (d *sealed) stored(err error) {
	if d.on == nil {
		return
	}
	if err != nil {
		d.on.ring.drop() // another process may have added a key, or the database is another one
		return
	}
	for _, added := range d.added {
		if key, err := seal.NewKey(added.Secret); err == nil {
			d.on.ring.put(added.Subject, key, d.addedAt)
		}
	}
}

// part is a payload with personal values, and what seals it.
type part struct {
	fields   *seal.Fields
	payload  *[]byte
	instance store.InstanceKey
	subject  string
}

// parts collects payloads with personal values.
type parts struct{ list []part }

func (p *parts) add(fields *seal.Fields, payload *[]byte, instance store.InstanceKey, subject string) {
	if !fields.Any(*payload) {
		*payload = seal.Quote(*payload)
		return
	}
	if subject == "" {
		subject = instance.String()
	}
	p.list = append(p.list, part{fields, payload, instance, subject})
}

// changes returns the changes as the store gets them.
func (s *sealing) changes(ctx context.Context, within subjectKeys, changes []store.Change) (*sealed, error) {
	d := &sealed{changes: changes}
	if s == nil {
		return d, nil
	}
	var p parts
	for i := range changes {
		w, has := s.Workflows[changes[i].Instance.Workflow]
		if !has && !hasQuotable(&changes[i]) {
			continue
		}
		if &d.changes[0] == &changes[0] {
			d.changes = slices.Clone(changes)
		}
		c := &d.changes[i]
		c.Events, c.Effects, c.Timers = slices.Clone(c.Events), slices.Clone(c.Effects), slices.Clone(c.Timers)
		for n := range c.Events {
			p.add(w.Events[c.Events[n].Type], &c.Events[n].Payload, c.Instance, c.Subject)
		}
		for n := range c.Effects {
			p.add(w.Effect(c.Effects[n].Kind), &c.Effects[n].Payload, c.Instance, c.Subject)
		}
		for n := range c.Timers {
			p.add(w.Inputs[c.Timers[n].Input], &c.Timers[n].Payload, c.Instance, c.Subject)
		}
		c.Inputs = s.ofRecords(&p, c.Inputs)
	}
	if len(p.list) == 0 {
		return d, nil
	}
	d.on = s
	added, err := s.sealAll(ctx, within, &p)
	if len(added) > 0 {
		i := slices.IndexFunc(d.changes, func(c store.Change) bool { _, has := s.Workflows[c.Instance.Workflow]; return has })
		d.changes[i].Inputs.Keys = added
		d.added, d.addedAt = added, time.Now()
	}
	return d, err
}

// hasQuotable reports whether a payload of a change may look like a token.
func hasQuotable(c *store.Change) bool {
	return slices.ContainsFunc(c.Events, func(e store.NewEvent) bool { return seal.Has(e.Payload) }) ||
		slices.ContainsFunc(c.Effects, func(e store.NewEffect) bool { return seal.Has(e.Payload) }) ||
		slices.ContainsFunc(c.Timers, func(t store.NewTimer) bool { return seal.Has(t.Payload) }) ||
		slices.ContainsFunc(c.Inputs.Outcomes, func(o store.InputOutcome) bool { return seal.Has(o.Outcome) }) ||
		slices.ContainsFunc(c.Inputs.Observations, func(o store.Observation) bool { return seal.Has(o.Payload) || seal.Has(o.RejectionPayload) })
}

// ofRecords collects the payloads of records, which it copies.
func (s *sealing) ofRecords(p *parts, r store.InputRecords) store.InputRecords {
	r.Outcomes, r.Observations = slices.Clone(r.Outcomes), slices.Clone(r.Observations)
	for n := range r.Outcomes {
		o := &r.Outcomes[n]
		p.add(seal.NewFields(o.Personal), &o.Outcome, o.Input.Instance, o.Subject)
	}
	for n := range r.Observations {
		o := &r.Observations[n]
		w := s.Workflows[o.Instance.Workflow]
		p.add(w.Inputs[o.Input], &o.Payload, o.Instance, o.Subject)
		p.add(w.Rejections[o.Rejection], &o.RejectionPayload, o.Instance, o.Subject)
	}
	return r
}

// records returns the records as the store gets them.
func (s *sealing) records(ctx context.Context, within subjectKeys, records store.InputRecords) (*sealed, error) {
	d := &sealed{records: records}
	if s == nil {
		return d, nil
	}
	var p parts
	d.records = s.ofRecords(&p, records)
	if len(p.list) == 0 {
		return d, nil
	}
	d.on = s
	added, err := s.sealAll(ctx, within, &p)
	d.records.Keys = append(slices.Clip(d.records.Keys), added...)
	d.added, d.addedAt = added, time.Now()
	return d, err
}

// snapshots returns the snapshots as the store gets them.
func (s *sealing) snapshots(ctx context.Context, snapshots []store.Snapshot) ([]store.Snapshot, error) {
	if s == nil {
		return snapshots, nil
	}
	snapshots = slices.Clone(snapshots)
	var p parts
	for i := range snapshots {
		n := &snapshots[i]
		p.add(s.Workflows[n.Instance.Workflow].State, &n.State, n.Instance, n.Subject)
	}
	if len(p.list) == 0 {
		return snapshots, nil
	}
	added, err := s.sealAll(ctx, nil, &p)
	if err == nil && len(added) > 0 { // the state has personal values, and no event has
		err = s.from.(*Store).AddSubjectKeys(ctx, added)
	}
	return snapshots, err
}

// sealAll seals payloads in place. It returns the keys of new subjects, which must be stored with the payloads; none if the keys are not in the
// store: then it has stored them.
func (s *sealing) sealAll(ctx context.Context, within subjectKeys, p *parts) (added []store.SubjectKey, err error) {
	subjects := make(map[string]bool)
	for _, part := range p.list {
		subjects[part.subject] = true
	}
	found, err := s.find(ctx, within, subjects)
	if err = cmp.Or(err, found.usable()); err != nil {
		return nil, err
	}
	for subject := range subjects {
		if found.known[subject] {
			continue
		}
		secret := seal.NewSecret()
		if found.of[subject], err = seal.NewKey(secret); err != nil {
			return nil, err
		}
		added = append(added, store.SubjectKey{Subject: subject, Secret: secret, CreatedAt: store.StoredTime(time.Now())})
	}
	slices.SortFunc(added, func(a, b store.SubjectKey) int { return strings.Compare(a.Subject, b.Subject) })
	if !s.own && len(added) > 0 {
		if err := tell1(ctx, s.from.(boundedKeys).target, "AddSubjectKeys", store.SubjectKeys.AddSubjectKeys, added); err != nil {
			return nil, err // a conflict is one of the commit, which is made again
		}
		added = nil
	}
	var logged store.InstanceKey // the parts of an instance follow each other
	for _, part := range p.list {
		key := found.get(part.subject)
		if key.Erased() && s.Logger != nil && logged != part.instance {
			logged = part.instance
			s.Logger.InfoContext(ctx, "ironflow: personal fields of a forgotten subject are stored erased",
				"workflow", part.instance.Workflow, "instance", part.instance.ID)
		}
		*part.payload = part.fields.Seal(*part.payload, part.instance, part.subject, key)
	}
	return added, nil
}
