package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// wantError expects an *codec.Error whose text is want.
func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	var e *codec.Error
	switch {
	case err == nil:
		t.Errorf("%s: no error, want %s", what, want)
	case !errors.As(err, &e):
		t.Errorf("%s: the error is a %T", what, err)
	case err.Error() != want:
		t.Errorf("%s:\n got %s\nwant %s", what, err, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, `expected an object, found the end of the input`},
		{`null`, `expected an object, found null`},
		{`[]`, `expected an object, found a list`},
		{`{}x`, `expected the end of the document, found a character that does not belong there`},
		{`{} {}`, `expected the end of the document, found an object`},
		{`{`, `expected a field name, found the end of the input`},
		{`{,"int":1}`, `expected a field name, found ,`},
		{`{"int":1,}`, `expected a field name, found }`},
		{`{int:1}`, `expected a field name, found a character that does not belong there`},
		{`{"int" 1}`, `[#0]: expected a colon, found a number`},
		{`{"int":1`, `[#0]: expected a comma or '}', found the end of the input`},
		{`{"int":1 "int32":2}`, `[#0]: expected a comma or '}', found a string`},
		{`{"int":1"int32":2}`, `[#0]: expected a comma or '}', found a string`},
		{`{"int":1]`, `[#0]: expected a comma or '}', found ]`},
		{`{"int":1,"int":1}`, `int: the field occurs a second time here`},
		{`{"int":1,"\u0069nt":1}`, `int: the field occurs a second time here`},
		{`{"int":null}`, `int: expected an integer, found null`},
		{`{"int":"12"}`, `int: expected an integer, found a string`},
		{`{"int":1.5}`, `int: expected an integer, found a number with a fraction or an exponent`},
		{`{"int":1e3}`, `int: expected an integer, found a number with a fraction or an exponent`},
		{`{"int":01}`, `int: a number must not begin with a zero`},
		{`{"int":-}`, `int: a number needs a digit here`},
		{`{"int":+1}`, `int: expected an integer, found a character that does not belong there`},
		{`{"int":1.}`, `int: a number needs a digit here`},
		{`{"int":1x}`, `[#0]: expected a comma or '}', found a character that does not belong there`},
		{`{"int64":9223372036854775808}`, `int64: the number does not fit into an int64`},
		{`{"int32":2147483648}`, `int32: the number does not fit into an int32`},
		{`{"uint64":18446744073709551616}`, `uint64: the number does not fit into a uint64`},
		{`{"uint64":99999999999999999999999999999999}`, `uint64: the number does not fit into a uint64`},
		{`{"uint64":-1}`, `uint64: the number does not fit into a uint64`},
		{`{"uint64":-9223372036854775809}`, `uint64: the number does not fit into a uint64`},
		{`{"uint64":1.0}`, `uint64: expected an integer, found a number with a fraction or an exponent`},
		{`{"uint64":18446744073709551615.0}`, `uint64: expected an integer, found a number with a fraction or an exponent`},
		{`{"uint64":1e3}`, `uint64: expected an integer, found a number with a fraction or an exponent`},
		{`{"uint64":00}`, `uint64: a number must not begin with a zero`},
		{`{"uint64":-}`, `uint64: a number needs a digit here`},
		{`{"uint64":"1"}`, `uint64: expected an integer, found a string`},
		{`{"uint64":null}`, `uint64: expected an integer, found null`},
		{`{"uint64":`, `uint64: expected an integer, found the end of the input`},
		{`{"uint32":4294967296}`, `uint32: the number does not fit into a uint32`},
		{`{"uint32":18446744073709551615}`, `uint32: the number does not fit into a uint32`},
		{`{"uint32":-1}`, `uint32: the number does not fit into a uint32`},
		{`{"uint32":0.5}`, `uint32: expected an integer, found a number with a fraction or an exponent`},
		{`{"uint32":1E0}`, `uint32: expected an integer, found a number with a fraction or an exponent`},
		{`{"float64":1e309}`, `float64: the number does not fit into a float64`},
		{`{"float64":NaN}`, `float64: expected a number, found a character that does not belong there`},
		{`{"float64":1e}`, `float64: a number needs a digit here`},
		{`{"float64":.5}`, `float64: expected a number, found a character that does not belong there`},
		{`{"bool":1}`, `bool: expected true or false, found a number`},
		{`{"bool":tru}`, `bool: expected true or false, found a character that does not belong there`},
		{`{"bool":falsehood}`, `[#0]: expected a comma or '}', found a character that does not belong there`},
		{`{"string":null}`, `string: expected a string, found null`},
		{`{"string":{}}`, `string: expected a string, found an object`},
		{`{"string":"`, `string: the string does not end`},
		{`{"string":"\`, `string: the string does not end`},
		{`{"string":"\"}`, `string: the string does not end`},
		{"{\"string\":\"a\nb\"}", `string: a control character in a string must be escaped`},
		{"{\"string\":\"a\xffb\"}", `string: the string is not valid UTF-8`},
		{"{\"string\":\"\xed\xa0\x80\"}", `string: the string is not valid UTF-8`},
		{`{"string":"\x"}`, `string: no such escape sequence`},
		{`{"string":"\u12g4"}`, `string: \u needs four hexadecimal digits`},
		{`{"string":"\ud800"}`, `string: a surrogate is without its pair`},
		{`{"string":"\ud800\ud800"}`, `string: a surrogate is without its pair`},
		{`{"string":"\ud800\n12345"}`, `string: a surrogate is without its pair`},
		{`{"string":"\udc00"}`, `string: a surrogate is without its pair`},
		{`{"time":"yesterday"}`, `time: expected an RFC 3339 time, found another string`},
		{`{"time":null}`, `time: expected an RFC 3339 time, found null`},
		{`{"duration":5}`, `duration: expected a duration like "1m30s", found a number`},
		{`{"duration":"5"}`, `duration: expected a duration like "1m30s", found another string`},
		{`{"binary":"AB=="}`, `binary: expected bytes in base64, found another string`},
		{`{"binary":"AA"}`, `binary: expected bytes in base64, found another string`},
		{`{"binary":"AAAA\n"}`, `binary: expected bytes in base64, found another string`},
		{`{"decimal":1.5}`, `decimal: expected a decimal number in quotes, like "12.50", found a number`},
		{`{"decimal":""}`, `decimal: expected a decimal number in quotes, like "12.50", found another string`},
		{`{"json":}`, `json: expected a value, found }`},
		{`{"json":[1,2}`, `json[1]: expected a comma or ']', found }`},
		{`{"json":{"a":[{"b c":tru}]}}`, `json[#0][0][#0]: expected a value, found a character that does not belong there`},
		{`{"enum":"green"}`, `enum: expected one of "red", "blue", found another string`},
		{`{"enum":null}`, `enum: expected one of "red", "blue", found null`},
		{`{"go":"x"}`, `go: cannot decode a big.Int`},
		{`{"list":{}}`, `list: expected a list, found an object`},
		{`{"list":[1,"2"]}`, `list[1]: expected an integer, found a string`},
		{`{"list":[1,]}`, `list[1]: expected an integer, found ]`},
		{`{"list":[,1]}`, `list[0]: expected an integer, found ,`},
		{`{"list":[1 2]}`, `list[0]: expected a comma or ']', found a number`},
		{`{"list":[`, `list[0]: expected an integer, found the end of the input`},
		{`{"lists":[["a"],["b",["c"]]]}`, `lists[1][1]: expected a string, found a list`},
		{`{"map":{"a b":true}}`, `map[#0]: expected a number, found true or false`},
		{`{"map":{"\u0009\"é\u0000":true}}`, `map[#0]: expected a number, found true or false`},
		{`{"map":{"` + strings.Repeat("long", 20) + `":true}}`, `map[#0]: expected a number, found true or false`},
		{`{"map":{"":true}}`, `map[#0]: expected a number, found true or false`},
		{`{"map":{"k":1,"k":1}}`, `map[#1]: the key occurs a second time here`},
		{`{"children":{"a":{"parent":{"list":[0,0.5]}}}}`, `children[#0].parent.list[1]: expected an integer, found a number with a fraction or an exponent`},
		{`{"unknown":[{"x":01}]}`, `[#0][0][#0]: a number must not begin with a zero`},
		{`{"unknown":` + strings.Repeat(`[`, 1000), `[#0]` + strings.Repeat("[0]", 84) + `...: the document is nested too deep`},
		{`{"string":7,"bool":7}`, `string: expected a string, found a number`},
		{`{"int":"` + strings.Repeat("é", 30) + `"}`, `int: expected an integer, found a string`},
		{"{\"int\":\x1b}", "int: expected an integer, found a character that does not belong there"},
		{"\ufeff{}", "expected an object, found a character that does not belong there"},
	} {
		_, err := decode(c.text, decodeEverything)
		wantError(t, c.text, err, c.want)
	}
}

func TestTimesRefused(t *testing.T) {
	for _, s := range []string{
		"", "2026-03-01", "2026-03-01T00:30:00", "2026-03-01 00:30:00Z", "2026-03-01t00:30:00Z", "2026-03-01T00:30:00z",
		"2026-03-01T0:30:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:60:00Z", "2026-03-01T00:30:60Z",
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
		"2026-03-01T00:30:00,5Z", "2026-03-01T00:30:00.Z", "2026-03-01T00:30:00.", "2026-03-01T00:30:00.5",
		"2026-03-01T00:30:00.1234567890Z", "2026-03-01T00:30:00+24:00", "2026-03-01T00:30:00+00:60", "2026-03-01T00:30:00+0000",
		"2026-03-01T00:30:00+00:0", "2026-03-01T00:30:00ZZ", "-026-03-01T00:30:00Z", "+2026-03-01T00:30:00Z", "12026-03-01T00:30:00Z",
		"0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "2O26-03-01T00:30:00Z",
	} {
		_, err := decode(strconv.Quote(s), (*codec.Decoder).Time)
		wantError(t, s, err, `expected an RFC 3339 time, found another string`)
	}
}

func TestDecimalsRefused(t *testing.T) {
	for _, s := range []string{"", "-", ".", "1.", ".5", "+1", "1e3", "1,5", " 1", "1 ", "--1", "1.2.3", "0x10", "NaN", "١"} {
		_, err := encode(s, (*codec.Encoder).Decimal)
		wantError(t, s, err, "the string is not a decimal number")
		_, err = decode(strconv.Quote(s), (*codec.Decoder).Decimal)
		wantError(t, s, err, `expected a decimal number in quotes, like "12.50", found another string`)
	}
}

func TestOffset(t *testing.T) {
	_, err := decode(`{"list": [1, "2"]}`, decodeEverything)
	var e *codec.Error
	if !errors.As(err, &e) || e.Offset != 13 || e.Path != "list[1]" {
		t.Errorf("got %#v", e)
	}
}

func TestStrict(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"customer_id":"c","items":[],"total_cents":1,"placed_at":"2026-01-01T00:00:00Z"}`, `order_id: the field is missing`},
		{`{"order_id":"o","customer_id":"c","items":[{"sku":"a","price_cents":1}],"total_cents":1,"placed_at":"2026-01-01T00:00:00Z"}`,
			`items[0].quantity: the field is missing`},
		{`{"order_id":"o","customer_id":"c","items":[],"total_cents":1 } `, `placed_at: the field is missing`},
	} {
		_, err := decodeStrict(c.text, decodeOrder)
		wantError(t, c.text, err, c.want)
		if _, err = decode(c.text, decodeOrder); err != nil {
			t.Errorf("%s: the decoder of stored payloads wants its field too: %v", c.text, err)
		}
	}
	const whole = `{"order_id":"o","customer_id":"c","items":null,"total_cents":1,"placed_at":"2026-01-01T00:00:00Z"}`
	if _, err := decodeStrict(whole, decodeOrder); err != nil {
		t.Errorf("optional fields are required: %v", err)
	}
}

// TestManyFields reads objects of more fields than a word has bits.
func TestManyFields(t *testing.T) {
	var names []string
	numbers := map[string]int{}
	for i := range 200 {
		names = append(names, "f"+strconv.Itoa(i))
		numbers[names[i]] = i
	}
	dec := func(d *codec.Decoder) int {
		var seen codec.Fields
		sum := 0
		for d.BeginObject(); d.NextField(); {
			d.Seen(&seen, numbers[string(d.Key())])
			sum += d.Int()
		}
		d.Require(seen, names...)
		return sum
	}
	object := func(names []string) string {
		var b strings.Builder
		for _, name := range names {
			b.WriteString(`,"` + name + `":1`)
		}
		return "{" + b.String()[1:] + "}"
	}
	if sum, err := decodeStrict(object(names), dec); err != nil || sum != len(names) {
		t.Fatalf("got %d, %v", sum, err)
	}
	for i, name := range names {
		_, err := decodeStrict(object(append(names[:i:i], names[i+1:]...)), dec)
		wantError(t, name, err, name+": the field is missing")
		_, err = decode(object(append(names[:i+1:i+1], name)), dec)
		wantError(t, name, err, name+": the field occurs a second time here")
	}
}

func TestEncodeErrors(t *testing.T) {
	with := func(change func(*everything)) everything {
		v := something()
		change(&v)
		return v
	}
	self := something()
	self.Parent = &self
	for _, c := range []struct {
		v    everything
		want string
	}{
		{everything{Enum: red}, `decimal: the string is not a decimal number`},
		{everything{Decimal: "1"}, `enum: the string is not one of "red", "blue"`},
		{with(func(v *everything) { v.String = "a\xff" }), `string: the string is not valid UTF-8`},
		{with(func(v *everything) { v.Float64 = math.NaN() }), `float64: JSON has no number for infinity or NaN`},
		{with(func(v *everything) { v.Map = map[string]float64{"a": 1, "b c": math.Inf(-1)} }), `map[#1]: JSON has no number for infinity or NaN`},
		{with(func(v *everything) { v.Map = map[string]float64{"a": 1, "b\x80": 2} }), `map: the string is not valid UTF-8`},
		{with(func(v *everything) { v.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
			`time: the year is not in the range 0 to 9999 of RFC 3339`},
		{with(func(v *everything) { v.Time = time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 1)) }),
			`time: the year is not in the range 0 to 9999 of RFC 3339`},
		{with(func(v *everything) { v.JSON = json.RawMessage(`{"a":[0,01]}`) }),
			`json: the JSON text is not valid: a number must not begin with a zero`},
		{with(func(v *everything) { v.JSON = json.RawMessage(` `) }),
			`json: the JSON text is not valid: expected a value, found the end of the input`},
		{with(func(v *everything) { v.JSON = json.RawMessage(`1,2`) }),
			`json: the JSON text is not valid: expected the end of the document, found ,`},
		{with(func(v *everything) { v.JSON = json.RawMessage("\"\xff\"") }), `json: the JSON text is not valid: the string is not valid UTF-8`},
		{with(func(v *everything) { v.Lists = [][]string{{"a"}, {"b", "\xc3"}} }), `lists[1][1]: the string is not valid UTF-8`},
		{with(func(v *everything) { v.Children = map[string]everything{"x": {Enum: "green", Decimal: "0"}} }),
			`children[#0].enum: the string is not one of "red", "blue"`},
		{with(func(v *everything) { v.Children = map[string]everything{"x": {}}; v.String = "\xff" }),
			`string: the string is not valid UTF-8`},
		{self, strings.Repeat("parent.", 36) + "pare...: the document is nested too deep"},
	} {
		text, err := encode(c.v, encodeEverything)
		wantError(t, c.want, err, c.want)
		if text != "" {
			t.Errorf("%s: there is a text too: %s", c.want, text)
		}
	}
}

func TestEncodeOptionalOfNull(t *testing.T) {
	const want = "the pointer is not nil but its value is, and JSON has null for both; make the pointer nil or the value empty"
	enc := func(e *codec.Encoder, v *[]byte) { codec.EncodeOptional(e, v, (*codec.Encoder).Binary) }
	_, err := encode(new([]byte), enc)
	wantError(t, "pointer to nil", err, want)
	list := func(e *codec.Encoder, v []*[]byte) { codec.EncodeList(e, v, enc) }
	_, err = encode([]*[]byte{nil, new([]byte)}, list)
	wantError(t, "pointer to nil in a list", err, "[1]: "+want)
}

func TestFail(t *testing.T) {
	_, err := encode(0, func(e *codec.Encoder, _ int) {
		e.BeginObject()
		e.Key("event")
		e.Fail("%T is no variant", struct{}{})
		e.Fail("later")
		e.EndObject()
	})
	wantError(t, "Fail", err, "event: struct {} is no variant")
}

type broken struct{ text string }

var errBroken = errors.New("broken")

func (b broken) MarshalJSON() ([]byte, error) {
	if b.text == "" {
		return nil, errBroken
	}
	return []byte(b.text), nil
}

func (b *broken) UnmarshalJSON(text []byte) error {
	b.text = string(text)
	if b.text == `"broken"` {
		return errBroken
	}
	return nil
}

func TestGoTypes(t *testing.T) {
	enc := func(e *codec.Encoder, v []broken) { codec.EncodeList(e, v, codec.EncodeGo[broken]) }
	dec := func(d *codec.Decoder) []broken { return codec.DecodeList(d, codec.DecodeGo[broken]) }
	roundTrip(t, []broken{{`{"a":1}`}, {"null"}}, `[{"a":1},null]`, enc, dec)

	_, err := encode([]broken{{"1"}, {}}, enc)
	if !errors.Is(err, errBroken) || err.Error() != "[1]: cannot encode a codec_test.broken" {
		t.Errorf("got %v", err)
	}
	_, err = encode([]broken{{`"\ud800"`}}, enc)
	wantError(t, "surrogate", err, "[0]: the JSON text is not valid: a surrogate is without its pair")
	_, err = decode(`[1, "broken"]`, dec)
	if !errors.Is(err, errBroken) || err.Error() != "[1]: cannot decode a codec_test.broken" {
		t.Errorf("got %v", err)
	}
	_, err = decode(`"1"`, codec.DecodeGo[*big.Int])
	wantError(t, "pointer type", err, `cannot decode a *big.Int`)
}

func TestPeekType(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"Create"}`:                              "Create",
		` { "a" : [{"type":1}], "t\u0079pe" : "Pay" } `:  "Pay",
		`{"order_id":"1","type":"\u0050ay","nested":{}}`: "Pay",
	} {
		if got, err := codec.PeekType([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		``:                          `expected an object, found the end of the input`,
		`["type"]`:                  `expected an object, found a list`,
		`{}`:                        `type: the field is missing`,
		`{"a":{"type":"Pay"}}`:      `type: the field is missing`,
		`{"type":1}`:                `type: expected a string, found a number`,
		`{"type":null}`:             `type: expected a string, found null`,
		`{"type":"A","type":"B"}`:   `type: the field occurs a second time here`,
		`{"type":"A","a":[1,{]}`:    `[#1][1]: expected a field name, found ]`,
		`{"type":"A"} {"type":"B"}`: `expected the end of the document, found an object`,
	} {
		_, err := codec.PeekType([]byte(text))
		wantError(t, text, err, want)
	}
}

func TestUnknownType(t *testing.T) {
	known := []string{"Create", "Pay", "PaymentFailed"}
	for name, want := range map[string]string{
		"Creat":         `workflow order has no input of this name; did you mean "Create"?`,
		"create":        `workflow order has no input of this name; did you mean "Create"?`,
		"PaymentFaild":  `workflow order has no input of this name; did you mean "PaymentFailed"?`,
		"Refund":        `workflow order has no input of this name; it has Create, Pay, PaymentFailed`,
		"":              `workflow order has no input of this name; it has Create, Pay, PaymentFailed`,
		"Payment\x00\n": `workflow order has no input of this name; it has Create, Pay, PaymentFailed`,
	} {
		err := &codec.UnknownTypeError{Workflow: "order", Kind: "input", Type: name, Known: known}
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
	err := &codec.UnknownTypeError{Workflow: "order", Kind: "effect", Type: "X"}
	if want := `workflow order has no effect of this name`; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// TestDepth expects the same limit of both ends and of each kind of value.
func TestDepth(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for n, ok := range map[int]bool{codec.MaxDepth: true, codec.MaxDepth + 1: false, 1e6: false} {
		text := nest(n)
		_, err := decode(text, (*codec.Decoder).JSON)
		_, err2 := encode(json.RawMessage(text), (*codec.Encoder).JSON)
		_, err3 := decode(`{"parent":`+text+`}`, func(d *codec.Decoder) json.RawMessage {
			d.Skip()
			return nil
		})
		if (err == nil) != ok || (err2 == nil) != ok || err3 == nil {
			t.Errorf("depth %d: %.100v, %.100v, %.100v", n, err, err2, err3)
		}
	}
	within := func(e *codec.Encoder, v []json.RawMessage) { codec.EncodeList(e, v, (*codec.Encoder).JSON) }
	if _, err := encode([]json.RawMessage{[]byte(nest(codec.MaxDepth))}, within); err == nil {
		t.Error("an encoder does not count the levels around a JSON text")
	}
	open := strings.Repeat(`{"parent":`, 1e6)
	if _, err := decode(open, decodeEverything); err == nil || !strings.HasSuffix(err.Error(), "nested too deep") {
		t.Errorf("generated code: %.100v", err)
	}
}

func TestBytesTwice(t *testing.T) {
	e := codec.NewEncoder()
	e.Bool(true)
	if text, err := e.Bytes(); err != nil || string(text) != "true" {
		t.Fatal(string(text), err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_, _ = e.Bytes()
}
