package workflow

import (
	"strings"
	"testing"
	"time"
)

// Values of search fields are texts that people type. What cannot be found has none.
func TestSearchText(t *testing.T) {
	type status string
	number, none := int64(-7), (*string)(nil)
	for _, test := range []struct {
		value any
		want  string
	}{
		{"c-1", "c-1"}, {"", ""}, {status("paid"), "paid"}, {int32(7), "7"}, {&number, "-7"}, {none, ""}, {uint64(1<<64 - 1), "18446744073709551615"},
		{true, "true"}, {false, "false"}, {time.Time{}, ""}, {90 * time.Second, "1m30s"},
		{time.Date(2031, 3, 4, 5, 6, 7, 8000, time.FixedZone("", 3600)), "2031-03-04T04:06:07.000008Z"},
		{strings.Repeat("x", 512), strings.Repeat("x", 512)}, {strings.Repeat("x", 513), ""}, {"a\x00b", ""}, {"\xff", ""},
	} {
		if got := Search("field", test.value); got.Field != "field" || got.Value != test.want {
			t.Errorf("%v: got %+v, want %q", test.value, got, test.want)
		}
	}
}
