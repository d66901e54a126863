package workflow

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

func TestTimerNet(t *testing.T) {
	t.Parallel()
	var n TimerNet
	n.Start(store.NewTimer{Key: "a", Input: "1"})
	n.cancel("b")
	n.Start(store.NewTimer{Key: "c"})
	n.Start(store.NewTimer{Key: "a", Input: "2"})
	n.Start(store.NewTimer{Key: "b", Input: "3"})
	n.cancel("c")
	n.cancel("d")
	start, cancel := n.Result()
	if len(start) != 2 || start[0].Key != "a" || start[0].Input != "2" || start[1].Key != "b" || start[1].Input != "3" {
		t.Errorf("started: %+v", start)
	}
	if !slices.Equal(cancel, []string{"c", "d"}) {
		t.Errorf("cancelled: %v", cancel)
	}
}

func TestFireAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	var s Schedule
	for _, test := range []struct {
		name string
		spec TimerSpec
		want time.Time // zero for none
		has  bool
	}{
		{"none", TimerSpec{}, time.Time{}, false},
		{"declared", TimerSpec{After: time.Hour}, now.Add(time.Hour), true},
		{"in", TimerSpec{Schedule: s.In(time.Minute), After: time.Hour}, now.Add(time.Minute), true},
		{"in no time", TimerSpec{Schedule: s.In(0), After: time.Hour}, now, true},
		{"in the past", TimerSpec{Schedule: s.In(-time.Minute)}, now.Add(-time.Minute), true},
		{"at", TimerSpec{Schedule: s.At(now.Add(5)), After: time.Hour}, now.Add(5), true},
		{"at the zero time", TimerSpec{Schedule: s.At(time.Time{}), After: time.Hour}, time.Time{}, true},
		{"in, then at", TimerSpec{Schedule: s.In(1).At(now.Add(2))}, now.Add(2), true},
		{"at, then in", TimerSpec{Schedule: s.At(now.Add(2)).In(1)}, now.Add(1), true},
	} {
		got, has := test.spec.FireAt(now)
		if has != test.has || !got.Equal(test.want) {
			t.Errorf("%s: got %v, %v", test.name, got, has)
		}
	}
	if key := (TimerSpec{Name: "n", Schedule: s.Key("k").In(1)}).StoredKey(); key != "n/k" {
		t.Errorf("got key %q", key)
	}
}

func TestTransitionAllows(t *testing.T) {
	t.Parallel()
	transition := &Transition{Events: []EventMove{{Event: "A"}, {Event: "B"}}, Effects: []string{"E"}}
	for name, want := range map[string]string{
		"event A": "", "event B": "", "effect E": "",
		"event C":  "the declaration does not allow the event C here, only A, B",
		"effect A": "the declaration does not allow the effect A here, only E",
		"timer E":  "the declaration allows no timer here, but the decision has E",
	} {
		what, named, _ := strings.Cut(name, " ")
		var got string
		if err := transition.allows(what, named); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Imported types bring their own JSON methods, and those may panic.
func TestCodecPanics(t *testing.T) {
	t.Parallel()
	c := Codec[any]{
		Name:   func(any) string { return "Created" },
		Encode: func(*codec.Encoder, any) { panic("encoder") },
		Decode: func(*codec.Decoder, string) (any, error) { panic("decoder") },
	}
	_, _, encodeErr := encode[any](1, c)
	_, decodeErr := decode(codec.NewDecoder(nil), "Created", c)
	for want, err := range map[string]error{
		"encoding Created panicked: encoder": encodeErr,
		"decoding Created panicked: decoder": decodeErr,
	} {
		var p *store.PanicError
		if !errors.As(err, &p) || p.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
