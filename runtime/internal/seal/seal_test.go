package seal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var one = store.InstanceKey{Workflow: "order", ID: "1"}

func newKey(t *testing.T) Key {
	t.Helper()
	key, err := NewKey(NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func of(key Key) func(string) Key { return func(string) Key { return key } }

// Each payload has the personal values listed, and is read without them as given.
var cases = []struct {
	paths, payload, personal, erased string
}{
	{"email", `{"id":"1","email":"ann@example.com","n":3}`, "ann@example.com", `{"id":"1","n":3}`},
	{"email", `{"email":"ann"}`, "ann", `{}`},
	{"email", `{"email":"ann","n":1}`, "ann", `{"n":1}`},
	{"email", `{"n":1,"email":"ann"}`, "ann", `{"n":1}`},
	{"email name", `{"a":1,"email":"ann","name":"bob","b":2}`, "ann bob", `{"a":1,"b":2}`},
	{"email name", `{"email":"ann","name":"bob"}`, "ann bob", `{}`},
	{"email name", `{"a":1,"email":"ann","name":"bob"}`, "ann bob", `{"a":1}`},
	{"email", `{"a":1, "email" : "ann \" \\" , "b":{}}`, "ann", `{"a":1,"b":{}}`},
	{"email", `{"a":1,"email":null}`, "", `{"a":1,"email":null}`},
	{"email", `{"a":1}`, "", `{"a":1}`},
	{"guests.*.name", `{"guests":[{"name":"ann","age":3},{"age":4},{"name":"bob"}]}`, "ann bob", `{"guests":[{"age":3},{"age":4},{}]}`},
	{"address.street", `{"address":{"street":"elm","zip":"1"},"street":"oak"}`, "elm", `{"address":{"zip":"1"},"street":"oak"}`},
	{"all", `{"all":[{"x":"ann"},[1,2]],"z":true}`, "ann", `{"z":true}`},
	{"n", `{"n":123456,"m":1}`, "123456", `{"m":1}`},
	{`a\.b.c`, `{"a.b":{"c":"ann"}}`, "ann", `{"a.b":{}}`},
	{`e`, `{"x\"y\\":1,"\u0065":"ann"}`, "ann", `{"x\"y\\":1}`},
	{"events.1.payload.email", `{"events":[{"payload":{"email":"x"}},{"payload":{"email":"ann"}}]}`, "ann", `{"events":[{"payload":{"email":"x"}},{"payload":{}}]}`},
}

func same(t *testing.T, got []byte, want string) {
	t.Helper()
	var a, b bytes.Buffer
	if err := json.Compact(&a, got); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	_ = json.Compact(&b, []byte(want))
	if a.String() != b.String() {
		t.Errorf("got  %s\nwant %s", a.String(), b.String())
	}
}

func TestSealAndOpen(t *testing.T) {
	key := newKey(t)
	for _, c := range cases {
		fields := NewFields(strings.Fields(c.paths))
		sealed := fields.Seal([]byte(c.payload), one, "ann", key)
		if !json.Valid(sealed) {
			t.Fatalf("%s: not JSON: %s", c.payload, sealed)
		}
		for personal := range strings.FieldsSeq(c.personal) {
			if bytes.Contains(sealed, []byte(personal)) && personal != "ann" {
				t.Errorf("%s is in %s", personal, sealed)
			}
		}
		if fields.Any([]byte(c.payload)) != (c.personal != "") || Has(sealed) != (c.personal != "") {
			t.Errorf("%s: has personal values: %v, %v", c.payload, fields.Any([]byte(c.payload)), Has(sealed))
		}
		same(t, Open(sealed, one, of(key), nil), c.payload)
		same(t, Open(sealed, one, of(Key{}), nil), c.erased)
		same(t, Import(Export(sealed, one, of(key)), one, of(Key{})), string(fields.Seal([]byte(c.payload), one, "ann", Key{})))
		moved := newKey(t)
		same(t, Open(Import(Export(sealed, one, of(key)), one, of(moved)), one, of(moved), nil), c.payload)
		same(t, Open(Import(Export(sealed, one, of(Key{})), one, of(moved)), one, of(moved), nil), c.erased)
	}
}

func TestErasedText(t *testing.T) {
	fields := NewFields([]string{"email"})
	sealed := fields.Seal([]byte(`{"email":"ann@example.com","n":1}`), one, "ann", newKey(t))
	same(t, Open(sealed, one, of(Key{}), []byte(`"[erased]"`)), `{"email":"[erased]","n":1}`)
}

func TestATokenBelongsToItsInstance(t *testing.T) {
	key := newKey(t)
	sealed := NewFields([]string{"email"}).Seal([]byte(`{"email":"ann@example.com"}`), one, "ann", key)
	other := store.InstanceKey{Workflow: "order", ID: "2"}
	same(t, Open(sealed, other, of(key), nil), string(sealed))
	same(t, Open(sealed, one, of(newKey(t)), nil), string(sealed))
}

func TestEqualValuesAreSealedDifferently(t *testing.T) {
	key, fields := newKey(t), NewFields([]string{"email"})
	a, b := fields.Seal([]byte(`{"email":"ann"}`), one, "ann", key), fields.Seal([]byte(`{"email":"ann"}`), one, "ann", key)
	if bytes.Equal(a, b) {
		t.Error("two seals of one value are equal, so that equal values can be told")
	}
}

// What clients send may look like a token.
func TestFalseTokens(t *testing.T) {
	key := newKey(t)
	for _, payload := range []string{
		`{"j":{"$personal":[1,"ann","AAAA"]}}`, `{"j":{"$personal":[1]}}`, `{"j":{"$personal":[7,"x","y"]}}`, `[{"$personal":[1,"ann",""]}]`,
		`{"j":"{\"$personal\":[1,\"ann\",\"\"]}"}`, `{"$personal":[1,"a","b"]}`, `{"j":{"$personal":[`, `{"j":{"$personal":[1,"ann",5]}}`,
		`{"j":{"$personal":[0,"ann",5]}}`,
	} {
		if got := Open([]byte(payload), one, of(key), nil); string(got) != payload {
			t.Errorf("%s became %s", payload, got)
		}
	}
}

// A value that looks like a token and is not one comes back as it was sent, whatever is personal beside it.
func TestQuote(t *testing.T) {
	key := newKey(t)
	for _, value := range []string{
		`{"$personal":[1,"x",""]}`, `{"$personal":[1,"ann","AAAA"]}`, `{"$personal":[0,"x"]}`, `{"$personal":[0,"x",{"a":1}]}`,
		`{"$personal":[2,"",{"$personal":[1,"x",""]}]}`, `[{"a":{"$personal":[1,"x",""]},"b":{"$personal":[0,"x"]}}]`, `{"$personal":[1]}`,
	} {
		for _, c := range []struct{ personal, payload string }{
			{"", `{"j":` + value + `}`}, {"email", `{"j":` + value + `,"email":"ann","k":` + value + `}`}, {"j", `{"k":` + value + `,"j":` + value + `}`},
			{"guests.*.name", `{"guests":[{"j":` + value + `,"name":"ann"}]}`},
		} {
			sealed := NewFields(strings.Fields(c.personal)).Seal([]byte(c.payload), one, "ann", key)
			if got := Open(sealed, one, of(key), nil); string(got) != c.payload {
				t.Errorf("%s was stored as %s and became %s", c.payload, sealed, got)
			}
			moved := Import(Export(sealed, one, of(key)), one, of(key))
			if got := Open(moved, one, of(key), nil); string(got) != c.payload {
				t.Errorf("%s was moved as %s and became %s", c.payload, moved, got)
			}
		}
		payload := `{"j":` + value + `}`
		if got := Open(Quote([]byte(payload)), one, of(Key{}), nil); string(got) != payload {
			t.Errorf("%s became %s", payload, got)
		}
		if NewFields([]string{"email"}).Any([]byte(payload)) {
			t.Errorf("%s has a personal value", payload)
		}
	}
}

func FuzzSeal(f *testing.F) {
	for _, c := range cases {
		f.Add(c.payload, c.paths)
	}
	key, err := NewKey(NewSecret())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload, paths string) {
		if !json.Valid([]byte(payload)) || Has([]byte(payload)) && strings.Contains(paths, ".") {
			return // a value of a declared type does not look like a token
		}
		for path := range strings.FieldsSeq(paths) { // only fields are personal, not elements of lists
			last := path[strings.LastIndexByte(path, '.')+1:]
			if _, err := strconv.Atoi(last); err == nil || last == "*" {
				return
			}
		}
		sealed := NewFields(strings.Fields(paths)).Seal([]byte(payload), one, "s", key)
		if !json.Valid(sealed) {
			t.Fatalf("%s is not JSON", sealed)
		}
		same(t, Open(sealed, one, of(key), nil), payload)
		if erased := Open(sealed, one, of(Key{}), nil); !json.Valid(erased) {
			t.Fatalf("%s is not JSON", erased)
		}
	})
}
