package workflow

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Recurrence says when something happens again and again.
type Recurrence struct {
	// Schedule has the five fields of cron, or is one of @yearly, @monthly, @weekly, @daily, @hourly and "@every 90s".
	//
	// One that names hours fires once for each of its times, also in the night in which clocks change: at the first of two times
	// that are called the same, and, for a time that is left out, later by as much as clocks are set forward. One for every
	// hour goes on hour by hour.
	Schedule string

	Zone   string // IANA name of the time zone of Schedule; empty for UTC
	Missed Missed
}

// Missed says what becomes of firings that nobody was there for.
type Missed string

const (
	MissedLatest Missed = ""     // one firing makes up for all that were missed; the default
	MissedSkip   Missed = "skip" // a firing that is more than a minute late is left out
	MissedAll    Missed = "all"  // each one is made up for
)

// missedAfter is how late a firing may be that is left out when it is missed.
const missedAfter = time.Minute

// Firings is a Recurrence that was read.
type Firings struct {
	fields *cron.SpecSchedule // nil for "@every"
	every  time.Duration      // of "@every"
	zone   *time.Location
	missed Missed
}

func (r Recurrence) Parse() (*Firings, error) {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone: %w; embed the database with import _ \"time/tzdata\" where the system has none", err)
	}
	schedule, err := cron.ParseStandard(r.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", r.Schedule, err)
	}
	parsed := &Firings{zone: zone, missed: r.Missed}
	switch schedule := schedule.(type) {
	case cron.ConstantDelaySchedule:
		parsed.every = schedule.Delay
	case *cron.SpecSchedule:
		parsed.fields = schedule
		if schedule.Location != time.Local { // of a schedule that begins with "TZ="
			parsed.zone = schedule.Location
		}
	default:
		return nil, fmt.Errorf("schedule %q: it is of a kind that is not known, a %T", r.Schedule, schedule)
	}
	return parsed, nil
}

// After returns the first firing after a time. It is zero when there is none, as on February 30.
func (r *Firings) After(t time.Time) time.Time {
	const hours = 1<<24 - 1 // a bit for each
	var next time.Time
	switch {
	case r.every > 0:
		next = t.Add(r.every)
	case r.fields.Hour&hours == hours:
		next = nextMatch(r.fields, t.In(r.zone))
	default:
		next = r.afterByWall(t)
	}
	if next.IsZero() {
		return next
	}
	return store.StoredTime(next)
}

// day is as far as clocks are set forward at most: Samoa left one out when it went over the date line.
const day = 24 * time.Hour

// afterByWall is after, for a schedule whose times are each to come once, whatever clocks are set to. It goes from time to time as a
// clock on the wall shows them, written as if they were UTC.
func (r *Firings) afterByWall(t time.Time) (first time.Time) {
	// Times that were left out shortly before may be still to come.
	from := wallOf(t, r.zone).Add(-max(0, zoneOffset(t, r.zone)-zoneOffset(t.Add(-day), r.zone)))
	until := time.Time{} // those up to here may come before the first that was found
	for wall := nextMatch(r.fields, from); !wall.IsZero() && (first.IsZero() || !wall.After(until)); wall = nextMatch(r.fields, wall) {
		at, late := whenWall(wall, r.zone)
		if !at.After(t) {
			continue
		}
		if first.IsZero() {
			until = wall.Add(late)
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if late == 0 {
			break
		}
	}
	return first
}

func zoneOffset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// wallOf returns what a clock on the wall shows at a time.
func wallOf(t time.Time, zone *time.Location) time.Time { return t.UTC().Add(zoneOffset(t, zone)) }

// whenWall returns when a clock on the wall shows a time: the first of two such times, or, when clocks are set forward past it, as
// much later as they are.
func whenWall(wall time.Time, zone *time.Location) (at time.Time, late time.Duration) {
	before, after := zoneOffset(wall.Add(-day), zone), zoneOffset(wall.Add(day), zone)
	if at = wall.Add(-before); zoneOffset(at, zone) == before {
		return at, 0
	}
	if later := wall.Add(-after); zoneOffset(later, zone) == after {
		return later, 0
	}
	return at, after - before
}

// Due says what becomes of a firing at its nominal time, now that it is later: whether it fires and for which nominal time,
// and when the next one is.
func (r *Firings) Due(nominal, now time.Time) (fires bool, at, next time.Time) {
	switch {
	case r.missed == MissedAll:
		return true, nominal, r.After(nominal)
	case r.missed == MissedSkip && now.Sub(nominal) > missedAfter:
		_, next = r.latest(nominal, now)
		return false, nominal, next
	default:
		at, next = r.latest(nominal, now)
		return true, at, next
	}
}

// latest returns the last firing up to now, which is the given one or a later one, and the first after now.
func (r *Firings) latest(nominal, now time.Time) (at, next time.Time) {
	if now.Before(nominal) {
		return nominal, r.After(nominal)
	}
	if r.every > 0 {
		at = nominal.Add(now.Sub(nominal) / r.every * r.every)
		return at, at.Add(r.every)
	}
	at = nominal
	// Go back from now by longer and longer steps until there is a firing in between, so that a schedule of minutes that
	// slept for years is not gone through minute by minute.
	for step := time.Minute; now.Add(-step).After(nominal); step *= 2 {
		if first := r.After(now.Add(-step)); !first.IsZero() && !first.After(now) {
			at = first
			break
		}
	}
	for next = r.After(at); !next.IsZero() && !next.After(now); next = r.After(at) {
		at = next
	}
	return at, next
}
