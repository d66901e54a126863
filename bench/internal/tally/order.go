package tally

import "github.com/ironflow-gen/ironflow/runtime/codec"

// EncodeOrder and DecodeOrder give benchmarks what is generated for the input Order, as the runtime calls it.

// EncodeOrder returns the input as JSON.
func EncodeOrder(order Order) ([]byte, error) {
	e := codec.NewEncoder()
	encodeOrder(e, order)
	return e.Bytes()
}

// DecodeOrder reads what EncodeOrder wrote.
func DecodeOrder(data []byte) (Order, error) {
	d := codec.NewDecoder(data)
	order := decodeOrder(d)
	return order, d.End()
}
