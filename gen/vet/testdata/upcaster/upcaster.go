// Package upcaster has the parts of generated code that tell the passes of an upcaster, and an upcaster with mistakes.
package upcaster

import (
	"time"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

type (
	State    struct{}
	Begin    struct{}
	Begun    struct{ At time.Time }
	BegunV1  struct{}
	Event    interface{ isEvent() }
	Decision = workflow.Decision[Event, workflow.NoEffect, workflow.NoTimer, error]
)

type InputDecider interface {
	Begin(now time.Time, state State, in Begin) Decision
}

type EventEvolver interface {
	Begun(state State, event Begun) State
}

type VersionUpcaster interface {
	BegunV1(old BegunV1) Begun
}

func NewWorkflow(InputDecider, EventEvolver) *workflow.Workflow { return nil }

type Upcaster struct{}

func (Upcaster) BegunV1(BegunV1) Begun {
	return Begun{At: time.Now()} // want `the upcaster Upcaster.BegunV1 calls time.Now; an upcaster knows only what is stored, and gives the same for it every time`
}
