package store

import (
	"context"
	"strings"
	"time"
)

// Schedules is the ability of a store to keep recurring inputs. Workflows that declare schedules need it.
//
// A schedule is a delivery in the queue of timers, which is claimed and settled like a timer. Its kind is ScheduleKind, its key the
// name of the schedule, its payload StoredSchedule.Definition, and its instance has an empty id.
type Schedules interface {
	// PutSchedules starts schedules that are not stored, and restarts those that are stored with another definition. It leaves the
	// others as they are.
	PutSchedules(ctx context.Context, schedules []StoredSchedule) error
}

// StoredSchedule is a recurring input of a workflow.
type StoredSchedule struct {
	Workflow   string
	Name       string
	Definition []byte // JSON
	Next       time.Time
}

// schedulePrefix begins the kind of the deliveries of schedules. No stored name of an input, effect or timer begins with it.
const schedulePrefix = "schedule:"

// ScheduleKind is the kind of the deliveries of a schedule.
func ScheduleKind(workflow, name string) Kind {
	return Kind{Workflow: workflow, Name: schedulePrefix + name}
}

// Schedule returns the name of the schedule whose deliveries have the kind.
func (k Kind) Schedule() (name string, is bool) { return strings.CutPrefix(k.Name, schedulePrefix) }
