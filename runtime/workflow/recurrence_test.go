package workflow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFirings lists firings around the nights in which clocks change.
func TestFirings(t *testing.T) {
	t.Parallel()
	const berlin = "Europe/Berlin"
	for _, test := range []struct {
		schedule, zone, after string
		want                  string // local times with their offsets
	}{
		// On October 26, clocks in Berlin go from 3:00 back to 2:00; on March 30, from 2:00 forward to 3:00.
		{"30 2 * * *", berlin, "2031-10-25T12:00:00Z", "26T02:30+02 27T02:30+01 28T02:30+01"},
		{"30 2 * * *", berlin, "2031-10-26T00:30:00Z", "27T02:30+01"}, // it is the first 2:30
		{"30 2 * * *", berlin, "2031-10-26T01:00:00Z", "27T02:30+01"}, // it is the second 2:00
		{"*/20 2 * * *", berlin, "2031-10-25T12:00:00Z", "26T02:00+02 26T02:20+02 26T02:40+02 27T02:00+01"},
		{"0 1-3 * * *", berlin, "2031-10-25T12:00:00Z", "26T01:00+02 26T02:00+02 26T03:00+01 27T01:00+01"},
		{"0 * * * *", berlin, "2031-10-25T23:30:00Z", "26T02:00+02 26T02:00+01 26T03:00+01"},
		{"0 0-23 * * *", berlin, "2031-10-25T23:30:00Z", "26T02:00+02 26T02:00+01 26T03:00+01"},
		{"@hourly", berlin, "2031-10-25T23:30:00Z", "26T02:00+02 26T02:00+01 26T03:00+01"},
		{"@daily", berlin, "2031-10-25T12:00:00Z", "26T00:00+02 27T00:00+01"},
		{"30 2 * * *", berlin, "2031-03-29T12:00:00Z", "30T03:30+02 31T02:30+02"},
		{"30 2 * * *", berlin, "2031-03-30T01:10:00Z", "30T03:30+02 31T02:30+02"}, // it is 3:10
		{"30 2 * * *", berlin, "2031-03-30T01:30:00Z", "31T02:30+02"},
		{"0,30 2,3 * * *", berlin, "2031-03-30T00:59:00Z", "30T03:00+02 30T03:30+02 31T02:00+02"},
		{"0 * * * *", berlin, "2031-03-29T23:30:00Z", "30T01:00+01 30T03:00+02 30T04:00+02"},
		{"0 9 * * MON", berlin, "2031-03-27T12:00:00Z", "31T09:00+02 07T09:00+02"},

		// Clocks in Havana go from 1:00 back to 0:00, so a day has two midnights, and in Sao Paulo one had none.
		{"@daily", "America/Havana", "2018-11-03T12:00:00Z", "04T00:00-04 05T00:00-05"},
		{"@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "04T01:00-02 05T00:00-02"},
		// On Lord Howe, clocks go forward by half an hour, from 2:00.
		{"15,40 2 * * *", "Australia/Lord_Howe", "2031-10-04T12:00:00Z", "05T02:40+11 05T02:45+11 06T02:15+11"},
		// There was no December 30 in Samoa.
		{"0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "29T09:00-10 31T09:00+14 01T09:00+14"},

		{"0 9 30 2 *", berlin, "2031-01-01T00:00:00Z", "never"},
		{"0 9 29 2 *", "", "2031-01-01T00:00:00Z", "29T09:00Z 29T09:00Z"},
		{"@every 90m", berlin, "2031-10-26T00:00:00Z", "26T02:30+01 26T04:00+01"},
	} {
		t.Run(strings.TrimSpace(test.schedule+" "+test.zone+" after "+test.after), func(t *testing.T) {
			t.Parallel()
			r, err := Recurrence{Schedule: test.schedule, Zone: test.zone}.Parse()
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, test.after)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(test.want)
			var got []string
			for range want {
				if at = r.After(at); at.IsZero() {
					got = append(got, "never")
					break
				}
				got = append(got, at.In(r.zone).Format("02T15:04Z07"))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestDue is a firing of a daily schedule that comes days late, across the night in which clocks go forward.
func TestDue(t *testing.T) {
	t.Parallel()
	const at = "2006-01-02 15:04"
	nominal := time.Date(2031, time.March, 28, 1, 30, 0, 0, time.UTC) // 2:30 in Berlin
	for _, test := range []struct {
		missed Missed
		late   time.Duration
		want   string // whether it fires, for when, and when the next is due; in UTC
	}{
		{MissedLatest, 0, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedSkip, 0, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedAll, 0, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedLatest, time.Minute, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedSkip, time.Minute, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedSkip, time.Minute + 1, "false 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedLatest, 49 * time.Hour, "true 2031-03-30 01:30, 2031-03-31 00:30"}, // it fires at 3:30 there
		{MissedSkip, 49 * time.Hour, "false 2031-03-28 01:30, 2031-03-31 00:30"},
		{MissedAll, 49 * time.Hour, "true 2031-03-28 01:30, 2031-03-29 01:30"},
		{MissedLatest, -time.Second, "true 2031-03-28 01:30, 2031-03-29 01:30"}, // a clock behind that of the process that claimed
		{MissedLatest, 10 * 365 * day, "true 2041-03-25 01:30, 2041-03-26 01:30"},
	} {
		r, err := Recurrence{Schedule: "30 2 * * *", Zone: "Europe/Berlin", Missed: test.missed}.Parse()
		if err != nil {
			t.Fatal(err)
		}
		fires, fired, next := r.Due(nominal, nominal.Add(test.late))
		if got := fmt.Sprintf("%v %s, %s", fires, fired.Format(at), next.Format(at)); got != test.want {
			t.Errorf("%q, %v late: got %s, want %s", test.missed, test.late, got, test.want)
		}
	}
}

// TestCommon is a schedule that two stores have, and that began to fire at different times.
func TestCommon(t *testing.T) {
	t.Parallel()
	for _, missed := range []Missed{MissedLatest, MissedAll} {
		r, err := Recurrence{Schedule: "@every 10m", Missed: missed}.Parse()
		if err != nil {
			t.Fatal(err)
		}
		r = r.Common()
		began := time.Date(2031, time.March, 28, 1, 37, 12, 0, time.UTC)
		first := time.Date(2031, time.March, 28, 1, 40, 0, 0, time.UTC)
		if got := r.After(began); !got.Equal(first) {
			t.Errorf("after %v: got %v, want %v", began, got, first)
		}
		if _, at, next := r.Due(began, began); !at.Equal(began) || !next.Equal(first) { // as it was before the store was one of several
			t.Errorf("%q: fires for %v and then %v, want %v and %v", missed, at, next, began, first)
		}
		if _, at, next := r.Due(first, first.Add(25*time.Minute)); missed == MissedLatest && !at.Equal(first.Add(20*time.Minute)) || !next.Equal(at.Add(10*time.Minute)) {
			t.Errorf("%q, late: fires for %v and then %v", missed, at, next)
		}
	}
}

// FuzzFirings says that what comes after one time comes after all between it and the firing, so that a firing is the same whoever asks.
func FuzzFirings(f *testing.F) {
	schedules := []string{"30 2 * * *", "*/20 1-3 * * *", "0 0 * * *", "15,40 2 * * *", "59 23 * * SUN", "0 * * * *"}
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Africa/Casablanca"}
	f.Add(0, 0, int64(1_950_834_600), uint(1800))
	f.Add(3, 2, int64(1_949_067_000), uint(2400))
	f.Fuzz(func(t *testing.T, schedule, zone int, seconds int64, part uint) {
		seconds %= 4_000_000_000
		r, err := Recurrence{
			Schedule: schedules[uint(schedule)%uint(len(schedules))], Zone: zones[uint(zone)%uint(len(zones))],
		}.Parse()
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(seconds, 0).UTC()
		next := r.After(from)
		if !next.After(from) {
			t.Fatalf("after %v: got %v", from, next)
		}
		between := from.Add(time.Duration(part) % next.Sub(from))
		if got := r.After(between); !got.Equal(next) {
			t.Errorf("after %v: got %v, and after %v: got %v", from, next, between, got)
		}
	})
}
