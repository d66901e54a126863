package bound

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/seal"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Everything in these tests is called x: the workflow, the instance, its messages, and the field of each payload, which is personal.
const (
	plain  = `{"x":"secret"}`
	secret = "secret"
)

// notPayloads are what has bytes and no payload: fields by their struct, and arguments and results by their method.
var notPayloads = map[string]string{
	"AuditRecord.Progress":      "the ids of instances, and counts",
	"CellRecord.List":           "the names of stores",
	"EventCause.Cause":          "names of messages, and ids",
	"EventRecord.Cause":         "the same",
	"NewEvent.Cause":            "the same",
	"StoredSchedule.Definition": "a declaration",
	"SubjectKey.Secret":         "the key itself",
	"RecordProgram":             "the description of a program",
	"Manifest":                  "the same",
}

// asTheyAre are methods that neither encrypt nor decrypt.
var asTheyAre = map[string]string{
	"WriteStored": "transfer.Import encrypts, with the keys of the new store, before it calls the store",
}

// carries reports whether a type has a payload.
func carries(of reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[of] {
		return false
	}
	seen[of] = true
	switch of.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return of.Elem().Kind() == reflect.Uint8 || carries(of.Elem(), seen)
	case reflect.Map:
		return carries(of.Key(), seen) || carries(of.Elem(), seen)
	case reflect.Struct:
		for i := range of.NumField() {
			if f := of.Field(i); notPayloads[of.Name()+"."+f.Name] == "" && carries(f.Type, seen) {
				return true
			}
		}
	case reflect.Interface: // a unit of work has payloads
		return of == reflect.TypeFor[store.UnitOfWork]()
	}
	return false
}

// filled returns a value with something in each part: the payload as each payload, and x as each text.
func filled(of reflect.Type, payload string, in int) reflect.Value {
	v := reflect.New(of).Elem()
	if in > 12 {
		return v
	}
	switch {
	case of == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(0, 0).UTC()))
	case of == reflect.TypeFor[store.QueueName]():
		v.SetString(string(store.EffectQueue))
	case of == reflect.TypeFor[store.Verdict]():
		v.SetInt(int64(store.Dead))
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte(payload))
	case of.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, filled(of.Elem(), payload, in+1)))
	case of.Kind() == reflect.Pointer:
		v.Set(reflect.New(of.Elem()))
		v.Elem().Set(filled(of.Elem(), payload, in+1))
	case of.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(of))
		v.SetMapIndex(filled(of.Key(), payload, in+1), filled(of.Elem(), payload, in+1))
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			if f := of.Field(i); f.IsExported() && notPayloads[of.Name()+"."+f.Name] == "" {
				v.Field(i).Set(filled(f.Type, payload, in+1))
			}
		}
		if change, is := v.Addr().Interface().(*store.Change); is {
			change.Complete, change.Cancel = false, nil // it has a timer
		}
	case of.Kind() == reflect.String:
		v.SetString("x")
	case v.CanInt():
		v.SetInt(1)
	case of.Kind() == reflect.Bool:
		v.SetBool(true)
	}
	return v
}

// vault is a store that answers with encrypted payloads, and notes what it is given. What it has no method for panics.
type vault struct {
	wholeStore
	sealed string
	given  *[]any
}

func answer[T any](v vault) (T, error) {
	return filled(reflect.TypeFor[T](), v.sealed, 0).Interface().(T), nil
}

func (v vault) take(what any) error {
	*v.given = append(*v.given, what)
	return nil
}

func (v vault) Read(context.Context, []store.ReadRequest) ([]store.Instance, error) {
	return answer[[]store.Instance](v)
}
func (v vault) Append(_ context.Context, b store.Batch) error { return v.take(b) }
func (v vault) Begin(context.Context, []store.ReadRequest) (store.UnitOfWork, error) {
	return vaultUnit{v}, nil
}
func (v vault) InputOutcomes(context.Context, []store.InputKey) ([][]byte, error) {
	return answer[[][]byte](v)
}
func (v vault) RecordInputs(_ context.Context, r store.InputRecords) error { return v.take(r) }
func (v vault) Observations(context.Context, store.ObservationQuery) ([]store.Observation, error) {
	return answer[[]store.Observation](v)
}
func (v vault) SaveSnapshots(_ context.Context, s []store.Snapshot) error { return v.take(s) }
func (v vault) History(context.Context, store.InstanceKey, int64, int) ([]store.StoredEvent, error) {
	return answer[[]store.StoredEvent](v)
}
func (v vault) ListDead(context.Context, store.DeadLetterList) ([]store.DeadLetter, error) {
	return answer[[]store.DeadLetter](v)
}
func (v vault) ListDiscarded(context.Context, store.DiscardedList) ([]store.DiscardedLetter, error) {
	return answer[[]store.DiscardedLetter](v)
}
func (v vault) ClaimLimited(context.Context, store.LimitedClaim) (store.LimitedClaimed, error) {
	return answer[store.LimitedClaimed](v)
}
func (v vault) EventsSince(context.Context, store.FeedPosition, int, ...store.EventFilter) (store.FeedPage, error) {
	return answer[store.FeedPage](v)
}
func (v vault) ReadStored(context.Context, []store.InstanceKey) ([]store.StoredInstance, error) {
	return answer[[]store.StoredInstance](v)
}
func (v vault) ReadPayloads(context.Context, []store.InstanceKey) ([]store.InstancePayloads, error) {
	return answer[[]store.InstancePayloads](v)
}

// vaultQueue, vaultUnit and vaultTransaction are the same.
type (
	vaultQueue struct {
		store.Queue
		of vault
	}
	vaultUnit        struct{ vault }
	vaultTransaction struct{ vault }
)

func (v vault) Effects() store.Queue { return vaultQueue{of: v} }

func (q vaultQueue) Claim(context.Context, store.Claim) ([]store.Delivery, error) {
	return answer[[]store.Delivery](q.of)
}

func (u vaultUnit) Instances() []store.Instance {
	all, _ := answer[[]store.Instance](u.vault)
	return all
}
func (u vaultUnit) Commit(_ context.Context, _ store.CommitID, c []store.Change) error {
	return u.take(c)
}
func (u vaultUnit) Rollback(context.Context) error    { return nil }
func (vaultTransaction) Notify(context.Context) error { return nil }

// oneKey has one key for all subjects.
type oneKey struct{ secret []byte }

func (k oneKey) SubjectKeys(_ context.Context, subjects []string) (keys []store.SubjectKey, err error) {
	for _, s := range subjects {
		keys = append(keys, store.SubjectKey{Subject: s, Secret: k.secret})
	}
	return keys, nil
}
func (oneKey) AddSubjectKeys(context.Context, []store.SubjectKey) error { return nil }
func (oneKey) ForgetSubject(context.Context, store.ForgottenSubject) (bool, error) {
	return true, nil
}

// Each method that gives payloads to a store encrypts personal values, and each that returns payloads decrypts them. A method that the contract
// gains is found here by itself: it has to do so as well, or it is listed above with the reason why not.
func TestEveryPayloadIsSealed(t *testing.T) {
	t.Parallel()
	keys := oneKey{seal.NewSecret()}
	key, err := seal.NewKey(keys.secret)
	if err != nil {
		t.Fatal(err)
	}
	x := seal.NewFields([]string{"x"})
	named := map[string]*seal.Fields{"x": x}
	var given []any
	under := vault{sealed: string(x.Seal([]byte(plain), store.InstanceKey{Workflow: "x", ID: "x"}, "x", key)), given: &given}
	if strings.Contains(under.sealed, secret) {
		t.Fatalf("it is not encrypted: %s", under.sealed)
	}
	st := New(under, time.Minute)
	st.Seal(Sealing{Keys: keys, Workflows: map[string]seal.Workflow{
		"x": {State: x, End: x.Under("state"), Inputs: named, Events: named, Rejections: named, Effects: named},
	}})
	unit, err := st.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	unused := maps.Clone(notPayloads)
	for name := range unused {
		if strings.Contains(name, ".") {
			delete(unused, name) // the compiler knows the structs
		}
	}
	maps.Copy(unused, asTheyAre)
	for of, on := range map[reflect.Type]any{
		reflect.TypeFor[wholeStore]():        st,
		reflect.TypeFor[store.Queue]():       st.Effects(),
		reflect.TypeFor[store.UnitOfWork]():  unit,
		reflect.TypeFor[store.Transaction](): st.Within(vaultTransaction{under}),
	} {
		for i := range of.NumMethod() {
			method := of.Method(i)
			gives, returns := false, false
			var arguments []reflect.Value
			for n := range method.Type.NumIn() {
				in := method.Type.In(n)
				switch {
				case in == reflect.TypeFor[context.Context]():
					arguments = append(arguments, reflect.ValueOf(t.Context()))
				case in.Kind() == reflect.Func || method.Type.IsVariadic() && n == method.Type.NumIn()-1:
				default:
					gives = gives || carries(in, make(map[reflect.Type]bool))
					arguments = append(arguments, filled(in, plain, 0))
				}
			}
			for n := range method.Type.NumOut() {
				returns = returns || carries(method.Type.Out(n), make(map[reflect.Type]bool))
			}
			name := fmt.Sprintf("%v.%s", of, method.Name)
			if notPayloads[method.Name] != "" || asTheyAre[method.Name] != "" {
				delete(unused, method.Name)
				continue
			}
			if !gives && !returns {
				continue
			}
			given = nil
			results := reflect.ValueOf(on).MethodByName(method.Name).Call(arguments)
			if err, is := results[len(results)-1].Interface().(error); is && err != nil {
				t.Errorf("%s fails: %v; does this test have a vault for it?", name, err)
				continue
			}
			if all := fmt.Sprintf("%s", payloads(reflect.ValueOf(given))); gives && (strings.Contains(all, secret) || !strings.Contains(all, "$personal")) {
				t.Errorf("%s gives the store a personal value as it is, or does not give it: %s", name, all)
			}
			if returns {
				if u, is := results[0].Interface().(store.UnitOfWork); is {
					results = []reflect.Value{reflect.ValueOf(u.Instances())}
				}
				if all := fmt.Sprintf("%s", payloads(results[0])); strings.Contains(all, "$personal") || !strings.Contains(all, secret) {
					t.Errorf("%s returns a personal value encrypted, or not at all: %s", name, all)
				}
			}
		}
	}
	for name := range unused {
		t.Errorf("%s is listed and needs not be", name)
	}
}

// payloads returns all bytes in a value.
func payloads(v reflect.Value) (all [][]byte) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return [][]byte{bytes.Clone(v.Bytes())}
		}
		for i := range v.Len() {
			all = append(all, payloads(v.Index(i))...)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return payloads(v.Elem())
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			all = append(all, payloads(v.MapIndex(key))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				all = append(all, payloads(v.Field(i))...)
			}
		}
	}
	return all
}

// forgettingKeys are keys of subjects that are forgotten while they are read.
type forgettingKeys struct {
	oneKey
	ring *keyring
}

func (k forgettingKeys) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	keys, err := k.oneKey.SubjectKeys(ctx, subjects)
	k.ring.drop()
	return keys, err
}

// A key that was read before a subject was forgotten is not remembered after that.
func TestKeyReadBeforeItWasForgotten(t *testing.T) {
	t.Parallel()
	ring, key := &keyring{}, oneKey{seal.NewSecret()}
	for _, from := range []subjectKeys{forgettingKeys{key, ring}, key} {
		if _, err := ring.find(t.Context(), from, []string{"x"}, true); err != nil {
			t.Fatal(err)
		}
		_, reads := from.(oneKey)
		if _, missing := ring.recall([]string{"x"}); (len(missing) == 0) != reads {
			t.Errorf("%T: missing %v", from, missing)
		}
	}
}
