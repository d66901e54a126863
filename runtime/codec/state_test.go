package codec_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// A folded state, with its functions in the shape that the generator emits.
type folded struct {
	Color    color
	Price    string
	Last     *color
	Prices   map[string]string
	Contents everything
}

func encodeFolded(e *codec.Encoder, v folded) {
	e.BeginState()
	e.Key("color")
	encodeColor(e, v.Color)
	e.Key("price")
	e.Decimal(v.Price)
	e.Key("last")
	codec.EncodeOptional(e, v.Last, encodeColor)
	e.Key("prices")
	codec.EncodeMap(e, v.Prices, (*codec.Encoder).Decimal)
	e.Key("contents")
	encodeEverything(e, v.Contents)
	e.EndObject()
}

func decodeFolded(d *codec.Decoder) folded {
	var v folded
	var seen codec.Fields
	for d.BeginState(); d.NextField(); {
		switch string(d.Key()) {
		case "color":
			d.Seen(&seen, 0)
			v.Color = decodeColor(d)
		case "price":
			d.Seen(&seen, 1)
			v.Price = d.Decimal()
		case "last":
			d.Seen(&seen, 4)
			v.Last = codec.DecodeOptional(d, decodeColor)
		case "prices":
			d.Seen(&seen, 2)
			v.Prices = codec.DecodeMap(d, (*codec.Decoder).Decimal)
		case "contents":
			d.Seen(&seen, 3)
			v.Contents = decodeEverything(d)
		default:
			d.Skip()
		}
	}
	d.Require(seen, "color", "price", "prices", "contents")
	return v
}

func TestStates(t *testing.T) {
	roundTrip(t, folded{}, "", encodeFolded, decodeFolded)
	unset := color("")
	v := folded{Color: red, Price: "1.50", Last: &unset, Prices: map[string]string{"a": "", "b": "2"}, Contents: something()}
	v.Contents.Children = map[string]everything{"zero": {}, "one": something()}
	v.Contents.Go = *big.NewInt(7)
	roundTrip(t, v, "", encodeFolded, decodeFolded)
}

// TestStatesRefuse keeps what is unset apart from what is wrong.
func TestStatesRefuse(t *testing.T) {
	for path, v := range map[string]folded{
		"color":                {Color: "green"},
		"price":                {Price: "."},
		"contents.enum":        {Contents: everything{Enum: " "}},
		"prices[#0]":           {Prices: map[string]string{"a": "one"}},
		"contents.string":      {Contents: everything{String: "\xff"}},
		"contents.lists[0][0]": {Contents: everything{Lists: [][]string{{"\xff"}}}},
	} {
		if text, err := encode(v, encodeFolded); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s was encoded as %q, %v", path, text, err)
		}
	}
	for text, path := range map[string]string{
		`{"color":"green"}`:                        "color",
		`{"color":null}`:                           "color",
		`{"price":"."}`:                            "price",
		`{"price":null}`:                           "price",
		`{"price":0}`:                              "price",
		`{"contents":{"enum":0}}`:                  "contents.enum",
		`{"contents":{"time":""}}`:                 "contents.time",
		`{"contents":{"duration":""}}`:             "contents.duration",
		`{"contents":{"decimal":"","decimal":""}}`: "contents.decimal",
	} {
		if _, err := decode(text, decodeFolded); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s was decoded, %v", text, err)
		}
	}
}

func TestOnlyStatesHoldWhatIsUnset(t *testing.T) {
	if text, err := encode("", (*codec.Encoder).Decimal); err == nil {
		t.Errorf("an empty decimal was encoded as %s", text)
	}
	if text, err := encode("", encodeColor); err == nil {
		t.Errorf("an empty enum was encoded as %s", text)
	}
	if _, err := decode(`""`, (*codec.Decoder).Decimal); err == nil {
		t.Error("an empty decimal was decoded")
	}
	if _, err := decode(`""`, decodeColor); err == nil {
		t.Error("an empty enum was decoded")
	}
}
