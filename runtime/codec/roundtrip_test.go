package codec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// roundTrip encodes v, expects text unless that is empty, and expects v again from it.
func roundTrip[T any](t *testing.T, v T, text string, enc func(*codec.Encoder, T), dec func(*codec.Decoder) T) {
	t.Helper()
	got, err := encode(v, enc)
	if err != nil {
		t.Errorf("encoding %#v: %v", v, err)
		return
	}
	if text != "" && got != text {
		t.Errorf("%#v was encoded as %s, want %s", v, got, text)
	}
	if !json.Valid([]byte(got)) {
		t.Errorf("%#v was encoded as %s, which is not JSON", v, got)
	}
	back, err := decodeStrict(got, dec)
	if err != nil {
		t.Errorf("decoding %s: %v", got, err)
		return
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("%#v came back as %#v by way of %s", v, back, got)
	}
}

func TestWireFormat(t *testing.T) {
	for v, text := range map[string]string{
		"":                           `""`,
		"plain":                      `"plain"`,
		"a \"quote\" and a \\":       `"a \"quote\" and a \\"`,
		"\b\f\n\r\t\x00\x1f\x7f":     `"\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`,
		"<a href='x'>&</a>":          `"<a href='x'>&</a>"`,
		"é 漢 😀 \u2028 \ufffd \ufeff": `"é 漢 😀 ` + "\u2028 \ufffd \ufeff" + `"`,
		"12345678\n":                 `"12345678\n"`,
		"1234567é":                   `"1234567é"`,
	} {
		roundTrip(t, v, text, (*codec.Encoder).String, (*codec.Decoder).String)
	}
	for _, v := range []int64{0, 1, -1, 42, 1<<53 + 1, -1<<53 - 1, 999999999999999999, 1e18, math.MaxInt64, math.MinInt64} {
		roundTrip(t, v, fmt.Sprint(v), (*codec.Encoder).Int64, (*codec.Decoder).Int64)
		roundTrip(t, int(v), fmt.Sprint(v), (*codec.Encoder).Int, (*codec.Decoder).Int)
	}
	for _, v := range []int32{0, 7, math.MaxInt32, math.MinInt32} {
		roundTrip(t, v, fmt.Sprint(v), (*codec.Encoder).Int32, (*codec.Decoder).Int32)
	}
	for _, v := range []uint64{0, 1, 9, 10, 99, 100, 1<<53 + 1, 999999999999999999, 1e18, math.MaxInt64, math.MaxInt64 + 1, 1e19 - 1, 1e19, math.MaxUint64} {
		roundTrip(t, v, fmt.Sprint(v), (*codec.Encoder).Uint64, (*codec.Decoder).Uint64)
	}
	for _, v := range []uint32{0, 7, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32} {
		roundTrip(t, v, fmt.Sprint(v), (*codec.Encoder).Uint32, (*codec.Decoder).Uint32)
	}
	for v, text := range map[float64]string{
		0: "0", 1: "1", -1.5: "-1.5", 0.1: "0.1", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-6: "0.000001",
		1e-7: "1e-07", math.MaxFloat64: "1.7976931348623157e+308", math.SmallestNonzeroFloat64: "5e-324",
		1<<53 + 2: "9007199254740994",
	} {
		roundTrip(t, v, text, (*codec.Encoder).Float64, (*codec.Decoder).Float64)
	}
	for v, text := range map[time.Time]string{
		{}: `"0001-01-01T00:00:00Z"`,
		time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC):          `"2026-02-28T23:59:59Z"`,
		time.Date(2024, 2, 29, 0, 0, 0, 120000000, time.UTC):     `"2024-02-29T00:00:00.12Z"`,
		time.Date(0, 1, 1, 0, 0, 0, 1, time.UTC):                 `"0000-01-01T00:00:00.000000001Z"`,
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC): `"9999-12-31T23:59:59.999999999Z"`,
	} {
		roundTrip(t, v, text, (*codec.Encoder).Time, (*codec.Decoder).Time)
	}
	for _, v := range []time.Duration{0, 1, -1, time.Microsecond, 90 * time.Second, math.MaxInt64, math.MinInt64} {
		roundTrip(t, v, `"`+v.String()+`"`, (*codec.Encoder).Duration, (*codec.Decoder).Duration)
	}
	for _, v := range []string{"0", "-0", "12.50", "-1.0", "007", "123456789012345678901234567890.123456789"} {
		roundTrip(t, v, `"`+v+`"`, (*codec.Encoder).Decimal, (*codec.Decoder).Decimal)
	}
	roundTrip(t, true, "true", (*codec.Encoder).Bool, (*codec.Decoder).Bool)
	roundTrip(t, false, "false", (*codec.Encoder).Bool, (*codec.Decoder).Bool)
	roundTrip(t, nil, "null", (*codec.Encoder).Binary, (*codec.Decoder).Binary)
	roundTrip(t, []byte{}, `""`, (*codec.Encoder).Binary, (*codec.Decoder).Binary)
	roundTrip(t, []byte{0}, `"AA=="`, (*codec.Encoder).Binary, (*codec.Decoder).Binary)
	roundTrip(t, []byte{0xfb, 0xff, 0xfe}, `"+//+"`, (*codec.Encoder).Binary, (*codec.Decoder).Binary)
	roundTrip(t, nil, "null", (*codec.Encoder).JSON, (*codec.Decoder).JSON)
	roundTrip(t, blue, `"blue"`, encodeColor, decodeColor)
	roundTrip(t, *big.NewInt(-12), "-12", codec.EncodeGo[big.Int], codec.DecodeGo[big.Int])
	for _, text := range []string{`{}`, `[ ]`, `{"b": 1.0, "a" : [1e2, "\u00e9<\/>"]}`, `"x"`, `-0`, `true`} {
		roundTrip(t, json.RawMessage(text), text, (*codec.Encoder).JSON, (*codec.Decoder).JSON)
	}
}

func TestNegativeZero(t *testing.T) {
	text, err := encode(math.Copysign(0, -1), (*codec.Encoder).Float64)
	if err != nil || text != "-0" {
		t.Fatalf("-0 was encoded as %q, %v", text, err)
	}
	if v, err := decode(text, (*codec.Decoder).Float64); err != nil || !math.Signbit(v) {
		t.Errorf("-0 came back as %v, %v", v, err)
	}
}

func TestContainers(t *testing.T) {
	encodeInts := func(e *codec.Encoder, v []int) { codec.EncodeList(e, v, (*codec.Encoder).Int) }
	decodeInts := func(d *codec.Decoder) []int { return codec.DecodeList(d, (*codec.Decoder).Int) }
	roundTrip(t, nil, "null", encodeInts, decodeInts)
	roundTrip(t, []int{}, "[]", encodeInts, decodeInts)
	roundTrip(t, []int{1, 2}, "[1,2]", encodeInts, decodeInts)
	for n := range 30 { // around the number of elements that are collected on the stack
		roundTrip(t, make([]int, n), "", encodeInts, decodeInts)
	}

	encodeMap := func(e *codec.Encoder, v map[string][]int) { codec.EncodeMap(e, v, encodeInts) }
	decodeMap := func(d *codec.Decoder) map[string][]int { return codec.DecodeMap(d, decodeInts) }
	roundTrip(t, nil, "null", encodeMap, decodeMap)
	roundTrip(t, map[string][]int{}, "{}", encodeMap, decodeMap)
	roundTrip(t, map[string][]int{"b": nil, "": {}, "a \"": {1}, "é": {2}}, `{"":[],"a \"":[1],"b":null,"é":[2]}`, encodeMap, decodeMap)

	encodeOptional := func(e *codec.Encoder, v *string) { codec.EncodeOptional(e, v, (*codec.Encoder).String) }
	decodeOptional := func(d *codec.Decoder) *string { return codec.DecodeOptional(d, (*codec.Decoder).String) }
	roundTrip(t, nil, "null", encodeOptional, decodeOptional)
	empty, null := "", "null"
	roundTrip(t, &empty, `""`, encodeOptional, decodeOptional)
	roundTrip(t, &null, `"null"`, encodeOptional, decodeOptional)
}

func TestEverything(t *testing.T) {
	name := "optional"
	v := everything{
		String: "s", Bool: true, Int: -1, Int32: 2, Int64: 1 << 60, Uint32: math.MaxUint32, Uint64: math.MaxUint64, Float64: 0.5,
		Time:     time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Duration: 90 * time.Second, Binary: []byte("b"), Decimal: "1.20", JSON: json.RawMessage(`{"a": [ ]}`),
		Enum: blue, Go: *big.NewInt(99), List: []int64{1, 2, 3}, Lists: [][]string{{"a"}, nil, {}},
		Map: map[string]float64{"x": 1, "y": 2}, Optional: &name,
	}
	parent := v
	v.Parent = &parent
	v.Children = map[string]everything{"one": something(), "two": parent}
	roundTrip(t, v, "", encodeEverything, decodeEverything)
	roundTrip(t, something(), "", encodeEverything, decodeEverything)
}

// TestOtherTexts reads texts that no encoder writes.
func TestOtherTexts(t *testing.T) {
	check := func(text string, got any, err error, want any) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		` "a" `:                               "a",
		`"\u0061\/\u00e9\u6F22\uD83d\uDe00"`:  "a/é漢😀",
		`"12345678\u0000\uFFFD\ud7ff\ue000"`:  "12345678\x00\ufffd\ud7ff\ue000",
		`"é` + strings.Repeat("x", 100) + `"`: "é" + strings.Repeat("x", 100),
	} {
		got, err := decode(text, (*codec.Decoder).String)
		check(text, got, err, want)
	}
	utc := time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2026-03-01T02:00:00+01:30"`:           utc,
		`"2026-02-28T19:00:00-05:30"`:           utc,
		`"2026-03-01T00:30:00-00:00"`:           utc,
		`"2026-03-01T00:30:00.000000000Z"`:      utc,
		`"2026-03-01T00:30:00.5Z"`:              utc.Add(time.Second / 2),
		`"0000-01-01T00:00:00-01:00"`:           time.Date(0, 1, 1, 1, 0, 0, 0, time.UTC),
		`"2026-03-01T00:30:00\u005a"`:           utc,
		`"2026-03-01T00:30:00.123456789+00:00"`: utc.Add(123456789),
	} {
		got, err := decode(text, (*codec.Decoder).Time)
		check(text, got, err, want)
	}
	n, err := decode("\t\r\n -0 ", (*codec.Decoder).Int)
	check("-0", n, err, 0)
	unsigned, err := decode("\t\r\n -0 ", (*codec.Decoder).Uint64)
	check("-0", unsigned, err, uint64(0))
	f, err := decode("1E400", (*codec.Decoder).Float64)
	if err == nil {
		t.Errorf("1E400 is %v", f)
	}
	f, err = decode("1e-400", (*codec.Decoder).Float64)
	check("1e-400", f, err, 0.0)
	raw, err := decode(` [1, {"a":null} ] `, (*codec.Decoder).JSON)
	check("raw", raw, err, json.RawMessage(`[1, {"a":null} ]`))
	text, err := encode(json.RawMessage(" \n[ 1 ] \t"), (*codec.Encoder).JSON)
	check("raw with space around it", text, err, "[ 1 ]")

	v, err := decode(` { "unknown" : {"a":[1,{"b":"\u00e9"}],"sku":3}, "sk\u0075" : "x" , "price_cents":7 }`, decodeItem)
	check("item", v, err, Item{Sku: "x", PriceCents: 7})
	v, err = decode(`{}`, decodeItem)
	check("{}", v, err, Item{})
}

func TestRawIsACopy(t *testing.T) {
	data := []byte(`{"a":1}`)
	d := codec.NewDecoder(data)
	raw := d.JSON()
	data[2] = 'b'
	if string(raw) != `{"a":1}` {
		t.Errorf("JSON returned a part of the input: %s", raw)
	}
}
