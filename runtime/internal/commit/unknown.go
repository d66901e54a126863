package commit

import (
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Unknown says what the deliveries of a kind are, for a report that nobody here knows them. waits is false when there are none.
func Unknown(queue store.QueueName, k telemetry.KindHealth) (u telemetry.UnknownStored, waits bool) {
	u = telemetry.UnknownStored{
		What: telemetry.UnknownEffect, Workflow: k.Kind.Workflow, Name: k.Kind.Name, Count: k.Due + k.Leased + k.Delayed + k.Dead,
		Oldest: k.OldestDue,
	}
	if queue == store.TimerQueue {
		u.What = telemetry.UnknownTimer
	}
	if name, is := k.Kind.Schedule(); is {
		u.What, u.Name = telemetry.UnknownSchedule, name
	}
	if parent, is := ParentOfEnd(k.Kind); is {
		u.What, u.Name, u.Target = telemetry.UnknownChildEnd, parent, parent
	}
	return u, u.Count > 0
}
