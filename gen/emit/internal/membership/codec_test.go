package membership

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// TestRoundTrip sends random values of every variant through the codec.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	r := &filler{rand.New(rand.NewPCG(1, 2))}
	for range 500 {
		roundTrip(t, fill[Fill](r), encodeInput, decodeInput)
		roundTrip(t, fill[Empty](r), encodeInput, decodeInput)
		roundTrip(t, fill[Filled](r), encodeEvent, decodeEvent)
		roundTrip(t, fill[Emptied](r), encodeEvent, decodeEvent)
		roundTrip(t, fill[Clean](r), encodeEffect, decodeEffect)
		roundTrip(t, fill[Ring](r), encodeEffect, decodeEffect)
		roundTrip(t, fill[Full](r), encodeRejection, decodeRejection)
	}
}

func roundTrip[V any, I any](t *testing.T, v V, encode func(*codec.Encoder, I), decode func(*codec.Decoder, string) (I, error)) {
	t.Helper()
	variant, ok := any(v).(I)
	if !ok {
		t.Fatalf("%T is not a variant", v)
	}
	data := mustEncode(t, variant, encode)
	if !json.Valid(data) {
		t.Fatalf("%T encodes to %s, which is not JSON", v, data)
	}
	compareWithMarshal(t, v, data)
	d := codec.NewStrictDecoder(data)
	got, err := decode(d, reflect.TypeOf(v).Name())
	if err == nil {
		err = d.End()
	}
	if err != nil {
		t.Fatalf("decoding %s: %v", data, err)
	}
	if !reflect.DeepEqual(got, variant) {
		t.Fatalf("%s decodes to\n%+v, want\n%+v", data, got, variant)
	}
}

// compareWithMarshal compares what encoding/json writes of a value with what the codec has written of it. They differ only
// in what no tag can say: an input's type, durations and lists and maps that are nil.
func compareWithMarshal(t *testing.T, v any, data []byte) {
	t.Helper()
	marshaled, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(marshaled, &got), json.Unmarshal(data, &want)); err != nil {
		t.Fatal(err)
	}
	if _, isInput := v.(Input); isInput {
		delete(want.(map[string]any), "type")
	}
	if !sameJSON(got, want) {
		t.Fatalf("encoding/json writes\n%s, the codec\n%s", marshaled, data)
	}
}

// sameJSON compares what encoding/json has written with what the codec has written.
func sameJSON(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for key, value := range want {
			other, ok := object[key]
			if !ok || !sameJSON(other, value) {
				return false
			}
		}
		return len(object) == len(want)
	case []any:
		list, _ := got.([]any)
		for i, value := range want {
			if i >= len(list) || !sameJSON(list[i], value) {
				return false
			}
		}
		return len(list) == len(want)
	case string:
		if number, ok := got.(float64); ok {
			d, err := time.ParseDuration(want)
			return err == nil && float64(d) == number
		}
	}
	return got == want
}

func mustEncode[I any](t *testing.T, v I, encode func(*codec.Encoder, I)) []byte {
	t.Helper()
	e := codec.NewEncoder()
	encode(e, v)
	data, err := e.Bytes()
	if err != nil {
		t.Fatalf("encoding %+v: %v", v, err)
	}
	return data
}

func TestInputsAreFlatWithTheirTypeFirst(t *testing.T) {
	t.Parallel()
	data := mustEncode(t, Input(Empty{OtherID: "k-1"}), encodeInput)
	if got, want := string(data), `{"type":"Empty","other_id":"k-1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestErrorsNameThePath(t *testing.T) {
	t.Parallel()
	valid := fill[Fill](&filler{rand.New(rand.NewPCG(3, 4))})
	valid.Nested = []map[string]*[]Color{nil, {"a b": {ColorRed, "blue"}}}
	e := codec.NewEncoder()
	encodeInput(e, valid)
	_, err := e.Bytes()
	wantError(t, err, `nested[1][#0][1]`, "dark-green")

	for document, path := range map[string]string{
		`{"tree":{"leaf":{"name":7}}}`:                  "tree.leaf.name",
		`{"tree":{"children":[{},{"leaf":[]}]}}`:        "tree.children[1].leaf",
		`{"large":1.5}`:                                 "large",
		`{"large":9223372036854775808}`:                 "large",
		`{"ratio":"NaN"}`:                               "ratio",
		`{"at":"yesterday"}`:                            "at",
		`{"color":"blue"}`:                              "color",
		`{"pauses":{"x":"1 parsec"}}`:                   "pauses[#0]",
		`{"text":"\ud800"}`:                             "text",
		"{\"text\":\"\xff\"}":                           "text",
		`{"text":"a","text":"b"}`:                       "text",
		`{"amount":"twelve"}`:                           "amount",
		`{"blob":"%%%"}`:                                "blob",
		`{"price":"1e3"}`:                               "price",
		`{"member_id":null}`:                            "member_id",
		`{"trees":[{"by_name":{"k":{"parent":true}}}]}`: "trees[0].by_name[#0].parent",
	} {
		d := codec.NewDecoder([]byte(document))
		_, err := decodeInput(d, "Fill")
		if err == nil {
			err = d.End()
		}
		wantError(t, err, path)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
}

func TestUnknownTypeIsTyped(t *testing.T) {
	t.Parallel()
	_, err := decodeEvent(codec.NewDecoder([]byte(`{}`)), "Fillled")
	var unknown *codec.UnknownTypeError
	if !errors.As(err, &unknown) || unknown.Workflow != "membership" || unknown.Kind != "event" || unknown.Type != "Fillled" {
		t.Errorf("error = %#v, want an UnknownTypeError of membership, event, Fillled", err)
	}
}

func TestMissingFields(t *testing.T) {
	t.Parallel()
	strict := codec.NewStrictDecoder([]byte(`{"type":"Fill","member_id":"k"}`))
	decodeFill(strict)
	wantError(t, strict.End(), "text")
	stored := codec.NewDecoder([]byte(`{"member_id":"k","a_newer_field":{"x":[1]}}`))
	if v := decodeFill(stored); stored.End() != nil || v.MemberID != "k" {
		t.Errorf("a stored input with other fields decodes to %+v, %v", v, stored.End())
	}
}

func TestWhatCannotComeBackIsRefused(t *testing.T) {
	t.Parallel()
	valid := func() Fill { return fill[Fill](&filler{rand.New(rand.NewPCG(5, 6))}) }
	for name, spoil := range map[string]func(*Fill){
		"ratio": func(v *Fill) { v.Ratio = math.NaN() },
		"text":  func(v *Fill) { v.Text = "\xff" },
		"raw":   func(v *Fill) { v.Raw = json.RawMessage("{") },
		"price": func(v *Fill) { v.Price = "" },
		"color": func(v *Fill) { v.Color = "" },
		"at":    func(v *Fill) { v.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		v := valid()
		spoil(&v)
		e := codec.NewEncoder()
		encodeInput(e, v)
		_, err := e.Bytes()
		wantError(t, err, name)
	}
}

// filler makes random values.
type filler struct{ r *rand.Rand }

func fill[T any](f *filler) T {
	var v T
	f.fill(reflect.ValueOf(&v).Elem(), 0)
	return v
}

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case string:
		v.SetString(f.text())
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(f.r.Int64N(4e9), f.r.Int64N(1e9)).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(f.json()))
		return
	case Color:
		v.SetString(string(colorValues[f.r.IntN(len(colorValues))]))
		return
	case Plan:
		v.SetString(string(planValues[f.r.IntN(len(planValues))]))
		return
	case Size:
		v.SetString(string(sizeValues[f.r.IntN(len(sizeValues))]))
		return
	case Link:
		v.Set(reflect.ValueOf(url.URL{Scheme: "https", Host: "example.com", Path: "/" + string(rune('a'+f.r.IntN(26)))}))
		return
	case Amount:
		v.Set(reflect.ValueOf(*big.NewInt(f.r.Int64())))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.r.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n := int64(f.r.Uint64())
		if v.Type().Bits() == 32 {
			n = int64(int32(n))
		}
		v.SetInt(n)
	case reflect.Uint32:
		v.SetUint(uint64(f.r.Uint32()))
	case reflect.Uint64:
		v.SetUint([]uint64{f.r.Uint64(), math.MaxUint64, math.MaxInt64 + 1, 0}[f.r.IntN(4)])
	case reflect.Float64:
		v.SetFloat(f.r.NormFloat64() * math.Pow(10, float64(f.r.IntN(600)-300)))
	case reflect.Pointer:
		if f.r.IntN(3) > 0 && depth < 4 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
			// An optional that holds null in turn is refused.
			if k := v.Elem().Kind(); (k == reflect.Slice || k == reflect.Map) && v.Elem().IsNil() {
				v.SetZero()
			}
		}
	case reflect.Slice:
		if n := f.r.IntN(4) - 1; n >= 0 && depth < 5 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				f.element(v.Index(i), depth)
			}
		}
	case reflect.Map:
		if n := f.r.IntN(4) - 1; n >= 0 && depth < 5 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				e := reflect.New(v.Type().Elem()).Elem()
				f.element(e, depth)
				v.SetMapIndex(reflect.ValueOf(f.text()), e)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), depth+1)
			switch v.Type().Field(i).Name { // a decimal is a string in Go
			case "Price":
				v.Field(i).SetString(f.decimal())
			case "Paid", "Prices":
				v.Field(i).SetZero()
			}
		}
	case reflect.Uint8:
		v.SetUint(uint64(f.r.IntN(256)))
	}
}

func (f *filler) element(v reflect.Value, depth int) { f.fill(v, depth+1) }

func (f *filler) text() string {
	texts := []string{"", "plain", "quote\" back\\slash", "tab\tline\n\u0000null", "äöü ☃ 𝄞", "\u2028<html>&"}
	return texts[f.r.IntN(len(texts))] + string(rune('a'+f.r.IntN(26)))
}

func (f *filler) decimal() string {
	return []string{"0", "-12.50", "99999999999999999999.000001"}[f.r.IntN(3)]
}

func (f *filler) json() json.RawMessage {
	values := []string{"", `{"a": [1, 2.50, "x"]}`, "true", "9007199254740993", `"text"`, "[]"}
	if v := values[f.r.IntN(len(values))]; v != "" {
		return json.RawMessage(v)
	}
	return nil
}
