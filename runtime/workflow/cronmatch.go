package workflow

import (
	"time"

	"github.com/robfig/cron/v3"
)

// The cron library parses schedules, but this package finds their times: the library's search assumes that each day begins at
// midnight, and in some zones a day has none.

// horizonYears is how far ahead the search goes. February 29 may be eight years away.
const horizonYears = 9

// nextMatch returns the first time after t, in t's zone, at which a clock shows a time of the schedule; zero if there is none. A
// time that clocks show twice, because they are set back, is found twice. A time that clocks leave out is not found.
func nextMatch(fields *cron.SpecSchedule, t time.Time) time.Time {
	zone := t.Location()
	end := t.AddDate(horizonYears, 0, 0)
	for at := nextMinute(t.Add(time.Second)); at.Before(end); {
		skip := untilMatch(fields, at)
		if skip == 0 {
			return at
		}
		next := at.Add(skip)
		// Within these bounds clocks are not changed. Beyond them, the next day or hour may be nearer.
		if _, change := at.ZoneBounds(); !change.IsZero() && change.Before(next) {
			next = change
		}
		at = nextMinute(next.In(zone))
	}
	return time.Time{}
}

// nextMinute returns the first time from t on at which a minute begins in t's zone.
func nextMinute(t time.Time) time.Time {
	if rest := time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond()); rest > 0 {
		return t.Add(time.Minute - rest).In(t.Location())
	}
	return t
}

// untilMatch returns 0 for a minute of the schedule. Otherwise it returns how long there is none at least, if clocks are not
// changed.
func untilMatch(fields *cron.SpecSchedule, at time.Time) time.Duration {
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	switch {
	case fields.Month&(1<<uint(at.Month())) == 0, !dayMatches(fields, at):
		return day - clock
	case fields.Hour&(1<<uint(at.Hour())) == 0:
		return time.Duration(60-at.Minute()) * time.Minute
	}
	for minute := at.Minute(); minute < 60; minute++ {
		if fields.Minute&(1<<uint(minute)) != 0 {
			return time.Duration(minute-at.Minute()) * time.Minute
		}
	}
	return time.Duration(60-at.Minute()) * time.Minute
}

// dayMatches is cron's rule: if both the day of the month and the day of the week are restricted, one match is enough.
func dayMatches(fields *cron.SpecSchedule, at time.Time) bool {
	const star = 1 << 63
	ofMonth, ofWeek := fields.Dom&(1<<uint(at.Day())) != 0, fields.Dow&(1<<uint(at.Weekday())) != 0
	if (fields.Dom|fields.Dow)&star != 0 {
		return ofMonth && ofWeek
	}
	return ofMonth || ofWeek
}
