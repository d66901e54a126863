// Package foureyes is a recipe: approval by two people.
package foureyes

import "time"

//go:generate go tool ironflow-gen

// Decider counts people, not approvals.
type Decider struct{}

func (Decider) Request(now time.Time, s State, in Request) RequestDecision {
	return AcceptRequest(Requested{By: in.By, AmountCents: in.AmountCents})
}

func (Decider) Approve(now time.Time, s State, in Approve) ApproveDecision {
	switch {
	case in.By == s.RequestedBy, s.ApprovedBy != nil && in.By == *s.ApprovedBy:
		return RejectApprove(SamePerson{By: in.By})
	case s.ApprovedBy == nil:
		return AcceptApprove(Approved{By: in.By})
	}
	return AcceptApprove(Approved{By: in.By}, Released{})
}

func (Decider) Refuse(now time.Time, s State, in Refuse) RefuseDecision {
	return AcceptRefuse(Refused{By: in.By, Reason: in.Reason})
}

// Evolver keeps who has asked and who has approved first.
type Evolver struct{}

func (Evolver) Requested(s State, e Requested) State { s.RequestedBy = e.By; return s }
func (Evolver) Approved(s State, e Approved) State   { s.ApprovedBy = &e.By; return s }
func (Evolver) Released(s State, e Released) State   { return s }
func (Evolver) Refused(s State, e Refused) State     { return s }
