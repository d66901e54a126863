package store

import (
	"testing"
	"time"
)

func TestStoredTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("x", 3600)
	got := StoredTime(time.Date(2031, 1, 1, 1, 0, 0, 123_456_789, zone))
	if want := time.Date(2031, 1, 1, 0, 0, 0, 123_456_000, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
