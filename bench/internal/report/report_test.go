package report

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
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
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
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
		if got := Percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile %v of %d values = %d, want %d", c.p, len(c.sorted), got, c.want)
		}
	}
}

// goals has a row of each kind.
var goals = []Row{
	{Name: "rate", Unit: "/s", Ours: []string{"a/rate", "b/rate"}, Reference: "seed/rate", Required: 8, Stretch: 13},
	{Name: "time", Unit: "ms", Ours: []string{"a/p50"}, AtMost: true, Required: 3, Stretch: 1},
	{Name: "missed", Unit: "ms", Ours: []string{"a/p50"}, Reference: "seed/p50", AtMost: true, Required: 1.3},
	{Name: "for information", Unit: "/s", Ours: []string{"a/rate"}},
	{Name: "nothing", Unit: "/s", Ours: []string{"none/rate"}, Required: 1},
}

var goalFigures = map[string]float64{"a/rate": 10_000, "b/rate": 30_000, "seed/rate": 2_000, "a/p50": 2, "seed/p50": 1}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := JSON(&out, Evaluate(goals, goalFigures)); err != nil {
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
	if err := Table(&out, Evaluate(goals, goalFigures)); err != nil {
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
