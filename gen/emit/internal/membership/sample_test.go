package membership

import (
	"reflect"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// A sample of every type can be decoded, is always the same for a seed, and sets every field sooner or later.
func TestSamples(t *testing.T) {
	t.Parallel()
	set := make(map[string]bool)
	for seed := range uint64(200) {
		e := codec.NewSampler(seed)
		encodeState(e, State{})
		text, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		e = codec.NewSampler(seed)
		encodeState(e, State{Email: "another", Count: 7})
		if again, err := e.Bytes(); err != nil || string(again) != string(text) {
			t.Fatalf("seed %d: got %s, then %s, error %v", seed, text, again, err)
		}
		d := codec.NewDecoder(text)
		state := decodeState(d)
		if err := d.End(); err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, text)
		}
		v := reflect.ValueOf(state)
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[v.Type().Field(i).Name] = true
			}
		}
	}
	typ := reflect.TypeFor[State]()
	for i := range typ.NumField() {
		switch name := typ.Field(i).Name; name {
		case "Link", "Amount": // of imported types, which samples have the zero value of
		default:
			if !set[name] {
				t.Errorf("no sample sets %s", name)
			}
		}
	}
}
