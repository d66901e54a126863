package bound

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// target is what calls go to.
type target struct {
	Limit
	on   any      // a Store, Queue, UnitOfWork, Transaction or Notifier
	seal *sealing // nil when nothing is personal
}

// Has reports whether a store has an ability.
func Has[I any](s *Store) bool {
	_, has := s.on.(I)
	return has
}

// Need fails with *Unsupported when a store lacks an ability that a feature needs.
func Need[I any](s *Store, feature string) error {
	_, err := as[I](s.target, feature)
	return err
}

// as returns what calls go to as the interface that has the method. The engine asks for abilities nowhere else.
func as[I any](t target, feature string) (on I, err error) {
	on, has := t.on.(I)
	if !has {
		ability := reflect.TypeFor[I]().Name()
		if feature == "" {
			feature = features[ability]
		}
		err = &store.Unsupported{Store: fmt.Sprintf("%T", t.on), Ability: ability, Feature: feature}
	}
	return on, err
}

// features says what needs an ability, when the caller does not say it.
var features = map[string]string{
	"InputLog":    "an input id or an observation",
	"Schedules":   "a schedule",
	"Inspection":  "looking at instances and deliveries",
	"Causes":      "explaining a decision",
	"Search":      "finding instances",
	"DeadLetters": "looking after dead letters",
	"Pauses":      "pausing a workflow",
	"SubjectKeys": "a personal field",
	"Programs":    "knowing the programs on the store",
	"AuditLog":    "recording what operators do",
	"Forgetting":  "retention",
	"Cells":       "being one of several stores",
	"Limits":      "a limit over all processes",
	"Feed":        "reading the feed",
	"Transfer":    "reading all that is stored of an instance",
	"Projections": "a projection",
	"Snapshots":   "saving snapshots",
	"Notifier":    "telling other processes of news",
	"Timekeeper":  "the store's time",
	"DueTimes":    "the time of the next delivery",
}

// ask calls a method of I that returns a value, and ask1 to ask3 one that takes so many arguments.
func ask[I, R any](ctx context.Context, t target, name string, method func(I, context.Context) (R, error)) (result R, err error) {
	on, err := as[I](t, "")
	if err != nil {
		return result, err
	}
	return Answered(ctx, t.Limit, name, func(ctx context.Context) (R, error) { return method(on, ctx) }, nil)
}

func ask1[I, A, R any](ctx context.Context, t target, name string, method func(I, context.Context, A) (R, error), a A) (R, error) {
	return ask(ctx, t, name, func(on I, ctx context.Context) (R, error) { return method(on, ctx, a) })
}

func ask2[I, A, B, R any](
	ctx context.Context, t target, name string, method func(I, context.Context, A, B) (R, error), a A, b B,
) (R, error) {
	return ask(ctx, t, name, func(on I, ctx context.Context) (R, error) { return method(on, ctx, a, b) })
}

func ask3[I, A, B, C, R any](
	ctx context.Context, t target, name string, method func(I, context.Context, A, B, C) (R, error), a A, b B, c C,
) (R, error) {
	return ask(ctx, t, name, func(on I, ctx context.Context) (R, error) { return method(on, ctx, a, b, c) })
}

// tell calls a method of I that returns no value, and tell1 one that takes an argument.
func tell[I any](ctx context.Context, t target, name string, method func(I, context.Context) error) error {
	_, err := ask(ctx, t, name, func(on I, ctx context.Context) (struct{}, error) { return struct{}{}, method(on, ctx) })
	return err
}

func tell1[I, A any](ctx context.Context, t target, name string, method func(I, context.Context, A) error, a A) error {
	return tell(ctx, t, name, func(on I, ctx context.Context) error { return method(on, ctx, a) })
}

// orNone is the result of a call that finds nothing in a store that lacks the ability.
func orNone[R any](result R, err error) (R, error) {
	if _, lacks := errors.AsType[*store.Unsupported](err); lacks {
		err = nil
	}
	return result, err
}

// unsure is the error of a call that commits: one that was given up may have.
func unsure(err error) error {
	if abandoned := (*abandonedCall)(nil); errors.As(err, &abandoned) {
		return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, err)
	}
	return err
}
