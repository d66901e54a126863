package codec_test

import (
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

type Item struct {
	Sku        string `json:"sku"`
	Quantity   int32  `json:"quantity"`
	PriceCents int64  `json:"price_cents"`
}

func encodeItem(e *codec.Encoder, v Item) {
	e.BeginObject()
	e.Key("sku")
	e.String(v.Sku)
	e.Key("quantity")
	e.Int32(v.Quantity)
	e.Key("price_cents")
	e.Int64(v.PriceCents)
	e.EndObject()
}

func decodeItem(d *codec.Decoder) Item {
	var v Item
	var seen codec.Fields
	for d.BeginObject(); d.NextField(); {
		switch string(d.Key()) {
		case "sku":
			d.Seen(&seen, 0)
			v.Sku = d.String()
		case "quantity":
			d.Seen(&seen, 1)
			v.Quantity = d.Int32()
		case "price_cents":
			d.Seen(&seen, 2)
			v.PriceCents = d.Int64()
		default:
			d.Skip()
		}
	}
	d.Require(seen, "sku", "quantity", "price_cents")
	return v
}

// The functions that the generator writes for a declared struct, and how a document begins and ends.
func Example() {
	e := codec.NewEncoder()
	encodeItem(e, Item{Sku: "tea", Quantity: 2, PriceCents: 799})
	text, err := e.Bytes()
	fmt.Println(string(text), err)

	d := codec.NewDecoder([]byte(`{"quantity": 3}`)) // stored before there was a sku
	item := decodeItem(d)
	fmt.Println(item.Quantity, d.End())

	d = codec.NewStrictDecoder([]byte(`{"quantity": 3}`)) // from outside
	decodeItem(d)
	fmt.Println(d.End())

	d = codec.NewDecoder([]byte(`[{"sku": "tea", "quantity": 1, "price_cents": 799}, {"price_cents": "12"}]`))
	codec.DecodeList(d, decodeItem)
	fmt.Println(d.End())
	// Output:
	// {"sku":"tea","quantity":2,"price_cents":799} <nil>
	// 3 <nil>
	// sku: the field is missing; price_cents: the field is missing
	// [1].price_cents: expected an integer, found a string
}
