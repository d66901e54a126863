package delivery

import (
	"maps"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TestFloors is about where claims begin: never behind something that may be due.
func TestFloors(t *testing.T) {
	t.Parallel()
	a, b := store.Kind{Workflow: "w", Name: "a"}, store.Kind{Workflow: "w", Name: "b"}
	both := []store.Kind{a, b}
	start := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	less := func(seconds int) time.Time { return at(seconds).Add(-minMargin) }
	reach := func(f *floors, seconds int, kinds ...store.Kind) {
		f.begin(kinds, at(seconds))
		reached := map[store.Kind]time.Time{}
		for _, kind := range kinds {
			reached[kind] = at(seconds)
		}
		f.end(reached)
	}
	for name, test := range map[string]struct {
		do   func(f *floors)
		now  int
		want map[store.Kind]time.Time
	}{
		"at first everything is looked at": {func(f *floors) {}, 9, nil},
		"a claim begins before the last one ended": {func(f *floors) {
			reach(f, 5, a)
		}, 9, map[store.Kind]time.Time{a: less(5)}},
		"a failed claim has come nowhere": {func(f *floors) {
			reach(f, 5, a)
			f.begin(both, at(7))
			f.end(nil)
		}, 9, map[store.Kind]time.Time{a: less(5)}},
		"a floor does not fall by itself": {func(f *floors) {
			reach(f, 5, a)
			reach(f, 3, both...)
		}, 9, map[store.Kind]time.Time{a: less(5), b: less(3)}},
		"work of this process lowers the floors": {func(f *floors) {
			reach(f, 5, both...)
			f.lower(at(2))
			f.lower(at(4))
		}, 9, map[store.Kind]time.Time{a: less(2), b: less(2)}},
		"work of one kind lowers its floor": {func(f *floors) {
			reach(f, 5, both...)
			f.lower(at(2), b)
			f.lower(at(3))
		}, 9, map[store.Kind]time.Time{a: less(3), b: less(2)}},
		"a floor rises again": {func(f *floors) {
			reach(f, 5, both...)
			f.lower(at(2))
			reach(f, 8, a)
		}, 9, map[store.Kind]time.Time{a: less(8), b: less(2)}},
		"work that comes during a claim is not lost": {func(f *floors) {
			reach(f, 5, both...)
			f.begin(both, at(8))
			f.lower(at(7))
			f.end(map[store.Kind]time.Time{a: at(8), b: at(8)})
		}, 9, map[store.Kind]time.Time{a: less(7), b: less(7)}},
		"nor during one of two claims": {func(f *floors) {
			f.begin([]store.Kind{a}, at(8))
			f.lower(at(3))
			f.begin([]store.Kind{b}, at(8))
			f.end(map[store.Kind]time.Time{b: at(8)})
			f.end(map[store.Kind]time.Time{a: at(8)})
		}, 9, map[store.Kind]time.Time{a: less(3), b: less(3)}},
		"what was lowered before a claim does not hold it back": {func(f *floors) {
			f.lower(at(1))
			reach(f, 5, a)
		}, 9, map[store.Kind]time.Time{a: less(5)}},
		"a clock that was set back": {func(f *floors) {
			reach(f, 5, a)
		}, 3, map[store.Kind]time.Time{a: less(3)}},
		"a reset forgets all": {func(f *floors) {
			reach(f, 5, both...)
			f.reset()
		}, 9, nil},
		"also during a claim": {func(f *floors) {
			reach(f, 5, both...)
			f.begin(both, at(8))
			f.reset()
			f.end(map[store.Kind]time.Time{a: at(8)})
		}, 9, map[store.Kind]time.Time{a: time.Unix(0, 0).Add(-minMargin)}},
		"late work lowers its floor": {func(f *floors) {
			reach(f, 100, both...)
			f.late(map[store.Kind]time.Time{b: at(1)})
		}, 100, map[store.Kind]time.Time{a: less(100), b: less(1)}},
		"work that is a little late widens the margin": {func(f *floors) {
			reach(f, 100, both...)
			f.late(map[store.Kind]time.Time{b: at(98)})
			reach(f, 101, both...)
		}, 101, map[store.Kind]time.Time{a: at(97), b: at(97)}},
		"which narrows again": {func(f *floors) {
			reach(f, 100, both...)
			f.late(map[store.Kind]time.Time{b: at(98)})
			for range 100 {
				f.late(nil)
			}
			reach(f, 101, both...)
		}, 101, map[store.Kind]time.Time{a: less(101), b: less(101)}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFloors()
			test.do(f)
			if got := f.begin(both, at(test.now)); !maps.EqualFunc(got, test.want, time.Time.Equal) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
