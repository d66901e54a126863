package runtime

import (
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Shadow says which candidates are asked beside the workflows of an engine. A candidate is a workflow of the same generated package with another
// decider. It is asked about a share of the inputs, on copies of the state and the input and at the same now, after the decision was made. Nothing of
// its answer is stored, no handler is called for it, and no input waits for it: candidates get at most a twentieth of the time of one processor. What
// they panic with is an answer of its own, and one that does not return within Config.DecideTimeout is not asked again.
//
// Engine.ShadowReport says where candidates decide differently.
type Shadow struct {
	Candidates []*Workflow

	// Share is the share of decisions that is compared, from 0 to 1. Default: 0.1.
	Share float64
}

// newShadow checks the candidates. It returns nil when there are none.
func (e *Engine) newShadow() (*shadow.Shadow, error) {
	c := &e.config.Shadow
	if c.Share < 0 || c.Share > 1 {
		return nil, fmt.Errorf("ironflow: Config.Shadow.Share is %v; it must be from 0 to 1", c.Share)
	}
	candidates := make(map[string]*Workflow)
	for _, w := range c.Candidates {
		if w == nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow has a candidate that is nil")
		}
		if err := w.Err(); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", err)
		}
		if _, err := e.workflow(w.Name()); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", err)
		}
		if candidates[w.Name()] != nil {
			return nil, fmt.Errorf("ironflow: Config.Shadow: %w", &RegisteredTwice{What: "candidate", Name: w.Name()})
		}
		candidates[w.Name()] = w
	}
	return shadow.New(shadow.Config{Candidates: candidates, Share: c.Share, Timeout: e.config.DecideTimeout, Logger: e.config.Logger}), nil
}

// ShadowReport compares what the candidates of Config.Shadow would have decided with what this engine has decided, since it was made. It is empty
// without candidates.
func (e *Engine) ShadowReport() telemetry.ShadowReport { return e.shadow.Report() }
