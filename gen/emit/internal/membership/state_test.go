package membership

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// TestStateRoundTrip sends states through the codec: the zero state, random ones, and random ones with values that no
// event has set.
func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	roundTripState(t, State{})
	unset, small := Color(""), SizeSmall
	roundTripState(t, State{
		Everything: &Tree{Children: []Tree{{}}, ByName: map[string]Tree{"": {}}},
		Shelves:    []Shelf{{}, {Size: small, Used: map[string]Size{"top": "", "bottom": small}}},
		Last:       &unset,
		Prices:     map[string]string{"a": "", "b": "-0.10"},
		Paid:       new(string),
		Blob:       []byte{},
	})
	r := &filler{rand.New(rand.NewPCG(7, 8))}
	for range 500 {
		state := fill[State](r)
		roundTripState(t, state)
		state.Color, state.Price, state.Shelf = "", "", Shelf{}
		roundTripState(t, state)
	}
}

func roundTripState(t *testing.T, state State) {
	t.Helper()
	data := mustEncode(t, state, encodeState)
	if !json.Valid(data) {
		t.Fatalf("%+v encodes to %s, which is not JSON", state, data)
	}
	d := codec.NewStrictDecoder(data)
	got := decodeState(d)
	if err := d.End(); err != nil {
		t.Fatalf("decoding %s: %v", data, err)
	}
	if !reflect.DeepEqual(got, state) {
		t.Fatalf("%s decodes to\n%+v, want\n%+v", data, got, state)
	}
}

func TestWhatAStateCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	var null json.RawMessage
	for path, state := range map[string]State{
		"color":           {Color: "blue"},
		"price":           {Price: "1e3"},
		"shelves[0].size": {Shelves: []Shelf{{Size: "huge"}}},
		"everything.leaf": {Everything: &Tree{Leaf: Leaf{Name: "\xff"}}},
		"ratio":           {Ratio: math.NaN()},
		"maybe_raw":       {MaybeRaw: &null},
	} {
		e := codec.NewEncoder()
		encodeState(e, state)
		_, err := e.Bytes()
		wantError(t, err, path)
	}
}
