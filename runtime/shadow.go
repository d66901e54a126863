package runtime

import (
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Shadow compares the decisions of an engine with those of candidates. A candidate is a workflow of the same generated package with
// another decider. After a decision was made, the candidate's decider is called with copies of the state and the input, and with the same
// now. Its decision is compared, but not stored, and no handler is called for it. No input waits for a candidate: all candidates together
// use at most a twentieth of the time of one processor. A panic of a candidate counts as a different decision. A candidate that does not
// return within Config.DecideTimeout is not called again.
//
// Engine.ShadowReport says how often and how their decisions differ.
type Shadow struct {
	Candidates []*Workflow

	// Share is the share of decisions that are compared, from 0 to 1. Default: 0.1.
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

// ShadowReport compares the decisions that this engine has made since NewEngine with those of the candidates of Config.Shadow. It is
// empty without candidates.
func (e *Engine) ShadowReport() telemetry.ShadowReport { return e.shadow.Report() }
