package workflow

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Recurrence says when a timer or schedule fires.
type Recurrence struct {
	// Schedule has the five fields of cron, or is @yearly, @monthly, @weekly, @daily, @hourly, or for example "@every 90s".
	//
	// A schedule that names hours fires once for each of its times, also in the night in which clocks change. If a time comes
	// twice, it fires at the first. If clocks are set forward past a time, it fires later by that difference. A schedule for
	// every hour fires every hour of elapsed time.
	Schedule string

	Zone   string // IANA name of the time zone of Schedule; empty for UTC
	Missed Missed
}

// Missed says what happens to firings that were missed because no process ran.
type Missed string

const (
	MissedLatest Missed = ""     // fires once for all missed firings; the default
	MissedSkip   Missed = "skip" // skips a firing that is more than a minute late
	MissedAll    Missed = "all"  // fires for each missed firing
)

// missedAfter is how late a firing may be before MissedSkip skips it.
const missedAfter = time.Minute

// Firings is a parsed Recurrence.
type Firings struct {
	fields *cron.SpecSchedule // nil for "@every"
	every  time.Duration      // of "@every"
	common bool               // the times of "@every" do not depend on when it began
	zone   *time.Location
	missed Missed
}

func (r Recurrence) Parse() (*Firings, error) {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone: %w; if the system has no time zone database, embed it with import _ \"time/tzdata\"", err)
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
		if schedule.Location != time.Local { // the schedule begins with "TZ="
			parsed.zone = schedule.Location
		}
	default:
		return nil, fmt.Errorf("schedule %q has an unknown type, %T", r.Schedule, schedule)
	}
	return parsed, nil
}

// Common returns firings whose times are the same wherever they are asked for: those of "@every" are the multiples of its duration since
// January 1 of the year 1. It is for a schedule that several stores have.
func (r *Firings) Common() *Firings {
	common := *r
	common.common = true
	return &common
}

// After returns the first firing after a time. It is zero if there is none, as for February 30.
func (r *Firings) After(t time.Time) time.Time {
	const hours = 1<<24 - 1 // a bit for each
	var next time.Time
	switch {
	case r.every > 0 && r.common:
		next = t.Truncate(r.every).Add(r.every)
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

// day is the most that clocks are set forward: Samoa left out a day when it crossed the date line.
const day = 24 * time.Hour

// afterByWall is After for a schedule whose times each come once, however clocks are changed. It works with wall times, which are
// the times that a clock shows, written as if they were UTC.
func (r *Firings) afterByWall(t time.Time) (first time.Time) {
	// Wall times that clocks left out shortly before t may fire after t.
	from := wallOf(t, r.zone).Add(-max(0, zoneOffset(t, r.zone)-zoneOffset(t.Add(-day), r.zone)))
	until := time.Time{} // wall times up to this one may fire before the first that was found
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

// wallOf returns the wall time at a time.
func wallOf(t time.Time, zone *time.Location) time.Time { return t.UTC().Add(zoneOffset(t, zone)) }

// whenWall returns the time of a wall time: the first if there are two. If clocks are set forward past the wall time, the result
// is later by that difference.
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

// Due says what happens now to a firing whose nominal time has passed: whether it fires, for which nominal time, and when the
// next firing is.
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

// latest returns the last firing up to now, which is the given one or a later one, and the first firing after now.
func (r *Firings) latest(nominal, now time.Time) (at, next time.Time) {
	if now.Before(nominal) {
		return nominal, r.After(nominal)
	}
	if r.every > 0 {
		at = nominal.Add(now.Sub(nominal) / r.every * r.every)
		if common := now.Truncate(r.every); r.common && common.After(nominal) {
			at = common
		}
		return at, r.After(at)
	}
	at = nominal
	// Go back from now by longer and longer steps until there is a firing in between. So a schedule that fires every minute and
	// was not run for years is not searched minute by minute.
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
