package workflow

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// TimerNet collects starts and cancels of timers. Of several steps with the same key, the last one counts.
type TimerNet struct {
	steps []timerNetStep // one for each key, in the order of first use
}

type timerNetStep struct {
	key   string
	start *store.NewTimer // nil cancels
}

func (n *TimerNet) Start(t store.NewTimer) { n.set(timerNetStep{t.Key, &t}) }
func (n *TimerNet) cancel(key string)      { n.set(timerNetStep{key, nil}) }

func (n *TimerNet) set(step timerNetStep) {
	for i := range n.steps {
		if n.steps[i].key == step.key {
			n.steps[i] = step
			return
		}
	}
	n.steps = append(n.steps, step)
}

// Add applies the steps of a later decision.
func (n *TimerNet) Add(later TimerNet, trace string) {
	for _, step := range later.steps {
		if step.start != nil {
			step.start.Trace = trace
		}
		n.set(step)
	}
}

// Has reports whether there is a step with the key.
func (n *TimerNet) Has(key string) bool {
	return slices.ContainsFunc(n.steps, func(step timerNetStep) bool { return step.key == key })
}

// Started returns the keys of the timers that are started.
func (n *TimerNet) Started() (keys []string) {
	for _, step := range n.steps {
		if step.start != nil {
			keys = append(keys, step.key)
		}
	}
	return keys
}

// Cancelled returns the keys of the timers that are cancelled.
func (n *TimerNet) Cancelled() (keys []string) {
	for _, step := range n.steps {
		if step.start == nil {
			keys = append(keys, step.key)
		}
	}
	return keys
}

func (n *TimerNet) Result() (start []store.NewTimer, cancel []string) {
	for _, step := range n.steps {
		if step.start != nil {
			start = append(start, *step.start)
		} else {
			cancel = append(cancel, step.key)
		}
	}
	return start, cancel
}
