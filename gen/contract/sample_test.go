package contract_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/contract"
)

// TestSampleOfOlderVersion declares a second version. The lock then has one sample of the first, which stays when a type that it uses changes.
func TestSampleOfOlderVersion(t *testing.T) {
	door := func(item, opened string) *contract.Set {
		return parse(t, "door.ironflow.yaml", []byte("ironflow: 1\nworkflow: door\npackage: door\nid: door_id\n"+
			"types: {Item: {"+item+"}, Size: {enum: [small, large]}}\n"+
			"inputs: {Open: {fields: {door_id: string}}}\nevents: {Opened: {"+opened+"}}\n"))
	}
	const first = "fields: {items: list<Item>, size: Size, at: time, note: optional<string>}"
	lock := door("sku: string", first).Extend(nil)
	if text := string(lock.Format()); strings.Contains(text, "sample") {
		t.Errorf("there is a sample before there is a second version:\n%s", text)
	}
	const second = "version: 2, fields: {items: list<Item>, size: Size}"
	lock = door("sku: string", second).Extend(lock)
	const want = `event Opened 1 sample: {"at":"2026-01-02T03:04:05.000006Z","items":[{"sku":"sku"}],"note":"note","size":"large"} #`
	if text := string(lock.Format()); strings.Count(text, "sample") != 1 || !strings.Contains(text, want) {
		t.Errorf("got\n%swant %s", text, want)
	}
	read, err := contract.Parse("door.ironflow.lock", lock.Format(), "door")
	if err != nil {
		t.Fatal(err)
	}
	if again := string(door("sku: string", second).Extend(read).Format()); again != string(lock.Format()) {
		t.Errorf("the next run writes\n%s\nafter\n%s", again, lock.Format())
	}
	later := door("sku: string, count: {type: int32, default: 1}", strings.Replace(second, "2", "3", 1)).Extend(read)
	if text := string(later.Format()); !strings.Contains(text, want) || strings.Count(text, "sample") != 2 ||
		!strings.Contains(text, `event Opened 2 sample: {"items":[{"count":`) && !strings.Contains(text, `event Opened 2 sample: {"items":[{"sku"`) {
		t.Errorf("with a third version:\n%s", text)
	}
}

// TestSamplesOfTwoBranches merges two locks whose samples differ.
func TestSamplesOfTwoBranches(t *testing.T) {
	lock := func(item string) string {
		declaration := func(version string) *contract.Set {
			return parse(t, "door.ironflow.yaml", []byte("ironflow: 1\nworkflow: door\npackage: door\nid: door_id\ntypes: {Item: {"+item+"}}\n"+
				"inputs: {Open: {fields: {door_id: string}}}\nevents: {Opened: {"+version+"fields: {item: Item}}}\n"))
		}
		return string(declaration("version: 2, ").Extend(declaration("").Extend(nil)).Format())
	}
	ours, theirs := lock("sku: string"), lock("sku: string, note: optional<string>")
	merged := strings.Replace(ours, "# end\n", theirs[strings.Index(theirs, "event"):], 1)
	set, err := contract.Parse("door.ironflow.lock", []byte(merged), "door")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(set.Format()), "sample"); n != 1 {
		t.Errorf("got %d samples in\n%s", n, set.Format())
	}
}
