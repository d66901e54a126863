package codec_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// wide has a lot of fields that need not be there.
type wide struct {
	_    [18]*string
	note string
}

func decodeWide(d *codec.Decoder) wide {
	var v wide
	for d.BeginObject(); d.NextField(); {
		if key := string(d.Key()); key == "note" {
			v.note = d.String()
		} else {
			d.Skip()
		}
	}
	return v
}

type tree struct {
	_        wide
	children []tree
	named    map[string]tree
	only     *tree
}

func decodeTree(d *codec.Decoder) tree {
	var v tree
	for d.BeginObject(); d.NextField(); {
		switch string(d.Key()) {
		case "children":
			v.children = codec.DecodeList(d, decodeTree)
		case "named":
			v.named = codec.DecodeMap(d, decodeTree)
		case "only":
			v.only = codec.DecodeOptional(d, decodeTree)
		default:
			d.Skip()
		}
	}
	return v
}

// A document from outside takes memory in proportion to its text, whatever it is made of.
func TestDecodingIsBoundedInMemory(t *testing.T) {
	const size = 1 << 20
	fill := func(begin, element, end string) string {
		n := size / len(element)
		return begin + strings.Repeat(element, n-1) + strings.TrimSuffix(element, ",") + end
	}
	keys := func(value string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `,"%x":%s`, i, value)
		}
		return "{" + b.String()[1:] + "}"
	}
	list := func(d *codec.Decoder) { codec.DecodeList(d, decodeWide) }
	trees := func(d *codec.Decoder) { decodeTree(d) }
	for name, test := range map[string]struct {
		text   string
		decode func(*codec.Decoder)
		fits   bool
	}{
		"list of wide structs":    {fill(`[`, `{},`, `]`), list, false},
		"unknown fields":          {fill(`[`, `{"a":[{},{},{},{}]},`, `]`), list, true},
		"map of wide structs":     {keys(`{}`), func(d *codec.Decoder) { codec.DecodeMap(d, decodeWide) }, false},
		"list of pointers":        {fill(`[`, `{},`, `]`), func(d *codec.Decoder) { codec.DecodeList(d, decodePointer) }, false},
		"nested lists":            {fill(`{"children":[`, `{"children":[{},{},{}]},`, `]}`), trees, false},
		"nested maps":             {fill(`{"children":[`, `{"named":{"":{}}},`, `]}`), trees, false},
		"nested pointers":         {fill(`{"children":[`, `{"only":{"only":{}}},`, `]}`), trees, false},
		"empty strings":           {fill(`[`, `"",`, `]`), func(d *codec.Decoder) { codec.DecodeList(d, (*codec.Decoder).String) }, true},
		"empty lists":             {fill(`[`, `[],`, `]`), func(d *codec.Decoder) { codec.DecodeList(d, decodeInts) }, true},
		"numbers":                 {fill(`[`, `1,`, `]`), func(d *codec.Decoder) { decodeInts(d) }, true},
		"map of numbers":          {keys(`1`), func(d *codec.Decoder) { codec.DecodeMap(d, (*codec.Decoder).Int) }, true},
		"structs of usual values": {fill(`[`, `{"note":"`+strings.Repeat("x", 10)+`"},`, `]`), list, true},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			d := codec.NewStrictDecoder([]byte(test.text))
			test.decode(d)
			err := d.End()
			runtime.ReadMemStats(&after)
			if factor := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(test.text)); factor > 60 {
				t.Errorf("%d bytes of text took %.1f times as much", len(test.text), factor)
			}
			switch {
			case test.fits && err != nil:
				t.Errorf("got %v", err)
			case !test.fits && (!errors.Is(err, codec.ErrTooMuchMemory) || len(err.Error()) > 500):
				t.Errorf("got %.500v, want ErrTooMuchMemory", err)
			}
			if !test.fits { // what is stored is read whatever it takes: it was accepted once
				d := codec.NewDecoder([]byte(test.text))
				if test.decode(d); d.End() != nil {
					t.Errorf("a stored payload is refused: %v", d.Err())
				}
			}
		})
	}
	small := []byte(fill(`[`, `{},`, `]`)[:1+3*5000] + "{}]")
	d := codec.NewStrictDecoder(small)
	if list := codec.DecodeList(d, decodeWide); d.End() != nil || len(list) != 5001 {
		t.Errorf("a small document is refused: %v", d.Err())
	}
}

func decodePointer(d *codec.Decoder) *wide { return codec.DecodeOptional(d, decodeWide) }
func decodeInts(d *codec.Decoder) []int    { return codec.DecodeList(d, (*codec.Decoder).Int) }

// secret is what no error may say: a value, a key of a map, or a name that is not declared.
const secret = "s3cr3t"

func TestErrorsDoNotQuoteTheDocument(t *testing.T) {
	quoted := `"` + secret + `"`
	var texts []string
	for _, field := range []string{
		"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "time", "duration", "binary", "decimal", "json", "enum", "go", "list", "lists",
		"map", "children", "parent", "optional", secret,
	} {
		for _, value := range []string{
			quoted, `"` + secret + "\xff\"", `"` + secret + `\ud800"`, secret, `31337133713371337133713371337`, `31337.1337`, `-31337e31337`, `-31337x`,
			`{` + quoted + `:` + quoted + `}`, `{` + quoted + `:1,` + quoted + `:true,` + quoted + `:{}}`, `[` + quoted + `]`, `[{` + quoted + `:x}]`,
			`{` + quoted + `:[` + secret + `]}`, `{` + quoted + `:{` + quoted + `:01}}`, `{` + quoted + `:{"int":` + quoted + `}}`, `{` + quoted + ` 1}`, `[` + secret,
			`{` + secret + `:1}`, `"` + secret, `"` + secret + `\`, `"` + secret + `\u12`, `"` + secret + `\ud8`,
		} {
			texts = append(texts, `{"`+field+`":`+value+`}`, value)
		}
	}
	for _, text := range texts {
		for _, decoder := range []func(string, func(*codec.Decoder) everything) (everything, error){decode[everything], decodeStrict[everything]} {
			_, err := decoder(text, decodeEverything)
			said := ""
			if err != nil {
				said = err.Error()
			}
			for _, one := range flat(err) {
				said += one.Error() + one.Path + one.Message
			}
			if strings.Contains(said, "s3") || strings.Contains(said, "313") || strings.Contains(said, "133") {
				t.Errorf("%s: the error quotes it: %s", text, said)
			}
		}
		_, err := codec.PeekType([]byte(text))
		if other := codec.CheckType([]byte(`{"type":`+quoted+`}`), "Pay"); err == nil || strings.Contains(err.Error()+other.Error(), "s3") {
			t.Errorf("%s: the error quotes it: %v, %v", text, err, other)
		}
	}
	unknown := &codec.UnknownTypeError{Workflow: "order", Kind: "input", Type: secret, Known: []string{"Pay", "S3cr3t"}}
	if said := unknown.Error(); strings.Contains(said, secret) {
		t.Errorf("got %s", said)
	}
	for _, v := range []everything{
		{String: secret + "\xff"}, {Enum: secret}, {Enum: red, Decimal: secret},
		{Enum: red, Decimal: "1", Map: map[string]float64{secret + "\xff": 1}}, {Enum: red, Decimal: "1", JSON: []byte(`{"s3cr3t":s3cr3t}`)},
		{Enum: red, Decimal: "1", Children: map[string]everything{secret: {Enum: secret}}},
	} {
		if _, err := encode(v, encodeEverything); err == nil || strings.Contains(err.Error(), "s3") {
			t.Errorf("%+v: got %v", v, err)
		}
	}
}

// Errors are short, whatever the document is.
func TestErrorsAreBounded(t *testing.T) {
	deep := strings.Repeat(`{"children":{"`+strings.Repeat("<", 100)+`":`, 400)
	broken := strings.TrimSuffix(strings.Repeat(`{"int":"<"},`, 1000), ",")
	for name, text := range map[string]string{
		"broken strings where nobody looks": `{"unknown":` + strings.Repeat(`{"<<<<<<<<<<<<<<<<<<<<<<<<<<<<":`, 900) +
			`[` + strings.Repeat("\"\xff\",", 100) + `1]` + strings.Repeat(`}`, 900) + `}`,
		"deep":           deep + `{"int":"x","bool":"x"}` + strings.Repeat("}}", 400) + "}",
		"many mistakes":  `{"list":["x"` + strings.Repeat(`,"x"`, 1e5) + `]}`,
		"many documents": `{"children":[` + broken + `]}`,
	} {
		_, err := decodeStrict(text, decodeEverything)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		if n := len(err.Error()); n > 16<<10 {
			t.Errorf("%s: the text has %d bytes", name, n)
		}
		total := 0
		for _, one := range flat(err) {
			total += len(one.Error())
		}
		if total > 48<<10 {
			t.Errorf("%s: all mistakes have %d bytes", name, total)
		}
	}
	// What is dropped has no mistakes.
	if _, err := decodeStrict("{\"unknown\":[\"\xff\",\"\\ud800\",{\"\\udc00\":1}],"+complete+"}", decodeEverything); err != nil {
		t.Errorf("got %v", err)
	}
}
