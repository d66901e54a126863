package main

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, c := range []struct {
		sorted []int
		p      float64
		want   int
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred, 0, 1},
		{[]int{7}, 50, 7}, {[]int{7}, 99, 7}, {[]int{1, 2, 3}, 50, 2}, {nil, 50, 0},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile %v of %d values = %d, want %d", c.p, len(c.sorted), got, c.want)
		}
	}
}

// goals has a row of each kind.
var goals = []row{
	{name: "rate", unit: "/s", ours: []string{"a/rate", "b/rate"}, reference: "seed/rate", required: 8, stretch: 13},
	{name: "time", unit: "ms", ours: []string{"a/p50"}, atMost: true, required: 3, stretch: 1},
	{name: "missed", unit: "ms", ours: []string{"a/p50"}, reference: "seed/p50", atMost: true, required: 1.3},
	{name: "for information", unit: "/s", ours: []string{"a/rate"}},
	{name: "nothing", unit: "/s", ours: []string{"none/rate"}, required: 1},
}

var goalFigures = map[string]float64{"a/rate": 10_000, "b/rate": 30_000, "seed/rate": 2_000, "a/p50": 2, "seed/p50": 1}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := printJSON(&out, evaluate(goals, goalFigures)); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`[
		{"case": "rate", "ours": 30000, "reference": 2000, "ratio": 15, "required": 8, "ok": true},
		{"case": "time", "ours": 2, "reference": null, "ratio": null, "required": 3, "ok": true},
		{"case": "missed", "ours": 2, "reference": 1, "ratio": 2, "required": 1.3, "ok": false},
		{"case": "for information", "ours": 10000, "reference": null, "ratio": null, "required": null, "ok": true},
		{"case": "nothing", "ours": null, "reference": null, "ratio": null, "required": 1, "ok": false}
	]`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", out.String())
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := printTable(&out, evaluate(goals, goalFigures)); err != nil {
		t.Fatal(err)
	}
	want := `
case                 ours  reference  ratio   required    stretch  ok
--------------------------------------------------------------------------
rate             30,000/s    2,000/s  15.0x       ≥ 8x      ≥ 13x  stretch
time              2.00 ms                    ≤ 3.00 ms  ≤ 1.00 ms  yes
missed            2.00 ms    1.00 ms  2.00x     ≤ 1.3x             MISSED
for information  10,000/s
nothing                                       ≥ 1.00/s             MISSED
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

// Each row names figures of probes that there are, and no two rows have one name.
func TestRows(t *testing.T) {
	known := make(map[string]bool)
	for _, p := range probes() {
		if known[p.name] {
			t.Errorf("there are two probes %q", p.name)
		}
		known[p.name] = true
	}
	names := make(map[string]bool)
	for _, r := range rows() {
		if names[r.name] {
			t.Errorf("there are two rows %q", r.name)
		}
		names[r.name] = true
		for _, figure := range append(r.ours, r.reference) {
			if name, _, _ := strings.Cut(figure, "/"); figure != "" && !known[name] {
				t.Errorf("row %q: no probe finds %q", r.name, figure)
			}
		}
	}
	if selected := probesOf(selectRows(regexp.MustCompile(`^codec, both`))); len(selected) != 1 || selected[0].name != "codec" {
		t.Errorf("one case needs the probes %v", selected)
	}
}

// The comparison of codecs is fair only when both write the same.
func TestSameText(t *testing.T) {
	ours, theirs := exampleOrder()
	got, err := tally.EncodeOrder(ours)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the codec writes\n%s\nencoding/json\n%s", got, want)
	}
	back, err := tally.DecodeOrder(want)
	if err != nil || !reflect.DeepEqual(back, ours) {
		t.Errorf("read back %+v, error %v", back, err)
	}
}
