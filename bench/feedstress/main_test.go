package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
)

// TestStress is a small run, for each commit. The full one is the command's.
func TestStress(t *testing.T) {
	t.Parallel()
	for store, args := range map[string][]string{
		"postgres": {"-events", "6000", "-long", "300ms"},
		"sqlite":   {"-events", "1500", "-long", "20ms", "-writers", "8"},
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			if store == "postgres" && (testing.Short() || os.Getenv("IRONFLOW_TEST_DATABASE_URL") != "") {
				t.Skip("it needs a server of its own")
			}
			var out, log bytes.Buffer
			if code := run(t.Context(), append(args, "-store", store), &out, &log); code != 0 {
				t.Errorf("exit code %d\n%s\n%s", code, out.String(), log.String())
			}
			t.Logf("\n%s", out.String())
			if lost := regexp.MustCompile(`above the last number +\d+ +(\d+)`).FindStringSubmatch(out.String()); store == "postgres" &&
				(lost == nil || lost[1] == "0") {
				t.Error("reading what is visible lost nothing, so this shows nothing")
			}
		})
	}
}

// TestChecker says that a run can fail.
func TestChecker(t *testing.T) {
	t.Parallel()
	a, b := runtime.InstanceKey{Workflow: workflow, ID: "a"}, runtime.InstanceKey{Workflow: workflow, ID: "b"}
	stored := map[runtime.InstanceKey]int64{a: 4, b: 2}
	for name, test := range map[string]struct {
		see  []int64 // versions of a
		want result
	}{
		"all":      {[]int64{1, 2, 3, 4}, result{events: 6}},
		"lost":     {[]int64{1, 3, 4}, result{events: 5, lost: 1}},
		"repeated": {[]int64{1, 2, 3, 3, 4}, result{events: 7, repeated: 1}},
		"inverted": {[]int64{1, 2, 4, 3}, result{events: 6, inversions: 1}},
	} {
		r := &reader{name: name, ours: true, checker: newChecker()}
		r.see(b, 1)
		r.see(b, 2)
		for _, version := range test.see {
			r.see(a, version)
		}
		test.want.name, test.want.ours = name, true
		got := r.result(stored)
		if got != test.want {
			t.Errorf("got %+v, want %+v", got, test.want)
		}
		report := report{stored: 6, readers: []result{got}}
		if code := report.verdict(&bytes.Buffer{}); (code == 1) != (name != "all") {
			t.Errorf("%s: exit code %d", name, code)
		}
		report.readers = append(report.readers, result{name: "naive"})
		if code := report.verdict(&bytes.Buffer{}); name == "all" && code != 2 {
			t.Errorf("%s: exit code %d when the others lost nothing", name, code)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range [][]string{
		{"-store", "oracle"}, {"more"}, {"-events", "0"}, {"-unknown"},
	} {
		var out, log bytes.Buffer
		if code := run(t.Context(), test, &out, &log); code != 2 || log.Len() == 0 || strings.Contains(log.String(), "panic") {
			t.Errorf("%q: exit code %d, %s", test, code, log.String())
		}
	}
}
