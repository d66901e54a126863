// Package compensate is a recipe: steps that are undone when a later one fails.
package compensate

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider books, and undoes.
type Decider struct{}

func (Decider) Plan(now time.Time, s State, in Plan) PlanDecision {
	return AcceptPlan(Planned{}).Effect(BookFlight{})
}

func (Decider) FlightBooked(now time.Time, s State, in FlightBooked) FlightBookedDecision {
	return AcceptFlightBooked(FlightTaken{Flight: in.Flight}).Effect(BookHotel{})
}

func (Decider) HotelBooked(now time.Time, s State, in HotelBooked) HotelBookedDecision {
	return AcceptHotelBooked(HotelTaken{})
}

func (Decider) HotelFailed(now time.Time, s State, in HotelFailed) HotelFailedDecision {
	return AcceptHotelFailed(HotelMissed{Reason: in.Error}).Effect(CancelFlight{Flight: s.Flight})
}

func (Decider) FlightCancelled(now time.Time, s State, in FlightCancelled) FlightCancelledDecision {
	return AcceptFlightCancelled(FlightReturned{})
}

// Evolver keeps what has to be undone.
type Evolver struct{}

func (Evolver) Planned(s State, e Planned) State               { return s }
func (Evolver) FlightTaken(s State, e FlightTaken) State       { s.Flight = e.Flight; return s }
func (Evolver) HotelTaken(s State, e HotelTaken) State         { return s }
func (Evolver) HotelMissed(s State, e HotelMissed) State       { return s }
func (Evolver) FlightReturned(s State, e FlightReturned) State { return s }

// Agency is the service that books. It takes idempotency keys.
type Agency interface {
	BookFlight(ctx context.Context, key string) (flight string, err error)
	BookHotel(ctx context.Context, key string) error
	CancelFlight(ctx context.Context, key, flight string) error
}

// Handler asks the agency.
type Handler struct{ Agency Agency }

func (h Handler) BookFlight(ctx context.Context, e BookFlight, call runtime.EffectCall) (BookFlightResult, error) {
	flight, err := h.Agency.BookFlight(ctx, call.IdempotencyKey)
	return FlightBooked{Flight: flight}, err
}

func (h Handler) BookHotel(ctx context.Context, e BookHotel, call runtime.EffectCall) (BookHotelResult, error) {
	return HotelBooked{}, h.Agency.BookHotel(ctx, call.IdempotencyKey)
}

func (h Handler) CancelFlight(ctx context.Context, e CancelFlight, call runtime.EffectCall) (CancelFlightResult, error) {
	return FlightCancelled{}, h.Agency.CancelFlight(ctx, call.IdempotencyKey, e.Flight)
}
