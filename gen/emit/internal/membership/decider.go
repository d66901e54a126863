package membership

import (
	"time"

	"github.com/ironflow-gen/ironflow/gen/emit/internal/renamed"
)

// Decider asks for everything that the declaration allows.
type Decider struct{}

var _ InputDecider = Decider{}

func (Decider) Join(now time.Time, state State, in Join) JoinDecision {
	return AcceptJoin(Joined{Email: in.Email, Plan: in.Plan}).Effect(
		Charge{AmountCents: 900, Customer: in.Email, Plan: in.Plan},
		OrderCard{CardID: in.MemberID + "-card", Holder: in.Email, Design: Design{Shade: renamed.ShadeGold, Lasts: 24 * time.Hour}},
		LendCard{Holder: "guest of " + in.MemberID, Design: Design{Shade: renamed.ShadeBlack, Text: []string{"guest"}}},
		Mail{Text: "welcome"},
	)
}

func (Decider) Charged(now time.Time, state State, in Charged) ChargedDecision {
	return AcceptCharged(Paid{AmountCents: in.AmountCents}).CancelTimer(TimerNagging{})
}

// ChargeFailed arrives when a charge is given up.
func (Decider) ChargeFailed(now time.Time, state State, in ChargeFailed) ChargeFailedDecision {
	return AcceptChargeFailed(Unpaid{AmountCents: in.AmountCents, Plan: in.Plan, Reason: in.Error}).
		StartTimer(TimerNagging{Input: Nag{Text: "please pay"}})
}

func (Decider) CardEnded(now time.Time, state State, in CardEnded) CardEndedDecision {
	if in.Error != "" {
		return AcceptCardEnded(CardRefused{Card: in.Child, Reason: in.Error})
	}
	return AcceptCardEnded(CardGone{Card: in.Child, Status: in.Status, Number: in.Number, ValidFor: in.Design.Lasts})
}

func (Decider) Bounced(now time.Time, state State, in Bounced) BouncedDecision {
	return AcceptBounced(Unheard{Reason: &in.Text})
}

func (Decider) MailFailed(now time.Time, state State, in MailFailed) MailFailedDecision {
	return AcceptMailFailed(Unheard{Reason: in.Reason})
}

func (Decider) Renew(now time.Time, state State, in Renew) RenewDecision {
	return AcceptRenew(Renewed{DueAt: in.ScheduledAt}).Effect(Charge{AmountCents: 900, Customer: state.Email, Plan: state.Plan})
}

func (Decider) Nag(now time.Time, state State, in Nag) NagDecision {
	return AcceptNag(Nagged{Text: in.Text, DueAt: in.ScheduledAt})
}

func (Decider) Count(now time.Time, state State, in Count) CountDecision {
	return AcceptCount(Counted{DueAt: in.ScheduledAt})
}

func (Decider) Leave(now time.Time, state State, in Leave) LeaveDecision {
	return AcceptLeave(Left{}).Effect(BlockCard{CardID: in.MemberID + "-card"})
}

func (Decider) Fill(now time.Time, state State, in Fill) FillDecision {
	return AcceptFill(Filled{Tree: &in.Tree, Raw: in.Raw})
}

func (Decider) Empty(now time.Time, state State, in Empty) EmptyDecision {
	return AcceptEmpty(Emptied{})
}

// Evolver keeps what a renewal needs.
type Evolver struct{}

var _ EventEvolver = Evolver{}

func (Evolver) Joined(state State, e Joined) State {
	state.Email = e.Email
	state.Plan = e.Plan
	return state
}

func (Evolver) Renewed(state State, e Renewed) State         { return state }
func (Evolver) Paid(state State, e Paid) State               { return state }
func (Evolver) Unpaid(state State, e Unpaid) State           { return state }
func (Evolver) CardGone(state State, e CardGone) State       { return state }
func (Evolver) CardRefused(state State, e CardRefused) State { return state }
func (Evolver) Unheard(state State, e Unheard) State         { return state }
func (Evolver) Nagged(state State, e Nagged) State           { return state }
func (Evolver) Counted(state State, e Counted) State         { return state }
func (Evolver) Left(state State, e Left) State               { return state }
func (Evolver) Filled(state State, e Filled) State           { return state }
func (Evolver) Emptied(state State, e Emptied) State         { return state }
