package ledger

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Decider does what its fields say, and something plain where one is nil. Fields are not changed after NewWorkflow.
type Decider struct {
	OnAdd     func(now time.Time, s State, in Add) AddDecision
	OnAudited func(now time.Time, s State, in Audited) AuditedDecision
	OnTick    func(now time.Time, s State, in Tick) TickDecision
	OnClose   func(now time.Time, s State, in Close) CloseDecision
	OnCorrect func(now time.Time, s State, in Correct) CorrectDecision
}

var _ InputDecider = Decider{}

// Add counts.
func (d Decider) Add(now time.Time, s State, in Add) AddDecision {
	if d.OnAdd != nil {
		return d.OnAdd(now, s, in)
	}
	return AcceptAdd(Added{Amount: in.Amount})
}

// Audited counts the audit.
func (d Decider) Audited(now time.Time, s State, in Audited) AuditedDecision {
	if d.OnAudited != nil {
		return d.OnAudited(now, s, in)
	}
	return AcceptAudited(AuditPassed{Entry: in.Entry})
}

// Tick counts the tick.
func (d Decider) Tick(now time.Time, s State, in Tick) TickDecision {
	if d.OnTick != nil {
		return d.OnTick(now, s, in)
	}
	return AcceptTick(Ticked{})
}

// Close ends the ledger.
func (d Decider) Close(now time.Time, s State, in Close) CloseDecision {
	if d.OnClose != nil {
		return d.OnClose(now, s, in)
	}
	return AcceptClose(LedgerClosed{})
}

// Correct sets the total, which is not negative.
func (d Decider) Correct(now time.Time, s State, in Correct) CorrectDecision {
	switch {
	case d.OnCorrect != nil:
		return d.OnCorrect(now, s, in)
	case in.Total < 0:
		return RejectCorrect(Negative{Amount: in.Total})
	}
	return AcceptCorrect(Corrected{Total: in.Total})
}

// Evolver counts.
type Evolver struct {
	OnTerminal func(State) bool
}

var _ EventEvolver = Evolver{}

// Added counts.
func (Evolver) Added(s State, e Added) State {
	s.Total += e.Amount
	return s
}

// AuditPassed counts audits.
func (Evolver) AuditPassed(s State, _ AuditPassed) State {
	s.Audits++
	return s
}

// Ticked counts ticks.
func (Evolver) Ticked(s State, _ Ticked) State {
	s.Ticks++
	return s
}

// Corrected sets the total.
func (Evolver) Corrected(s State, e Corrected) State {
	s.Total = e.Total
	return s
}

// LedgerClosed ends the ledger.
func (Evolver) LedgerClosed(s State, _ LedgerClosed) State {
	s.Closed = true
	return s
}

// Terminal says that a closed ledger has ended.
func (v Evolver) Terminal(s State) bool {
	if v.OnTerminal != nil {
		return v.OnTerminal(s)
	}
	return s.Closed
}

// Handler does what its field says. Where it is nil, every audit passes.
type Handler struct {
	OnAudit func(ctx context.Context, e Audit, call runtime.EffectCall) (AuditResult, error)
}

var _ EffectHandler = Handler{}

// Audit passes.
func (h Handler) Audit(ctx context.Context, e Audit, call runtime.EffectCall) (AuditResult, error) {
	if h.OnAudit != nil {
		return h.OnAudit(ctx, e, call)
	}
	return Audited{Entry: e.Entry}, nil
}
