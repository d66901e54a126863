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
}

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
