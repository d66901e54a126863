package codec_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// Every type is described as a declaration writes it, also one that contains itself.
func TestDescribe(t *testing.T) {
	t.Parallel()
	fields, err := codec.Describe(func(e *codec.Encoder) { encodeEverything(e, everything{}) })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"string": "string", "bool": "bool", "int": "int", "int32": "int32", "int64": "int64", "uint32": "uint32", "uint64": "uint64",
		"float64": "float64", "time": "time", "duration": "duration", "binary": "bytes", "decimal": "decimal", "json": "json", "enum": "enum",
		"go": "json", "list": "list<int64>", "lists": "list<list<string>>", "map": "map<float64>", "optional": "optional<string>",
	}
	for _, f := range fields {
		if text, scalar := want[f.Name]; scalar && f.Type != text {
			t.Errorf("%s is described as %q, want %q", f.Name, f.Type, text)
		}
		if optional := f.Name == "json" || f.Name == "go" || f.Name == "optional" || f.Name == "parent"; f.Optional != optional {
			t.Errorf("%s is optional: %v", f.Name, f.Optional)
		}
		if f.Name == "children" && (!strings.HasPrefix(f.Type, "map<{string: string, bool: bool, ") || !strings.Contains(f.Type, "children: json") || !f.JSON()) {
			t.Errorf("a type that contains itself is described as %s", f.Type)
		}
		if f.Name == "enum" && !reflect.DeepEqual(f.Choices, []string{"red", "blue"}) {
			t.Errorf("the choices are %q", f.Choices)
		}
	}
	if len(fields) != reflect.TypeFor[everything]().NumField() {
		t.Errorf("%d fields are described", len(fields))
	}
}

// What a person types becomes the JSON that a decoder reads, exactly.
func TestFieldValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, text, want string }{
		{"int64", "9007199254740993", "9007199254740993"}, {"int64", " -9223372036854775808 ", "-9223372036854775808"}, {"uint64", "18446744073709551615", "18446744073709551615"},
		{"int64", "007", "!"}, {"int64", "", "!"}, {"int64", "1e", "!"}, {"int64", "1;2", "!"}, {"float64", "-1.5e3", "-1.5e3"}, {"float64", "NaN", "!"},
		{"optional<int64>", "", ""}, {"optional<int64>", "1", "1"}, {"bool", "true", "true"}, {"bool", "yes", "!"}, {"optional<bool>", "", ""},
		{"string", "", `""`}, {"string", " a\n\"b ", `" a\n\"b "`}, {"optional<string>", "", ""}, {"string", "\xff", "!"},
		{"time", " 2026-12-31T23:59:59Z\n", `"2026-12-31T23:59:59Z"`}, {"duration", "1h", `"1h"`}, {"decimal", "12.50", `"12.50"`}, {"enum", "red", `"red"`},
		{"list<int64>", ` [9007199254740993] `, `[9007199254740993]`}, {"list<int64>", `[1`, "!"}, {"list<int64>", "", "!"}, {"optional<list<int64>>", "", ""},
		{"map<{a: string}>", `{"x": {"a": "b"}}`, `{"x": {"a": "b"}}`}, {"json", "null", "null"}, {"json", `{"a":1}x`, "!"}, {"{a: string}", `"a"`, `"a"`},
	} {
		f := codec.Field{Name: "f", Type: test.kind, Optional: strings.HasPrefix(test.kind, "optional")}
		value, given, err := f.Value(test.text)
		got := string(value)
		if err != nil {
			got = "!"
		}
		if got != test.want || err == nil && given != (test.want != "") {
			t.Errorf("%s %q: got %s, %v, %v, want %s", test.kind, test.text, value, given, err, test.want)
		}
		if err != nil && test.text != "" && strings.Contains(fmt.Sprint(err), test.text) {
			t.Errorf("the error has the value: %v", err)
		}
	}
}
