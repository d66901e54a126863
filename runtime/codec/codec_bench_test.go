package codec_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// An order-like message, with its functions in the shape that the generator emits. Its items are those of the example.

type order struct {
	OrderID    string     `json:"order_id"`
	CustomerID string     `json:"customer_id"`
	Items      []Item     `json:"items"`
	TotalCents int64      `json:"total_cents"`
	PlacedAt   time.Time  `json:"placed_at"`
	PaidAt     *time.Time `json:"paid_at"`
	Note       *string    `json:"note"`
}

func encodeOrder(e *codec.Encoder, v order) {
	e.BeginObject()
	e.Key("order_id")
	e.String(v.OrderID)
	e.Key("customer_id")
	e.String(v.CustomerID)
	e.Key("items")
	codec.EncodeList(e, v.Items, encodeItem)
	e.Key("total_cents")
	e.Int64(v.TotalCents)
	e.Key("placed_at")
	e.Time(v.PlacedAt)
	e.Key("paid_at")
	codec.EncodeOptional(e, v.PaidAt, (*codec.Encoder).Time)
	e.Key("note")
	codec.EncodeOptional(e, v.Note, (*codec.Encoder).String)
	e.EndObject()
}

func decodeOrder(d *codec.Decoder) order {
	var v order
	var seen codec.Fields
	for d.BeginObject(); d.NextField(); {
		switch string(d.Key()) {
		case "order_id":
			d.Seen(&seen, 0)
			v.OrderID = d.String()
		case "customer_id":
			d.Seen(&seen, 1)
			v.CustomerID = d.String()
		case "items":
			d.Seen(&seen, 2)
			v.Items = codec.DecodeList(d, decodeItem)
		case "total_cents":
			d.Seen(&seen, 3)
			v.TotalCents = d.Int64()
		case "placed_at":
			d.Seen(&seen, 4)
			v.PlacedAt = d.Time()
		case "paid_at":
			d.Seen(&seen, 5)
			v.PaidAt = codec.DecodeOptional(d, (*codec.Decoder).Time)
		case "note":
			d.Seen(&seen, 6)
			v.Note = codec.DecodeOptional(d, (*codec.Decoder).String)
		default:
			d.Skip()
		}
	}
	d.Require(seen, "order_id", "customer_id", "items", "total_cents", "placed_at")
	return v
}

func marshalOrder(v order) ([]byte, error) {
	e := codec.NewEncoder()
	encodeOrder(e, v)
	return e.Bytes()
}

func unmarshalOrder(data []byte) (order, error) {
	d := codec.NewDecoder(data)
	v := decodeOrder(d)
	if err := d.End(); err != nil {
		return order{}, err
	}
	return v, nil
}

func exampleOrder() order {
	paid := time.Date(2026, 3, 1, 12, 30, 45, 123456789, time.UTC)
	return order{
		OrderID:    "ord_01HXYZABCDEF0123456789",
		CustomerID: "cus_7731",
		Items: []Item{
			{Sku: "tea-assam-250g", Quantity: 2, PriceCents: 799},
			{Sku: "tea-sencha-100g", Quantity: 1, PriceCents: 1250},
			{Sku: "pot-cast-iron", Quantity: 1, PriceCents: 6900},
			{Sku: "cup-double-wall", Quantity: 6, PriceCents: 899},
			{Sku: "filter-paper-xl", Quantity: 100, PriceCents: 5},
		},
		TotalCents: 15642,
		PlacedAt:   time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC),
		PaidAt:     &paid,
	}
}

// BenchmarkEncode and BenchmarkDecode compare the codec with encoding/json on the same message.
func BenchmarkEncode(b *testing.B) {
	v := exampleOrder()
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := marshalOrder(v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := marshalOrder(exampleOrder())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := unmarshalOrder(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v order
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestSameAsEncodingJSON keeps the comparison honest: both make the same text of the message and the same message of
// the text.
func TestSameAsEncodingJSON(t *testing.T) {
	v := exampleOrder()
	got, err := marshalOrder(v)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("codec wrote\n%s\nencoding/json\n%s", got, want)
	}
	back, err := unmarshalOrder(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("read back %+v, want %+v", back, v)
	}
}
