package ironflowtest_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
)

// silent decides nothing. The other deciders below have one fault each.
type silent struct{ order.Decider }

func (silent) Create(time.Time, order.State, order.Create) (none order.CreateDecision) { return none }

type pays struct {
	order.Decider
	pay func(now time.Time, s order.State, in order.Pay) order.PayDecision
}

func (p pays) Pay(now time.Time, s order.State, in order.Pay) order.PayDecision {
	return p.pay(now, s, in)
}

type evolves struct {
	order.Evolver
	paid func(order.State, order.Paid) order.State
}

func (e evolves) Paid(s order.State, p order.Paid) order.State { return e.paid(s, p) }

// What the engine relies on is checked by every When: user code that is not pure fails the test.
func TestImpureCode(t *testing.T) {
	t.Parallel()
	accept := func(now time.Time, in order.Pay) order.PayDecision {
		return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: now})
	}
	leave := make(chan struct{})
	t.Cleanup(func() { close(leave) })
	for name, tc := range map[string]struct {
		pay  func(now time.Time, s order.State, in order.Pay) order.PayDecision
		paid func(order.State, order.Paid) order.State
		want []string
	}{
		"stores the time of the clock": {
			pay:  func(_ time.Time, _ order.State, in order.Pay) order.PayDecision { return accept(time.Now(), in) },
			want: []string{"the decider's Pay answers one question in two ways", "events: [0].PaidAt is"},
		},
		"random": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
				in.AmountCents = rand.Int64()
				return accept(now, in)
			},
			want: []string{"AmountCents is"},
		},
		"changes the state": {
			pay: func(now time.Time, s order.State, in order.Pay) order.PayDecision {
				s.Items[0].Quantity = 0
				return accept(now, in)
			},
			want: []string{"the decider's Pay changes the state", "Items[0].Quantity is 0, want 7", "slices.Clone"},
		},
		"starts a goroutine": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
				go func() { <-leave }()
				return accept(now, in)
			},
			want: []string{"the decider's Pay starts a goroutine"},
		},
		"ends its goroutine": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
				runtime.Goexit()
				return accept(now, in)
			},
			want: []string{"the decider's Pay ends its goroutine"},
		},
		"panics": {
			pay:  func(time.Time, order.State, order.Pay) order.PayDecision { panic("no") },
			want: []string{`order.Pay{OrderID: "under-test", AmountCents: 700}: the decider's Pay panicked: no`},
		},
		"folds into the state it was given": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision { return accept(now, in) },
			paid: func(s order.State, _ order.Paid) order.State {
				s.Items[0].Quantity++
				return s
			},
			want: []string{"Items[0].Quantity"},
		},
		"folds the time of the clock": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision { return accept(now, in) },
			paid: func(s order.State, _ order.Paid) order.State {
				at := time.Now()
				s.PaidAt = &at
				return s
			},
			want: []string{"PaidAt is"},
		},
		"keeps what JSON does not carry": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision { return accept(now, in) },
			paid: func(s order.State, _ order.Paid) order.State {
				s.Email = "\xff"
				return s
			},
			want: []string{"the state cannot be stored as JSON", "email"},
		},
		"takes the order of a map": {
			pay: func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
				amounts := make(map[int64]bool)
				for n := range int64(8) {
					amounts[in.AmountCents+n] = true
				}
				for cents := range amounts {
					in.AmountCents = cents
				}
				return accept(now, in)
			},
			want: []string{"the decider's Pay answers one question in two ways"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.paid == nil {
				tc.paid = order.Evolver{}.Paid
			}
			kit := kitOf(pays{pay: tc.pay}, evolves{paid: tc.paid})
			wantFailure(t, failures(func(r *recorder) { kit.Given(r, created).When(order.Pay{AmountCents: 700}) }), tc.want...)
		})
	}
}

// A call that does not return fails the test after a few seconds.
func TestEndlessDecider(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	waits := pays{pay: func(time.Time, order.State, order.Pay) (none order.PayDecision) {
		<-stop
		return none
	}}
	got := failures(func(r *recorder) { kitOf(waits, order.Evolver{}).Given(r, created).When(order.Pay{}) })
	wantFailure(t, got, "the decider's Pay does not return: it was called 5s ago")
}

// These faults are only seen in a bubble, which needs a *testing.T, and the last one ends the process. So each test runs in a process of
// its own.
func TestFaultsThatNeedAProcess(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"compares":  "answers another thing when the clock of the machine shows another time",
		"sleeps":    "the decider's Pay sleeps for 10ms",
		"allocates": "the decider's Pay allocates without end",

		"allocates in Explore":  "Pay allocates without end",
		"allocates in Simulate": "allocates without end",
		"waits in Simulate":     "user code has left goroutines that do not end",
		"leaves in Simulate":    "user code has left goroutines that do not end",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOneFault$")
			cmd.Env = append(os.Environ(), "IRONFLOWTEST_FAULT="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the test passes:\n%s", out)
			}
			wantFailure(t, string(out), want)
		})
	}
}

// hoard is what the decider of one fault allocates.
var hoard [][]byte

// TestOneFault is the test in the processes of the one above.
func TestOneFault(t *testing.T) {
	faults := map[string]func(time.Time, order.State, order.Pay) order.PayDecision{
		"compares": func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
			if time.Now().Year() < 2010 {
				return order.RejectPay(order.EmptyOrder{})
			}
			return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: now})
		},
		"sleeps": func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
			time.Sleep(10 * time.Millisecond)
			return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: now})
		},
		"allocates": func(time.Time, order.State, order.Pay) order.PayDecision {
			for {
				hoard = append(hoard, make([]byte, 1<<20))
				time.Sleep(50 * time.Microsecond)
			}
		},
		"waits": func(time.Time, order.State, order.Pay) order.PayDecision {
			select {}
		},
		"leaves": func(now time.Time, _ order.State, in order.Pay) order.PayDecision {
			go func() { select {} }()
			return order.AcceptPay(order.Paid{AmountCents: in.AmountCents, PaidAt: now})
		},
	}
	fault, where, _ := strings.Cut(os.Getenv("IRONFLOWTEST_FAULT"), " in ")
	kit := kitOf(pays{pay: faults[fault]}, order.Evolver{})
	switch where {
	case "Explore":
		kit.Explore(t, ironflowtest.Exploration{})
		return
	case "Simulate":
		kit.Simulate(t, func(s *ironflowtest.Simulation) {
			s.Send(create)
			s.Send(order.Pay{OrderID: create.OrderID, AmountCents: 700})
		})
		return
	}
	if fault == "" {
		t.Skip("run by TestFaultsThatNeedAProcess")
	}
	kit.Given(t, created).At(now).When(order.Pay{AmountCents: 700})
}
