package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/codec"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// hoard is a workflow whose state holds every kind of memory that a copy of it shares. X is a type of the user's.
type (
	hoardState[X any] struct {
		List    []int
		Nested  [][]string
		Map     map[string][]int
		Pointer *int
		Big     *big.Int
		User    X
	}
	hoardInput struct {
		ID    string
		Do    string // what the decider does after it has spoiled all it was given
		Items []int
	}
	hoardEvent     struct{ Items []int }
	hoardRejection struct{ Saw string } // the state, or the input, that the decider was given, as JSON
)

// spoil changes all that is reachable from a state.
func (s hoardState[X]) spoil() {
	for i := range s.List {
		s.List[i] = -1
	}
	for _, nested := range s.Nested {
		nested[0] = "spoiled"
	}
	for key, list := range s.Map {
		list[0] = -1
		delete(s.Map, key)
		s.Map["spoiled"] = nil
	}
	if s.Pointer != nil {
		*s.Pointer = -1
	}
	if s.Big != nil {
		s.Big.SetInt64(-1)
	}
	if user, is := any(s.User).(interface{ spoil() }); is {
		user.spoil()
	}
}

// closed has no exported field and no JSON of its own that would keep it.
type closed struct{ list []int }

func (c closed) spoil() {
	if len(c.list) > 0 {
		c.list[0] = -1
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func hoarding[X any](user func(items []int) X) *runtime.Workflow {
	one := func(name string) func() string { return func() string { return name } }
	input, event, rejection := one("Put"), one("Stored"), one("Saw")
	return workflow.Define(workflow.Definition[hoardState[X], hoardInput, hoardEvent, struct{}, hoardRejection]{
		Workflow: "hoard",
		UserCode: []any{hoardState[X]{}},
		Terminal: func(s hoardState[X]) bool { s.spoil(); return false },
		Decide: func(_ time.Time, s hoardState[X], in hoardInput) workflow.UntypedDecision {
			saw := asJSON([]any{s, in.Items, fmt.Sprint(s.User)})
			if in.Do == "look" {
				return workflow.Reject[hoardEvent, struct{}, workflow.NoTimer](hoardRejection{saw}).Untyped()
			}
			items := slices.Clone(in.Items)
			s.spoil()
			for i := range in.Items {
				in.Items[i] = -1
			}
			switch in.Do {
			case "panic":
				panic("no")
			case "reject":
				return workflow.Reject[hoardEvent, struct{}, workflow.NoTimer](hoardRejection{saw}).Untyped()
			case "nothing":
				return workflow.UntypedDecision{}
			case "too large":
				items = make([]int, hoardPayload)
			}
			return workflow.Accept[hoardEvent, struct{}, workflow.NoTimer, hoardRejection](hoardEvent{items}).Untyped()
		},
		Evolve: func(s hoardState[X], e hoardEvent) hoardState[X] { // changes what it was given, which it may
			s.List = append(s.List, e.Items...)
			s.Nested = append(s.Nested, []string{fmt.Sprint(e.Items)})
			if s.Map == nil {
				s.Map = make(map[string][]int)
			}
			s.Map[fmt.Sprint(len(s.Map))] = e.Items
			sum := len(s.List)
			s.Pointer, s.Big = &sum, big.NewInt(int64(sum))
			s.User = user(e.Items)
			return s
		},
		InputID: func(in hoardInput) string { return in.ID },
		WithID:  func(in hoardInput, id string) hoardInput { in.ID = id; return in },
		Inputs: workflow.Codec[hoardInput]{
			Name:   func(hoardInput) string { return input() },
			Encode: codec.EncodeGo[hoardInput],
			Decode: func(d *codec.Decoder, _ string) (hoardInput, error) { return codec.DecodeGo[hoardInput](d), nil },
		},
		Events: workflow.Codec[hoardEvent]{
			Name:   func(hoardEvent) string { return event() },
			Encode: codec.EncodeGo[hoardEvent],
			Decode: func(d *codec.Decoder, _ string) (hoardEvent, error) { return codec.DecodeGo[hoardEvent](d), nil },
		},
		Rejections: workflow.Codec[hoardRejection]{
			Name:   func(hoardRejection) string { return rejection() },
			Encode: codec.EncodeGo[hoardRejection],
			Decode: func(d *codec.Decoder, _ string) (hoardRejection, error) {
				return codec.DecodeGo[hoardRejection](d), nil
			},
		},
		InputNames: []string{"Put"},
	})
}

// A decider that changes what it was given changes nothing but its own copy: the next decision sees the state that the events lead
// to, and an input that is decided again is the one that was sent.
func TestDecidersCannotTouchTheState(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testTouching(t, func([]int) int { return 1 }) })
	t.Run("exported", func(t *testing.T) { testTouching(t, func(items []int) any { return [1][]int{items} }) })
	t.Run("by JSON", func(t *testing.T) {
		testTouching(t, func(items []int) big.Int { return *big.NewInt(int64(len(items))) })
	})
	t.Run("closed", func(t *testing.T) { testTouching(t, func(items []int) closed { return closed{slices.Clone(items)} }) })
}

// hoardPayload is the size of the largest payload.
const hoardPayload = 64 << 10

func testTouching[X any](t *testing.T, user func([]int) X) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.MaxPayloadBytes = hoardPayload
		engine, another := b.engine(config, hoarding(user)), b.engine(config, hoarding(user))
		for _, do := range []string{"reject", "panic", "nothing", "too large", "accept"} {
			if _, never := any(user(nil)).(closed); never && do == "accept" {
				continue // the evolver is given what the decider made of the state; a replay mends that
			}
			id := "for " + do
			put := func(do string, items ...int) (runtime.Outcome[hoardEvent, hoardRejection], error) {
				return runtime.Execute[hoardEvent, hoardRejection](b.Context(), engine, "hoard",
					hoardInput{ID: id, Do: do, Items: items}, runtime.WithInputID(fmt.Sprint(do, items)))
			}
			out, err := put("accept", 1, 2, 3)
			must(b, out, err)
			for range 2 { // the second is a repeat where the first has an outcome
				out, err = put(do, 7, 8)
				switch do {
				case "accept":
					must(b, out, err)
				case "reject":
					if err != nil || !out.Rejected() {
						b.Fatalf("got %+v, %v", out, err)
					}
				default:
					if err == nil {
						b.Fatalf("got %+v, want an error", out)
					}
				}
			}
			out, err = put("look", 5)
			if err != nil || !out.Rejected() {
				b.Fatalf("got %+v, %v", out, err)
			}
			// What is stored is what counts.
			view, err := runtime.LoadState[hoardState[X]](b.Context(), another, "hoard", id)
			if err != nil {
				b.Fatal(err)
			}
			if want := asJSON([]any{view.State, []int{5}, fmt.Sprint(view.State.User)}); out.Rejection.Saw != want {
				b.Errorf("%s: the decider saw\n%s\nwant\n%s", do, out.Rejection.Saw, want)
			}
		}
	})
}

// A decision whose commit fails leaves nothing behind in memory either, although its evolver has changed what it was given.
func TestCommitsThatFailLeaveNoState(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		user := func([]int) int { return 1 }
		engine := b.engineOn(store, b.realConfig(), hoarding(user))
		put := func(do string) (runtime.Outcome[hoardEvent, hoardRejection], error) {
			return runtime.Execute[hoardEvent, hoardRejection](b.Context(), engine, "hoard", hoardInput{ID: "a", Do: do, Items: []int{1}})
		}
		out, err := put("accept")
		must(b, out, err)
		broken := errors.New("the store is broken")
		store.setCommit(func(context.Context, func(context.Context) error) error { return broken })
		if _, err := put("accept"); !errors.Is(err, broken) {
			b.Fatalf("got %v", err)
		}
		store.setCommit(nil)
		out, err = put("look")
		if err != nil {
			b.Fatal(err)
		}
		view, err := runtime.LoadState[hoardState[int]](b.Context(), engine, "hoard", "a")
		if err != nil {
			b.Fatal(err)
		}
		if want := asJSON([]any{view.State, []int{1}, "1"}); out.Rejection.Saw != want {
			b.Errorf("the decider saw\n%s\nwant\n%s", out.Rejection.Saw, want)
		}
	})
}
