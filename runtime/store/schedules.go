package store

import (
	"context"
	"strings"
	"time"
)

// Schedules is the ability of a store to store schedules, which are recurring inputs. Workflows that declare schedules need it.
//
// A schedule is a delivery in the queue of timers. It is claimed and settled like a timer. Its kind is ScheduleKind, its key the
// name of the schedule, its payload StoredSchedule.Definition, and its instance has an empty id.
type Schedules interface {
	// PutSchedules starts schedules that are not stored, and restarts those that are stored with another definition. It does not
	// change the others.
	PutSchedules(ctx context.Context, schedules []StoredSchedule) error

	// ChangeSchedule moves a stored schedule, and reports whether there is one. Attempts count from 0 again, and a lease on it is lost, so
	// that a firing which is being delivered is not applied.
	ChangeSchedule(ctx context.Context, change ScheduleChange) (found bool, err error)
}

// ScheduleChange says when a schedule fires next.
type ScheduleChange struct {
	Workflow, Name string
	Due            time.Time // nominal time of the next firing; zero leaves it as it is
	RunAt          time.Time // when it is delivered; zero means at Due
}

// SchedulePaused is the RunAt of a schedule that is paused. It is later than any other time.
var SchedulePaused = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// StoredSchedule is a recurring input of a workflow.
type StoredSchedule struct {
	Workflow   string
	Name       string
	Definition []byte // JSON
	Next       time.Time
}

// schedulePrefix is the beginning of the kinds of schedules. No stored name of an input, effect or timer begins with it.
const schedulePrefix = "schedule:"

// ScheduleKind returns the kind of the deliveries of a schedule.
func ScheduleKind(workflow, name string) Kind {
	return Kind{Workflow: workflow, Name: schedulePrefix + name}
}

// Schedule returns the name of the schedule whose deliveries have this kind, and whether it is such a kind.
func (k Kind) Schedule() (name string, is bool) { return strings.CutPrefix(k.Name, schedulePrefix) }
