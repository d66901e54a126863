package runtime

// Waiting is how many inputs wait in the engine's lanes for the next commit.
func Waiting(e *Engine) (n int) {
	for _, l := range e.executor.lanes {
		l.mu.Lock()
		n += len(l.waiting)
		l.mu.Unlock()
	}
	return n
}

// Lanes is how many lanes the engine has.
func Lanes(e *Engine) int { return len(e.executor.lanes) }

// EffectOptionsOf returns the options of the workflow's effects, to be changed before an engine is made.
func EffectOptionsOf(w *Workflow) map[string]EffectOptions { return w.effectOptions() }
