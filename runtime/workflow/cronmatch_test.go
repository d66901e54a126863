package workflow

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

var full = flag.Bool("full", false, "check schedules around every change of every zone's clocks")

// zones are the time zones of the machine whose clocks change, each set of changes once, with the changes of 2024 to 2034.
func zones(t *testing.T) map[string][]time.Time {
	from, to := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC)
	found, known := map[string][]time.Time{}, map[string]bool{}
	root := "/usr/share/zoneinfo"
	add := func(name string) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return
		}
		var changes []time.Time
		signature := ""
		for at := from; ; {
			_, next := at.In(zone).ZoneBounds()
			if next.IsZero() || next.After(to) {
				break
			}
			_, offset := next.In(zone).Zone()
			signature += fmt.Sprint(next.Unix(), offset, " ")
			changes, at = append(changes, next), next
		}
		if len(changes) > 0 && !known[signature] {
			known[signature] = true
			found[name] = changes
		}
	}
	for _, name := range []string{"Africa/Cairo", "Asia/Beirut", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca"} {
		add(name)
	}
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root+"/")
		if err == nil && !entry.IsDir() && !strings.HasPrefix(name, "right/") && !strings.HasPrefix(name, "posix/") {
			add(name)
		}
		return nil
	})
	if len(found) == 0 {
		if _, err := os.Stat(root); err != nil {
			t.Skip("the machine has no time zones")
		}
	}
	return found
}

// schedules restrict each field in turn.
var schedules = []string{
	"*/30 * * * *", "7 * * * *", "*/30 * * * SUN", "*/30 * * * FRI", "15,45 * * * MON-THU", "0 * 26-31 * *", "20 * * MAR,OCT *", "*/20 * 1 * SAT",
	"5 0-23 */2 4 *", "0 0 * * *", "30 2 * * *", "*/15 0,1,2,3 * * *", "0 0 * * FRI", "30 0-3 * 3,4,10 SUN", "59 23 * * *", "0 */2 * * *", "45 1 26-31 * *",
}

// oracle goes minute by minute. It knows of a schedule only whether the fields of a time match it.
type oracle struct {
	fields *cron.SpecSchedule
	hourly bool
}

func (o *oracle) matches(wall time.Time) bool {
	f := o.fields
	return f.Minute&(1<<uint(wall.Minute())) != 0 && f.Hour&(1<<uint(wall.Hour())) != 0 && f.Month&(1<<uint(wall.Month())) != 0 && dayMatches(f, wall)
}

// firings lists the firings after from and up to to. shown are the minutes that the zone's clocks show, from well before on.
func (o *oracle) firings(shown []minute, from, to time.Time) (list []time.Time) {
	fire := func(at time.Time) {
		if at.After(from) && !at.After(to) {
			list = append(list, at)
		}
	}
	last := shown[0].wall // the latest time that was shown
	for i, m := range shown {
		if i > 0 && !o.hourly {
			for left := last.Add(time.Minute); left.Before(m.wall); left = left.Add(time.Minute) {
				if o.matches(left) { // it comes as much later as the clocks were set forward
					fire(m.at.Add(left.Sub(last.Add(time.Minute))))
				}
			}
		}
		if o.matches(m.wall) && (o.hourly || m.wall.After(last)) {
			fire(m.at)
		}
		if m.wall.After(last) {
			last = m.wall
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return slices.Compact(list)
}

type minute struct{ at, wall time.Time }

// The search finds what going minute by minute finds, around changes of clocks in all zones of the machine.
func TestFiringsOfAllZones(t *testing.T) {
	t.Parallel()
	all := zones(t)
	windows := 0
	for name, changes := range all {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, change := range changes {
			if !*full && name != "Africa/Cairo" && name != "Asia/Beirut" && (i+len(name))%8 != 0 {
				continue
			}
			windows++
			from, to := change.Add(-30*time.Hour).Truncate(time.Minute), change.Add(30*time.Hour).Truncate(time.Minute)
			var shown []minute
			for at := from.Add(-24 * time.Hour); !at.After(to); at = at.Add(time.Minute) {
				shown = append(shown, minute{at, wallOf(at, zone)})
			}
			for _, schedule := range schedules {
				r, err := Recurrence{Schedule: schedule, Zone: name}.Parse()
				if err != nil {
					t.Fatal(err)
				}
				o := oracle{r.fields, strings.Fields(schedule)[1] == "*" || strings.Fields(schedule)[1] == "0-23"}
				want := o.firings(shown, from, to)
				var got []time.Time
				for at := r.After(from); !at.IsZero() && !at.After(to); at = r.After(at) {
					got = append(got, at)
				}
				if !slices.EqualFunc(got, want, time.Time.Equal) {
					t.Errorf("%q in %s around %s:\n got %v\nwant %v", schedule, name, change.In(zone), inZone(got, zone), inZone(want, zone))
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d changes of clocks in %d zones", windows, len(all))
}

func inZone(times []time.Time, zone *time.Location) (texts []string) {
	for _, at := range times {
		texts = append(texts, at.In(zone).Format("02T15:04Z07:00"))
	}
	return texts
}

// Away from changes of clocks, a search of years finds what going minute by minute finds.
func TestFiringsFarAhead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schedule, zone, after, want string }{
		{"0 0 29 2 *", "", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"* * 29 2 *", "Europe/Berlin", "2028-02-29T22:59:00Z", "2032-02-28T23:00:00Z"},
		{"30 * 31 12 *", "Asia/Kathmandu", "2031-01-01T00:00:00Z", "2031-12-30T18:45:00Z"},
		{"*/30 * * * FRI", "Africa/Cairo", "2024-04-25T21:30:00Z", "2024-04-25T22:00:00Z"}, // Friday begins at 1:00
		{"*/30 * * * SUN", "Asia/Beirut", "2024-03-30T21:30:00Z", "2024-03-30T22:00:00Z"},
		{"0 * * * FRI", "Africa/Cairo", "2025-04-24T20:30:00Z", "2025-04-24T22:00:00Z"},
		{"TZ=Asia/Tokyo 0 9 * * *", "", "2031-01-01T00:00:00Z", "2031-01-02T00:00:00Z"},
		{"* * 31 6 *", "", "2031-01-01T00:00:00Z", ""},
	} {
		r, err := Recurrence{Schedule: test.schedule, Zone: test.zone}.Parse()
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at := r.After(after); !at.IsZero() {
			got = at.Format(time.RFC3339)
		}
		if got != test.want {
			t.Errorf("%q in %q after %s: got %s, want %s", test.schedule, test.zone, test.after, got, test.want)
		}
	}
}
