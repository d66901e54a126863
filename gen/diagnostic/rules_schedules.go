package diagnostic

// Rules about what happens again and again.
var (
	NoSchedule = define("IF0708", Rule{
		Title: "No schedule where one is needed",
		Why: `
A schedule says when something happens again and again. "zone" and "missed" say more about it, and mean nothing alone.`,
		Wrong: `
timers:
  alarm: {input: Open, after: 1h, zone: Europe/Berlin}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "0 9 * * MON", zone: Europe/Berlin}`,
	})

	BadSchedule = define("IF0709", Rule{
		Title: "Not a schedule",
		Why: `
A schedule has five fields, as cron has them: minute, hour, day of the month, month, day of the week. Each is *, a number,
a range like 1-5, steps like */15, or several of them with commas; months and days of the week may be names. A word in
place of the five is @hourly, @daily, @weekly, @monthly, @yearly or "@every 90s". Put it in quotes, since YAML has its own
meaning for * and @. The time zone stands beside it, as "zone".`,
		Wrong: `
timers:
  alarm: {input: Open, schedule: "0 0 9 * * MON"}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "0 9 * * MON"}`,
	})

	NeverFires = define("IF0710", Rule{
		Title: "A schedule for a day that there never is",
		Why: `
No month that the schedule names has the day that it names.`,
		Wrong: `
timers:
  alarm: {input: Open, schedule: "0 9 31 2 *"}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "0 9 28 2 *"}`,
	})

	BadZone = define("IF0711", Rule{
		Title: "Not a time zone",
		Why: `
A time zone has a name of the IANA database, like Europe/Berlin. Abbreviations like PST are no time zones: they change with
the season, and some stand for several.`,
		Wrong: `
timers:
  alarm: {input: Open, schedule: "0 9 * * MON", zone: Berlin}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "0 9 * * MON", zone: Europe/Berlin}`,
	})

	BadMissed = define("IF0712", Rule{
		Title: "Nothing that can become of missed firings",
		Why: `
"missed" says what becomes of the firings that were due while no process ran. "skip" drops them, "latest" does the newest of
them, "all" does each.`,
		Wrong: `
timers:
  alarm: {input: Open, schedule: "@daily", missed: ignore}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "@daily", missed: skip}`,
	})

	AfterAndSchedule = define("IF0713", Rule{
		Title: "A timer with a delay and a schedule",
		Why: `
A timer fires once, after its delay, or again and again, as its schedule says.`,
		Wrong: `
timers:
  alarm: {input: Open, after: 1h, schedule: "@daily"}`,
		Right: `
timers:
  alarm: {input: Open, schedule: "@daily"}`,
	})

	ScheduledFields = define("IF0714", Rule{
		Title: "A scheduled input with fields that cannot be filled",
		Why: `
The engine makes the input for each firing. It knows the instance and the time of the firing, which it puts into a field
"scheduled_at" of type time. All other fields must be optional.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string, by: string}}
schedules:
  morning: {input: Open, schedule: "0 9 * * *", instance: front}`,
		Right: `
inputs:
  Open: {fields: {door_id: string, by: optional<string>, scheduled_at: optional<time>}}
schedules:
  morning: {input: Open, schedule: "0 9 * * *", instance: front}`,
	})

	BadInstance = define("IF0715", Rule{
		Title: "A schedule without an instance, or with one that cannot be named",
		Why: `
A schedule of the workflow delivers its input to the instance that it names. With {time} in the name, each firing has an
instance of its own, named after the time of the firing, like report-20260105T090000Z. An id has at most 512 bytes.`,
		Wrong: `
schedules:
  morning: {input: Open, schedule: "0 9 * * *", instance: "door-{date}"}`,
		Right: `
schedules:
  morning: {input: Open, schedule: "0 9 * * *", instance: "door-{time}"}`,
	})

	FiringNotFirst = define("IF0716", Rule{
		Title: "A new instance for each firing that cannot begin with the input",
		Why: `
With {time} in "instance", each firing makes a new instance, which is in its initial state. The input must be accepted
there.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
schedules:
  evening: {input: Close, schedule: "0 18 * * *", instance: "door-{time}"}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: {}, Closed: {}}
schedules:
  evening: {input: Close, schedule: "0 18 * * *", instance: front}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {accepts: {Close: {Closed: closed}}}`,
	})
)
