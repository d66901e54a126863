package ironflowtest_test

import (
	"errors"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// price is an event whose version 1 had a text. A decimal is a text, too, whose form is checked when it is written.
type price struct{ Amount string }

// prices is the codec of price with a conversion.
func prices(upcast func(old string) price) workflow.Codec[price] {
	return workflow.Codec[price]{
		Name: func(price) string { return "Priced" },
		Encode: func(e *codec.Encoder, v price) {
			e.BeginObject()
			e.Key("amount")
			e.Decimal(v.Amount)
			e.EndObject()
		},
		Decode: func(d *codec.Decoder, _ string) (v price, _ error) {
			for d.BeginObject(); d.NextField(); {
				v.Amount = d.Decimal()
			}
			return v, d.Err()
		},
		Versions: map[string]int{"Priced": 2},
		DecodeOld: func(d *codec.Decoder, _ string, version int) (price, error) {
			text := ""
			for d.BeginObject(); d.NextField(); {
				text = d.String()
			}
			if err := d.Err(); err != nil || version != 1 {
				return price{}, errors.Join(err)
			}
			return upcast(text), nil
		},
	}
}

// TestOlderVersions feeds samples to conversions that are right, and to some that are not.
func TestOlderVersions(t *testing.T) {
	t.Parallel()
	sample := []ironflowtest.OlderSample{{Name: "Priced", Version: 1, Payload: `{"price":"12.50"}`}}
	calls := 0
	for name, test := range map[string]struct {
		upcast func(string) price
		sample string
		want   []string
	}{
		"right":      {func(old string) price { return price{old} }, "", nil},
		"no decimal": {func(old string) price { return price{old + " EUR"} }, "", []string{"event Priced: writing what version 1 was converted to: Priced: amount: ", `{"price":"12.50"}`}},
		"panic":      {func(string) price { panic("no price") }, "", []string{"event Priced: reading version 1: ", "panicked: no price"}},
		"impure":     {func(string) price { calls++; return price{[]string{"1", "2"}[calls%2]} }, "", []string{"converting version 1 twice gives two values"}},
		"other type": {func(old string) price { return price{old} }, `{"price":7}`, []string{"reading version 1: price: "}},
		"endless":    {func(string) price { select {} }, "", []string{"Upcaster for event Priced does not return"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples := sample
			if test.sample != "" {
				samples = []ironflowtest.OlderSample{{Name: "Priced", Version: 1, Payload: test.sample}}
			}
			got := failures(func(r *recorder) { ironflowtest.OlderVersions(r, "event", prices(test.upcast), samples) })
			if test.want == nil && got != "" {
				t.Errorf("got the failure %s", got)
			}
			if test.want != nil {
				wantFailure(t, got, test.want...)
			}
		})
	}
	if got := failures(func(r *recorder) {
		ironflowtest.OlderVersions(r, "event", prices(nil), []ironflowtest.OlderSample{{Name: "Priced", Version: 2, Payload: "{}"}})
	}); got == "" {
		t.Error("a sample of the declared version passes")
	}
}
