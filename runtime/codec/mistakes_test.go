package codec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// flat returns all mistakes of an error.
func flat(err error) codec.Errors {
	if many, is := errors.AsType[codec.Errors](err); is {
		return many
	}
	if one, is := errors.AsType[*codec.Error](err); is {
		return codec.Errors{one}
	}
	return nil
}

// mistakesOf returns their texts.
func mistakesOf(err error) []string {
	var list []string
	for _, one := range flat(err) {
		list = append(list, one.Error())
	}
	return list
}

const complete = `"string":"","bool":true,"int":1,"int32":1,"int64":1,"uint32":1,"uint64":1,"float64":1,"time":"2026-01-01T00:00:00Z","duration":"1s","binary":"",` +
	`"decimal":"1","enum":"red","go":1,"list":[],"lists":[],"map":{},"children":{}`

// A strict decoder lists all mistakes of a document, and goes on after each where the next value is.
func TestAllMistakes(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{`7`, []string{`expected an object, found a number`}},
		{`[{}]`, []string{`expected an object, found a list`}},
		{`{` + complete + `,"json":1,"more":{"a":[1]}}`, nil},
		{`{"list":[1,"2",3,null,4.5,5,1e3],"lists":[["a",1],7,[],[[]]],` + strings.Replace(complete, `"list":[],"lists":[],`, ``, 1) + `}`, []string{
			`list[1]: expected an integer, found a string`, `list[3]: expected an integer, found null`, `list[4]: expected an integer, found a number with a fraction or an exponent`,
			`list[6]: expected an integer, found a number with a fraction or an exponent`, `lists[0][1]: expected a string, found a number`, `lists[1]: expected a list, found a number`,
			`lists[3][0]: expected a string, found a list`,
		}},
		// What is missing in an object comes after what is wrong in it.
		{`{"children":{"a":7,"b":{"int":"1",` + strings.Replace(complete, `"int":1,`, ``, 1) + `},"c d":{` + strings.Replace(complete, `"int":1,`, ``, 1) + `}},` +
			strings.Replace(strings.Replace(complete, `,"children":{}`, ``, 1), `"bool":true,`, ``, 1) + `}`, []string{
			`children[#0]: expected an object, found a number`, `children[#1].int: expected an integer, found a string`,
			`children[#2].int: the field is missing`, `bool: the field is missing`,
		}},
		// A second one is read as well, and may be wrong too.
		{`{` + complete + `,"int":"x","map":{"k":1,"k":true}}`, []string{
			`int: the field occurs a second time here`, `int: expected an integer, found a string`, `map: the field occurs a second time here`,
			`map[#1]: the key occurs a second time here`, `map[#1]: expected a number, found true or false`,
		}},
		// Values of other types are passed over whatever is in them.
		{`{"string":{"int":"]}","a":[{"b":["\"","}"]}]},"bool":[[],{}],"int":{},"int32":[{"int":"1"}],"enum":{"a":1},"time":[1],"map":[{"a":true}],"list":{"a":[1,{}]},` +
			`"go":{},"int64":9223372036854775808,"uint32":-1,"uint64":18446744073709551616,"float64":-1e999,"duration":"1","binary":"*","decimal":1.5,"lists":null,"children":"x"}`, []string{
			`string: expected a string, found an object`, `bool: expected true or false, found a list`, `int: expected an integer, found an object`,
			`int32: expected an integer, found a list`, `enum: expected one of "red", "blue", found an object`,
			`time: expected an RFC 3339 time, found a list`, `map: expected an object, found a list`, `list: expected a list, found an object`,
			`go: cannot decode a big.Int`,
			`int64: the number does not fit into an int64`, `uint32: the number does not fit into a uint32`, `uint64: the number does not fit into a uint64`,
			`float64: the number does not fit into a float64`,
			`duration: expected a duration like "1m30s", found another string`, `binary: expected bytes in base64, found another string`,
			`decimal: expected a decimal number in quotes, like "12.50", found a number`, `children: expected an object, found a string`,
		}},
		// What JSON's grammar accepts in a string and this package does not, is a mistake like others, but not in what is dropped.
		{`{"string":"a\ud800\"b","more":"` + "\xff" + `","json":["\udc00"],` + strings.Replace(complete, `"string":"","bool":true`, `"bool":1`, 1) + `}`, []string{
			`string: a surrogate is without its pair`, `json[0]: a surrogate is without its pair`,
			`bool: expected true or false, found a number`,
		}},
		{`{"parent":7,"optional":7,` + complete + `} `, []string{`parent: expected an object, found a number`, `optional: expected a string, found a number`}},
		{`{"parent":{"parent":[],` + complete + `},"optional":null,` + complete + `}`, []string{`parent.parent: expected an object, found a list`}},
		// Where it is no JSON, reading ends.
		{`{"int":"1","bool":01,"string":1}`, []string{`int: expected an integer, found a string`, `bool: expected true or false, found a number`}},
		{`{"int":"1","bool":nul,"string":1}`, []string{`int: expected an integer, found a string`, `bool: expected true or false, found a character that does not belong there`}},
		{`{"int":"1"`, []string{`int: expected an integer, found a string`, `[#0]: expected a comma or '}', found the end of the input`}},
		{`{"int":{"a":`, []string{`int: expected an integer, found an object`, `int[#0]: expected a value, found the end of the input`}},
		{`{"string":"a\ud800\x",`, []string{`string: a surrogate is without its pair`}},
		{`{"string":"\ud800`, []string{`string: a surrogate is without its pair`}},
		{`7 {`, []string{`expected an object, found a number`, `expected the end of the document, found an object`}},
		{`[`, []string{`expected an object, found a list`, `[0]: expected a value, found the end of the input`}},
	} {
		_, err := decodeStrict(c.text, decodeEverything)
		if got := mistakesOf(err); !slices.Equal(got, c.want) || err != nil && err.Error() != strings.Join(got, "; ") {
			t.Errorf("%s:\n got %s\nwant %s", c.text, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
		if _, stored := decode(c.text, decodeEverything); len(mistakesOf(stored)) > 1 {
			t.Errorf("%s: a decoder of stored payloads goes on: %v", c.text, stored)
		}
	}
}

// Random documents, whose mistakes are known because each was put there, are all found, wherever they stand.
func TestRandomMistakes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	wrong := []string{`{"a":["}"],"int":1}`, `[[{"b":"]"}],1]`, `true`, `"?"`, `1.5`, `null`, `"\ud800"`, `99999999999999999999`}
	accepts := map[string][]string{ // of wrong, what is right for a field or not all of it wrong
		"string": {`"?"`}, "bool": {`true`}, "int": nil, "int32": nil, "int64": nil, "uint32": nil, "uint64": nil, "float64": {`1.5`, `99999999999999999999`},
		"time": nil, "duration": nil, "decimal": nil, "enum": nil, "go": {`99999999999999999999`, `null`}, "binary": {`null`},
		"list": {`null`, wrong[1]}, "lists": {`null`, wrong[1]}, "map": {`null`, wrong[0]},
	}
	names := []string{"string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "time", "duration", "binary", "decimal", "enum", "go", "list", "lists", "map"}
	var right map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+complete+"}"), &right); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		var want []string
		var object func(path string, depth int) string
		object = func(path string, depth int) string {
			var members, missing []string
			for _, i := range random.Perm(len(names)) {
				name, text := names[i], string(right[names[i]])
				switch random.IntN(12) {
				case 0:
					missing = append(missing, name)
					continue
				case 1:
					if bad := wrong[random.IntN(len(wrong))]; !slices.Contains(accepts[name], bad) {
						text = bad
						want = append(want, path+name)
					}
				case 2:
					if name == "list" {
						text = `[1,"x",2,{"a":1},3]`
						want = append(want, path+"list[1]", path+"list[3]")
					}
				}
				members = append(members, fmt.Sprintf(`%q : %s`, name, text))
			}
			switch {
			case depth == 0 || random.IntN(8) == 0:
				members = append(members, `"children":{}`)
			case random.IntN(8) == 0:
				members = append(members, `"children":[{}]`)
				want = append(want, path+"children")
			default:
				var children []string
				for i := range random.IntN(4) {
					children = append(children, fmt.Sprintf(`"k%d":%s`, i, object(fmt.Sprintf("%schildren[#%d].", path, i), depth-1)))
				}
				members = append(members, `"children":{`+strings.Join(children, ",")+`}`)
			}
			for _, name := range names { // in the order of Require
				if slices.Contains(missing, name) {
					want = append(want, path+name)
				}
			}
			return "{" + strings.Join(members, " , ") + "}"
		}
		text := object("", 2)
		if !json.Valid([]byte(text)) {
			t.Fatalf("the test writes no JSON: %s", text)
		}
		_, err := decodeStrict(text, decodeEverything)
		var got []string
		for _, m := range mistakesOf(err) {
			path, _, _ := strings.Cut(m, ": ")
			got = append(got, path)
		}
		got = slices.Compact(got) // "\ud800" in place of a number is two mistakes
		if len(flat(err)) < codec.MaxErrors && !slices.Equal(got, want) || !slices.Equal(got, want[:min(len(got), len(want))]) {
			t.Fatalf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

// However many mistakes there are, an error has no more than a bound, and finding their places takes one pass.
func TestMaxErrors(t *testing.T) {
	for _, text := range []string{`[` + strings.Repeat(`"x",`, 1e5) + `1]`, `[` + strings.Repeat(`{"a":1},`, 1e5) + `]`} {
		_, err := decodeStrict(text, func(d *codec.Decoder) []int { return codec.DecodeList(d, (*codec.Decoder).Int) })
		got := mistakesOf(err)
		if len(got) != codec.MaxErrors || !strings.HasPrefix(got[codec.MaxErrors-1], fmt.Sprintf("[%d]: ", codec.MaxErrors-1)) {
			t.Errorf("got %d mistakes, the last is %q", len(got), got[max(len(got)-1, 0)])
		}
	}
}
