package workflow

import "fmt"

// Unfinished says that a stub was called: a method that the first run of ironflow-gen or "ironflow-gen generate -stubs" added to
// your code, and that you have not written yet. Nothing was stored.
//
// A stub of a decider or evolver panics with it; callers of the engine find it with errors.As in the *runtime.PanicError. A stub
// of a handler returns it, and the effect is tried again as declared. Stubs make it with a function of the generated package.
// "ironflow-gen vet" and a generated test list the stubs: every call of a function that returns an *Unfinished is one.
type Unfinished struct {
	Workflow string
	Method   string // with its type, as in "Decider.Pay"
}

func (e *Unfinished) Error() string {
	return fmt.Sprintf("workflow %s: %s is not written yet; write it in place of the stub", e.Workflow, e.Method)
}
