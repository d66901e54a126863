package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// decodeAny builds what json.Unmarshal with UseNumber makes of a document.
func decodeAny(d *codec.Decoder) any {
	switch d.Peek() {
	case '{':
		return codec.DecodeMap(d, decodeAny)
	case '[':
		return codec.DecodeList(d, decodeAny)
	case '"':
		return d.String()
	case 't', 'f':
		return d.Bool()
	case 'n', 0:
		d.Skip()
		return nil
	}
	return json.Number(d.JSON())
}

// FuzzDecoder expects that a decoder accepts what encoding/json accepts, and reads the same, but for what the package
// promises to refuse.
func FuzzDecoder(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-0.5e+10,true,false,null,"\u00e9\ud83d\ude00\n"],"":{}}`, `[`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `01`, `1.`, `[1,]`,
		`{,}`, `{"a":1"b":2}`, ` [ { "a" : [ ] } ] `, `nul`, `truefalse`, `-`, `1e5`, strings.Repeat("[", 2000), "\"\x00\"", `{"a":,"b":1}`,
		`{"uint32":4294967295,"uint64":18446744073709551615}`, `{"uint32":4294967296}`, `{"uint64":18446744073709551616}`, `{"uint64":-0,"uint32":-1}`,
		`{"uint64":1e3}`, `{"uint64":1.0}`, `18446744073709551615`, `-1`,
		`{"string":"s","bool":true,"int":1,"time":"2026-01-01T00:00:00Z","duration":"1s","binary":"AA==","decimal":"1","enum":"red","map":{"a":1}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		valid := json.Valid(data)
		check := func(what string, err error, allowed ...string) {
			var e *codec.Error
			switch {
			case err == nil && !valid:
				t.Errorf("%s accepts %q", what, data)
			case err == nil || !valid && errors.As(err, &e):
				return
			case !errors.As(err, &e):
				t.Errorf("%s: the error is a %T", what, err)
			}
			if e != nil && (e.Offset < 0 || e.Offset > int64(len(data)) || !utf8.ValidString(e.Error())) {
				t.Errorf("%s: offset %d, error %q", what, e.Offset, e.Error())
			}
			for _, reason := range append(allowed, "not valid UTF-8", "without its pair", "nested too deep") {
				if strings.Contains(err.Error(), reason) {
					return
				}
			}
			if valid {
				t.Errorf("%s refuses %q: %v", what, data, err)
			}
		}
		text := string(data)

		_, err := decode(text, func(d *codec.Decoder) int { d.Skip(); return 0 })
		check("Skip", err)
		raw, err := decode(text, (*codec.Decoder).JSON)
		check("JSON", err)
		if err == nil && string(raw) != "null" {
			again, err := encode(raw, (*codec.Encoder).JSON)
			if want := strings.Trim(text, " \t\r\n"); err != nil || again != want && want != "null" {
				t.Errorf("%q came back as %q, %v", want, again, err)
			}
		}

		got, err := decode(text, decodeAny)
		check("decodeAny", err, "a second time")
		if err == nil {
			var want any
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			if err := d.Decode(&want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q was read as %#v, want %#v", text, got, want)
			}
		}

		v, err := decode(text, decodeEverything)
		if err == nil && !valid {
			t.Errorf("decodeEverything accepts %q", data)
		}
		checkStrict(t, text, err)
		if err != nil {
			return
		}
		again, err := encode(v, encodeEverything)
		if err != nil {
			return // a missing decimal or enum
		}
		if back, err := decodeStrict(again, decodeEverything); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%q was read as %#v, and then as %#v, %v", text, v, back, err)
		}
	})
}

// checkStrict expects that a strict decoder finds first, but for what is missing, what one that stops there has found.
func checkStrict(t *testing.T, text string, stopped error) {
	_, err := decodeStrict(text, decodeEverything)
	var present []string
	last := int64(0)
	for _, e := range flat(err) {
		if e.Offset < last || e.Offset > int64(len(text)) || !utf8.ValidString(e.Error()) {
			t.Errorf("%q: offset %d after %d, error %q", text, e.Offset, last, e.Error())
		}
		last = e.Offset
		if e.Message != "the field is missing" {
			present = append(present, e.Error())
		}
	}
	if len(flat(err)) > codec.MaxErrors {
		t.Errorf("%q: %d mistakes", text, len(flat(err)))
	}
	switch {
	case stopped == nil && len(present) > 0:
		t.Errorf("%q: a strict decoder refuses it: %q", text, present)
	case stopped != nil && len(present) == 0 && len(flat(err)) < codec.MaxErrors:
		t.Errorf("%q: a strict decoder accepts it, but for what is missing; the other says %v", text, stopped)
	case stopped != nil && len(present) > 0 && present[0] != stopped.Error():
		t.Errorf("%q: a strict decoder finds %q first, the other %q", text, present[0], stopped)
	}
}

// checkUnsigned expects that a decoder reads as an unsigned integer what encoding/json does, and -0.
func checkUnsigned(t *testing.T, text string) {
	large, err := decode(text, (*codec.Decoder).Uint64)
	small, err2 := decode(text, (*codec.Decoder).Uint32)
	var want uint64
	wanted := json.Unmarshal([]byte(text), &want)
	trimmed := strings.Trim(text, " \t\r\n")
	switch {
	case trimmed == "-0":
		wanted = nil
	case trimmed == "null":
		return // which encoding/json passes over
	}
	if (err == nil) != (wanted == nil) || err == nil && large != want {
		t.Errorf("%q was read as %d, %v; encoding/json: %d, %v", text, large, err, want, wanted)
	}
	if fits := err == nil && large <= math.MaxUint32; fits != (err2 == nil) || fits && uint64(small) != large {
		t.Errorf("%q was read as a uint32: %d, %v; as a uint64: %d, %v", text, small, err2, large, err)
	}
}

// FuzzRoundTrip expects that every value comes back as it was, or is refused for a reason.
func FuzzRoundTrip(f *testing.F) {
	f.Add("text \"\\\u2028é", uint64(0x8000000000000000), int64(0), int64(1), int64(math.MinInt64), []byte(` {"a": [1]} `))
	f.Add("\xff", math.Float64bits(math.NaN()), int64(1<<40), int64(-1), int64(1), []byte(`"\ud800"`))
	f.Add("0123456789abcdef\x1f", math.Float64bits(5e-324), int64(-62167219200), int64(0), int64(1500), []byte(`-`))
	f.Add("-12.50", math.Float64bits(1e21), int64(253402300799), int64(999999999), int64(999999999999), []byte{})
	f.Add("18446744073709551615", uint64(math.MaxUint64), int64(0), int64(0), int64(0), []byte(`18446744073709551615`))
	f.Add("1e19", uint64(10000000000000000000), int64(0), int64(0), int64(0), []byte(` 18446744073709551616`))
	f.Add("4294967296", uint64(1<<32), int64(0), int64(0), int64(0), []byte(`-1`))
	f.Add("", uint64(1<<63), int64(0), int64(0), int64(0), []byte(`-0`))
	f.Add("", uint64(0), int64(0), int64(0), int64(0), []byte(`1e3`))
	f.Fuzz(func(t *testing.T, s string, bits uint64, seconds, nanos, duration int64, raw []byte) {
		if utf8.ValidString(s) {
			roundTrip(t, s, "", (*codec.Encoder).String, (*codec.Decoder).String)
			encodeMap := func(e *codec.Encoder, v map[string]string) { codec.EncodeMap(e, v, (*codec.Encoder).String) }
			decodeMap := func(d *codec.Decoder) map[string]string { return codec.DecodeMap(d, (*codec.Decoder).String) }
			roundTrip(t, map[string]string{s: s, "": s}, "", encodeMap, decodeMap)
		} else if _, err := encode(s, (*codec.Encoder).String); err == nil {
			t.Errorf("%q is accepted", s)
		}
		if _, err := encode(s, (*codec.Encoder).Decimal); err == nil {
			roundTrip(t, s, `"`+s+`"`, (*codec.Encoder).Decimal, (*codec.Decoder).Decimal)
		}

		if v := math.Float64frombits(bits); !math.IsNaN(v) && !math.IsInf(v, 0) {
			text, err := encode(v, (*codec.Encoder).Float64)
			back, err2 := decode(text, (*codec.Decoder).Float64)
			if err != nil || err2 != nil || math.Float64bits(back) != bits {
				t.Errorf("%v came back as %v by way of %s; %v, %v", v, back, text, err, err2)
			}
		}
		roundTrip(t, int64(bits), "", (*codec.Encoder).Int64, (*codec.Decoder).Int64)
		roundTrip(t, int32(bits), "", (*codec.Encoder).Int32, (*codec.Decoder).Int32)
		roundTrip(t, bits, "", (*codec.Encoder).Uint64, (*codec.Decoder).Uint64)
		roundTrip(t, uint32(bits), "", (*codec.Encoder).Uint32, (*codec.Decoder).Uint32)
		checkUnsigned(t, string(raw))

		v := time.Unix(seconds, nanos).UTC()
		if 0 <= v.Year() && v.Year() <= 9999 {
			roundTrip(t, v, `"`+v.Format(time.RFC3339Nano)+`"`, (*codec.Encoder).Time, (*codec.Decoder).Time)
			zoned := v.In(time.FixedZone("", int(duration%(14*60))*60))
			if text, err := zoned.MarshalJSON(); err == nil {
				if back, err := decode(string(text), (*codec.Decoder).Time); err != nil || !reflect.DeepEqual(back, v) {
					t.Errorf("%s was read as %v, %v", text, back, err)
				}
			}
		} else if _, err := encode(v, (*codec.Encoder).Time); err == nil {
			t.Errorf("the year %d is accepted", v.Year())
		}
		var std time.Time // what the codec reads as a time, the library reads as the same one
		if got, err := decode(string(raw), (*codec.Decoder).Time); err == nil {
			if err := json.Unmarshal(raw, &std); err != nil || !got.Equal(std) {
				t.Errorf("%s was read as %v; encoding/json: %v, %v", raw, got, std, err)
			}
		}
		roundTrip(t, time.Duration(duration), "", (*codec.Encoder).Duration, (*codec.Decoder).Duration)

		roundTrip(t, raw, "", (*codec.Encoder).Binary, (*codec.Decoder).Binary)
		text, err := encode(json.RawMessage(raw), (*codec.Encoder).JSON)
		if err != nil {
			return
		}
		want := strings.Trim(string(raw), " \t\r\n")
		if back, err := decode(text, (*codec.Decoder).JSON); err != nil || string(back) != want && want != "null" {
			t.Errorf("%q came back as %q, %v", raw, back, err)
		}
	})
}
