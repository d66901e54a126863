package payer

import (
	"fmt"
	"slices"
	"time"
)

// Decider implements InputDecider.
type Decider struct{}

func (Decider) Pay(now time.Time, state State, in Pay) PayDecision {
	return AcceptPay(Asked{}).Effect(Take{PurseID: in.PurseID, Cents: in.Cents})
}

func (Decider) Refused(now time.Time, state State, in Refused) RefusedDecision {
	text := fmt.Sprintf("%d from %s: %s", in.Cents, in.Receiver, in.Outcome)
	if in.Rejection != "" {
		text += " with " + in.Rejection
	}
	if in.Details != nil {
		text += string(*in.Details)
	}
	return AcceptRefused(Noted{Refusal: text})
}

func (Decider) Buy(now time.Time, state State, in Buy) BuyDecision {
	return AcceptBuy(Bought{}).Effect(Open{PurseID: in.PurseID, Cents: in.Cents})
}

func (Decider) Reported(now time.Time, state State, in Reported) ReportedDecision {
	return AcceptReported(Heard{Cents: in.Cents})
}

func (Decider) Stop(now time.Time, state State, in Stop) StopDecision { return AcceptStop(Stopped{}) }

// Evolver implements EventEvolver.
type Evolver struct{}

func (Evolver) Asked(state State, event Asked) State { return state }

func (Evolver) Noted(state State, event Noted) State {
	state.Refusals = append(slices.Clip(state.Refusals), event.Refusal)
	return state
}

func (Evolver) Stopped(state State, event Stopped) State { return state }

func (Evolver) Bought(state State, event Bought) State { return state }

func (Evolver) Heard(state State, event Heard) State {
	state.Reports = append(slices.Clip(state.Reports), event.Cents)
	return state
}
