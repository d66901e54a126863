package enrolment

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Decider implements InputDecider.
type Decider struct{}

func (Decider) Enrol(now time.Time, state State, in Enrol) EnrolDecision {
	return AcceptEnrol(Enrolled{CustomerID: in.CustomerID, Email: in.Email, Guests: in.Guests, Births: in.Births}).
		Effect(Welcome{Email: in.Email}).
		StartTimer(TimerReminder{Input: Remind{Email: in.Email}}.In(time.Hour))
}

func (Decider) Move(now time.Time, state State, in Move) MoveDecision {
	if in.Email == state.Email {
		return RejectMove(SameEmail{Email: in.Email})
	}
	return AcceptMove(Moved{Email: in.Email}).Effect(Welcome{Email: in.Email})
}

func (Decider) Remind(now time.Time, state State, in Remind) RemindDecision {
	return AcceptRemind(Reminded{Email: in.Email})
}

func (Decider) Welcomed(now time.Time, state State, in Welcomed) WelcomedDecision {
	return AcceptWelcomed(Greeted{Greeting: in.Greeting})
}

func (Decider) Send(now time.Time, state State, in Send) SendDecision {
	return AcceptSend(Sent{}).Effect(MoveOther{EnrolmentID: in.OtherID, Email: in.Email})
}

func (Decider) NotMoved(now time.Time, state State, in NotMoved) NotMovedDecision {
	return AcceptNotMoved(SendRefused{Refusal: in.Rejection + string(in.Details)})
}

func (Decider) Note(now time.Time, state State, in Note) NoteDecision {
	return AcceptNote(Noted{Notes: in.Notes})
}

func (Decider) Close(now time.Time, state State, in Close) CloseDecision {
	return AcceptClose(Closed{})
}

// Evolver implements EventEvolver.
type Evolver struct{}

func (Evolver) Enrolled(state State, event Enrolled) State {
	state.CustomerID, state.Email, state.Guests, state.Births = event.CustomerID, event.Email, event.Guests, event.Births
	return state
}

func (Evolver) Moved(state State, event Moved) State {
	state.Email = event.Email
	return state
}

func (Evolver) SendRefused(state State, event SendRefused) State {
	state.Refusal = event.Refusal
	return state
}

func (Evolver) Noted(state State, event Noted) State {
	state.Notes = event.Notes
	return state
}

func (Evolver) Reminded(state State, event Reminded) State { return state }
func (Evolver) Greeted(state State, event Greeted) State   { return state }
func (Evolver) Sent(state State, event Sent) State         { return state }
func (Evolver) Closed(state State, event Closed) State     { return state }

// Handler implements EffectHandler.
type Handler struct{ Handle func(Welcome) (string, error) }

func (h Handler) Welcome(ctx context.Context, effect Welcome, call runtime.EffectCall) (WelcomeResult, error) {
	greeting, err := h.Handle(effect)
	return Welcomed{Greeting: greeting}, err
}
