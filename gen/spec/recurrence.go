package spec

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a zone is known on every machine or on none
	"unicode"

	"github.com/robfig/cron/v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// Recurrence is when something happens again and again. The zero value is never.
type Recurrence struct {
	Schedule Name // five fields as cron has them, or a word like @daily or @every 90s
	Zone     Name // IANA name of the time zone in which the schedule is read; the zero Name means UTC
	Missed   Name // one of MissedPolicies; the zero Name means MissedLatest
}

// Recurs reports whether there is a schedule, be it one that the front end could not read.
func (r Recurrence) Recurs() bool { return r.Schedule != Name{} }

// What becomes of the firings that were due while no process ran.
const (
	MissedSkip   = "skip"   // none of them happens
	MissedLatest = "latest" // the newest of them happens
	MissedAll    = "all"    // each of them happens, in order
)

// MissedPolicies returns the values of Recurrence.Missed.
func MissedPolicies() []string { return []string{MissedSkip, MissedLatest, MissedAll} }

// Schedule delivers an input again and again to an instance that the declaration names.
type Schedule struct {
	Name  Name // snake_case
	Doc   string
	Input Name
	Recurrence

	// Instance is the id of the instance. Where it holds FiringTime, each firing has an instance of its own.
	Instance Name
	Pos      Pos
}

// FiringTime stands in Schedule.Instance for the time of the firing, in UTC and as FiringTimeLayout has it.
const (
	FiringTime       = "{time}"
	FiringTimeLayout = "20060102T150405Z"
)

// PerFiring reports whether each firing has an instance of its own.
func (s *Schedule) PerFiring() bool { return strings.Contains(s.Instance.Text, FiringTime) }

// recurrence checks a schedule with its zone and what becomes of missed firings, and sets single spaces between the
// schedule's fields. owner names whose it is, as in `timer "renewal"`.
func (c *checker) recurrence(owner string, r *Recurrence) {
	if !r.Recurs() {
		for _, other := range []struct {
			key string
			Name
		}{{"zone", r.Zone}, {"missed", r.Missed}} {
			if other.Name != (Name{}) {
				c.d.Report(other.Pos, diagnostic.NoSchedule, `%s has %q but no "schedule"; add one, like %s, or remove %q`, owner, other.key, c.w.Form.entry("schedule", exampleSchedule), other.key)
			}
		}
		return
	}
	if fields := strings.Fields(r.Schedule.Text); len(fields) > 0 {
		r.Schedule.Text = strings.Join(fields, " ")
	}
	c.scheduleText(owner, r.Schedule)
	c.zone(owner, r.Zone)
	if r.Missed.Text != "" && !slices.Contains(MissedPolicies(), r.Missed.Text) {
		_, hint := Suggest(r.Missed.Text, MissedPolicies())
		c.d.Report(r.Missed.Pos, diagnostic.BadMissed, "missed of %s is %q; %s", owner, r.Missed.Text, hint)
	}
}

const exampleSchedule = `"0 9 * * MON"`

const cronExample = `write minute, hour, day of the month, month and day of the week, like "0 9 * * MON", or one of @hourly, @daily, @weekly, @monthly, @yearly and "@every 90s"`

// scheduleText checks a schedule with the parser that the engine uses.
func (c *checker) scheduleText(owner string, schedule Name) {
	if schedule.Text == "" {
		return
	}
	fields := strings.Fields(schedule.Text)
	if len(fields) == 0 {
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, "schedule of %s is empty; %s", owner, cronExample)
		return
	}
	if variable, zone, _ := strings.Cut(fields[0], "="); variable == "TZ" || variable == "CRON_TZ" {
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, `schedule of %s begins with a time zone; write it beside the schedule, as %q`, owner, c.w.Form.entry("zone", zone))
		return
	}
	if fields[0] == "@every" {
		c.interval(owner, schedule, strings.Join(fields[1:], " "))
		return
	}
	parsed, err := cron.ParseStandard(schedule.Text)
	switch {
	case err != nil && len(fields) == 6 && fields[0][0] != '@':
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, `schedule of %s is %q, which has six fields; a schedule has no seconds, so leave the first out`, owner, schedule.Text)
	case err != nil:
		reason, _, _ := strings.Cut(err.Error(), ": strconv.")
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, "schedule of %s is %q: %s; %s", owner, schedule.Text, reason, cronExample)
	case parsed.Next(anyTime).IsZero():
		c.d.Report(schedule.Pos, diagnostic.NeverFires, "schedule of %s is %q, and there is no such day; change the day or the month", owner, schedule.Text)
	}
}

// anyTime is where the search for a first firing begins. It does not matter which, and it must not be now: the same
// declaration is right or wrong on every day.
var anyTime = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// interval checks the duration of an @every. The parser rounds it to seconds without a word.
func (c *checker) interval(owner string, schedule Name, text string) {
	switch d, err := time.ParseDuration(text); {
	case err != nil:
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, `schedule of %s is %q; write a duration behind "@every", like 90s or 1h30m`, owner, schedule.Text)
	case d < time.Second:
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, "schedule of %s is %q; the shortest interval is 1s", owner, schedule.Text)
	case d%time.Second != 0:
		c.d.Report(schedule.Pos, diagnostic.BadSchedule, "schedule of %s is %q; an interval has whole seconds, so write %s", owner, schedule.Text, d.Round(time.Second))
	}
}

// zone checks that a time zone is one that every machine knows.
func (c *checker) zone(owner string, zone Name) {
	if zone.Text == "" {
		return
	}
	if zone.Text == "Local" {
		c.d.Report(zone.Pos, diagnostic.BadZone, "zone of %s is Local, which differs from one machine to the next; name the time zone, like Europe/Berlin", owner)
		return
	}
	if _, err := time.LoadLocation(zone.Text); err != nil {
		c.d.Report(zone.Pos, diagnostic.BadZone, "zone of %s is %q, which is no time zone; use its IANA name, like Europe/Berlin, America/New_York or UTC", owner, zone.Text)
	}
}

// maxInstanceID is how many bytes an instance's id may have.
const maxInstanceID = 512

// workflowSchedules checks the schedules of the workflow as a whole.
func (c *checker) workflowSchedules() {
	declared := make(map[string]Pos)
	for _, s := range c.w.Schedules {
		if s.Name.Text == "" {
			continue
		}
		if first, again := declared[s.Name.Text]; again {
			c.d.Report(s.Name.Pos, diagnostic.DuplicateName, "schedule %q is already declared at %s; delete or rename one of them", s.Name.Text, first)
			continue
		}
		declared[s.Name.Text] = s.Name.Pos
		owner := "schedule " + quote(s.Name.Text)
		input := c.deliveredInput(owner, s.Input, s.Name.Pos)
		switch {
		case s.Recurs():
			c.recurrence(owner, &s.Recurrence)
		default:
			c.d.Report(s.Name.Pos, diagnostic.NoSchedule, `%s does not say when; add "schedule", like %s`, owner, c.w.Form.entry("schedule", exampleSchedule))
		}
		c.instanceTemplate(owner, s)
		if input != nil {
			c.scheduledInput(owner, input)
		}
	}
}

// instanceTemplate checks the id of the instance that a schedule has its input delivered to.
func (c *checker) instanceTemplate(owner string, s *Schedule) {
	switch {
	case s.Instance == Name{}:
		c.d.Report(s.Name.Pos, diagnostic.BadInstance, `%s names no instance; add one, like %q, or %s for a new one each time`,
			owner, c.w.Form.entry("instance", s.Name.Text), c.w.Form.entry("instance", quote(s.Name.Text+"-"+FiringTime)))
		return
	case s.Instance.Text == "":
		return
	}
	rest := strings.ReplaceAll(s.Instance.Text, FiringTime, "")
	if strings.ContainsFunc(rest, unicode.IsControl) {
		c.d.Report(s.Instance.Pos, diagnostic.BadInstance, "instance of %s has a line break or another control character; an id has none, so remove it", owner)
		return
	}
	if strings.ContainsAny(rest, "{}") {
		c.d.Report(s.Instance.Pos, diagnostic.BadInstance, `instance of %s is %q; the only thing that may stand in braces is {time}, the time of the firing`,
			owner, s.Instance.Text)
		return
	}
	firings := strings.Count(s.Instance.Text, FiringTime)
	if n := len(rest) + firings*len(FiringTimeLayout); n > maxInstanceID {
		c.d.Report(s.Instance.Pos, diagnostic.BadInstance, "instance of %s is an id of %d bytes; an id may have at most %d", owner, n, maxInstanceID)
	}
}

// deliveredInput finds the input that a timer or a schedule delivers, and reports that none is named.
func (c *checker) deliveredInput(owner string, input Name, at Pos) *Message {
	if input == (Name{}) {
		c.d.Report(at, diagnostic.TimerNoInput, "%s has no input; name the one that it delivers", owner)
		return nil
	}
	m, _ := c.inputs.find(c, input)
	return m
}
