// Package codec is the JSON reader and writer that generated code calls. It has no reflection for declared types: the
// generator writes one encode and one decode function for each of them, and these call an [Encoder] or a [Decoder] field
// by field. Errors name the place in the document, as in
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
// What was encoded decodes to the same value, in the sense of reflect.DeepEqual. A time comes back in UTC and without
// its monotonic clock reading, and json that says null comes back as nil. What could not come back is refused when it
// is written.
//
// # States
//
// A folded state begins with nothing set, and an enum or a decimal that no event has set yet is "", which neither of them
// can be in what is sent. So in the object that [Encoder.BeginState] and [Decoder.BeginState] begin, at any depth, enums and
// decimals may be "". All else is as above.
//
// # Reading
//
// A decoder accepts RFC 8259 and nothing else, and refuses four more things: invalid UTF-8, escaped surrogates without
// their pair, values nested deeper than [MaxDepth], and a second field or map key of the same name. Objects with a field
// that the declaration does not know are accepted; the unknown value is checked and dropped. Work is linear in the size
// of the input.
//
// [NewDecoder] reads what was stored earlier. A field that is missing keeps its zero value, so that a declaration can
// gain fields. [NewStrictDecoder] reads what comes from outside; there a missing field is an error.
//
// # Errors
//
// Encoders and decoders of stored payloads keep their first error and go on doing nothing, so that generated code needs no
// checks between fields: a decoder behaves as if its input had ended. One of documents from outside passes over a value that
// is not what it should be, and its error lists all such mistakes, at most [MaxErrors]; where the document is no JSON, it
// ends like the other. What a decode function returned must not be used when there is an error.
package codec

// MaxDepth is how deep objects and arrays may be nested, in both directions. It bounds the stack that a document from
// outside, or a value that contains itself, can use.
const MaxDepth = 1000
