// Package codec is the JSON reader and writer that generated code calls. It uses no reflection for declared types: the generator
// writes an encode and a decode function for each type, and these call an [Encoder] or a [Decoder] for each field. Errors name
// the place in the document, as in
//
//	items[2].price_cents: expected an integer, found "12"
//
// # Wire format
//
//	declared        Go               JSON
//	string          string           string; valid UTF-8 only
//	bool            bool             true, false
//	int             int              number without fraction or exponent, exact
//	int32, int64    int32, int64     the same; a number that does not fit is an error
//	uint32, uint64  uint32, uint64   the same; a negative number is an error, too
//	float64         float64          number, the shortest that reads back exactly; no NaN, no infinity; -0 is kept
//	time            time.Time        string, RFC 3339 in UTC with up to nine fractional digits; years 0 to 9999
//	duration        time.Duration    string as time.Duration prints it: "1m30s"
//	bytes           []byte           string, standard base64 with padding; nil is null
//	decimal         string           string holding -?digits(.digits)?
//	json            json.RawMessage  any value, its text kept exactly, without white space around it; nil is null
//	optional<T>     *T               T, or null
//	list<T>         []T              array; nil is null
//	map<T>          map[string]T     object, keys sorted; nil is null
//	enum            ~string          string, one of the declared values
//	struct          struct           object; every field is written
//	imported type   T                what its own JSON methods, or encoding/json, make of it
//
// An encoded value decodes to the same value, in the sense of reflect.DeepEqual, with two exceptions: a time comes back in UTC
// and without its monotonic clock reading, and json with the text null comes back as nil. A value that would not come back is
// refused when it is encoded.
//
// # States
//
// In a folded state, an enum or a decimal that no event has set yet is "". In inputs, events and effects, "" is not valid for
// these types. So enums and decimals may be "" only in an object that [Encoder.BeginState] or [Decoder.BeginState] begins, at any
// depth.
//
// # Reading
//
// A decoder accepts only JSON as in RFC 8259. It also refuses invalid UTF-8, escaped surrogates without their pair, values nested
// deeper than [MaxDepth], and fields or map keys that occur twice. It accepts objects with undeclared fields: it checks that
// their values are JSON, and drops them. The time is linear in the size of the input.
//
// [NewDecoder] reads stored payloads. A missing field keeps its zero value, so that fields can be added to a declaration.
// [NewStrictDecoder] reads documents from outside, where a missing field is an error.
//
// # Errors
//
// Encoders and decoders of stored payloads keep their first error. After it their methods do nothing, and a decoder behaves as if
// its input had ended, so generated code need not check for errors between fields. A decoder of documents from outside skips a
// value of the wrong kind and goes on; its error lists all such mistakes, at most [MaxErrors]. It also stops where the document
// is not valid JSON. After an error, do not use the result of a decode function.
package codec

// MaxDepth is how deep objects and arrays may be nested, in encoding and decoding. It limits the stack that a document from
// outside, or a value that contains itself, can use.
const MaxDepth = 1000
