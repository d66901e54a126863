package main

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
)

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
		if names[r.Name] {
			t.Errorf("there are two rows %q", r.Name)
		}
		names[r.Name] = true
		for _, figure := range append(r.Ours, r.Reference) {
			if name, _, _ := strings.Cut(figure, "/"); figure != "" && !known[name] {
				t.Errorf("row %q: no probe finds %q", r.Name, figure)
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
