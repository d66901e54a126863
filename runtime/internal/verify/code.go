package verify

import (
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// The rules of "ironflow-gen breaking", see package gen/diagnostic.
const (
	eventRemoved      = "IF3101"
	fieldRetyped      = "IF3104"
	fieldAdded        = "IF3105"
	workflowGone      = "IF3201"
	effectRemoved     = "IF3301"
	effectFields      = "IF3302"
	inputRemoved      = "IF3303"
	inputFields       = "IF3304"
	ScheduleChanged   = "IF3306"
	moveChanged       = "IF3402"
	completionChanged = "IF3403"
	noLongerAccepted  = "IF3404"
	deployOrder       = "IF3601"
)

var codes = map[telemetry.ProblemKind]string{
	telemetry.OtherStatus: moveChanged, telemetry.OtherEnd: completionChanged, telemetry.OrphanedEffect: effectRemoved,
	telemetry.OrphanedTimer: inputRemoved, telemetry.UnreadableEffect: effectFields,
	telemetry.UnreadableTimer: inputFields, telemetry.RefusedTimer: noLongerAccepted,
}

// code returns the rule that a change with this consequence breaks.
func (v *instance) code(kind telemetry.ProblemKind, err error) string {
	if kind != telemetry.UnreadableHistory {
		return codes[kind]
	}
	if unknown, is := usererr.OwnAs[*workflow.UnknownEvent](err); is {
		if unknown.SchemaVersion > v.workflow.EventVersion(unknown.Type) {
			return deployOrder
		}
		return eventRemoved
	}
	if _, is := usererr.OwnAs[*workflow.UndecodableEvent](err); is {
		return fieldRetyped
	}
	if _, is := usererr.OwnAs[*workflow.LeadsNowhere](err); is {
		return moveChanged
	}
	return ""
}
