package runtime

import "slices"

// timerNet nets starts and cancels: of several steps with one key the last one counts.
type timerNet struct {
	steps []timerNetStep // one for each key, in the order of first use
}

type timerNetStep struct {
	key   string
	start *NewTimer // nil cancels
}

func (n *timerNet) start(t NewTimer)  { n.set(timerNetStep{t.Key, &t}) }
func (n *timerNet) cancel(key string) { n.set(timerNetStep{key, nil}) }

func (n *timerNet) set(step timerNetStep) {
	for i := range n.steps {
		if n.steps[i].key == step.key {
			n.steps[i] = step
			return
		}
	}
	n.steps = append(n.steps, step)
}

// add applies the steps of a later decision.
func (n *timerNet) add(later timerNet, trace string) {
	for _, step := range later.steps {
		if step.start != nil {
			step.start.Trace = trace
		}
		n.set(step)
	}
}

// has reports whether there is a step with the key.
func (n *timerNet) has(key string) bool {
	return slices.ContainsFunc(n.steps, func(step timerNetStep) bool { return step.key == key })
}

// started returns the keys of the timers that are started.
func (n *timerNet) started() (keys []string) {
	for _, step := range n.steps {
		if step.start != nil {
			keys = append(keys, step.key)
		}
	}
	return keys
}

// cancelled returns the keys of the timers that are cancelled.
func (n *timerNet) cancelled() (keys []string) {
	for _, step := range n.steps {
		if step.start == nil {
			keys = append(keys, step.key)
		}
	}
	return keys
}

func (n *timerNet) result() (start []NewTimer, cancel []string) {
	for _, step := range n.steps {
		if step.start != nil {
			start = append(start, *step.start)
		} else {
			cancel = append(cancel, step.key)
		}
	}
	return start, cancel
}
