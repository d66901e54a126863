package cells_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/cells"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// schedule runs processes whose calls to stores are steps, one step at a time, in an order that it is told.
type schedule struct {
	mu      sync.Mutex
	waiting map[string][]*step // by process
	ended   map[string]bool
	busy    map[string]int // calls that are in a store
	trace   []string
}

// step is a call that waits for its turn.
type step struct {
	call string
	turn chan bool // true to go on, false if the process died
}

// errDied is what calls of a dead process return. Nobody hears of it.
var errDied = errors.New("the process died")

func (s *schedule) await(process, call string) error {
	st := &step{call, make(chan bool, 1)}
	s.mu.Lock()
	s.waiting[process] = append(s.waiting[process], st)
	s.mu.Unlock()
	if !<-st.turn {
		return errDied
	}
	return nil
}

// stepped is a store of a process, whose calls that matter wait for their turn.
type stepped struct {
	*memory.Store
	s             *schedule
	process, cell string
}

func (s *stepped) turn(call string) error { return s.s.await(s.process, s.process+" "+call+" "+s.cell) }

func (s *stepped) in(delta int) {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.busy[s.process] += delta
}

func (s *stepped) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if err := s.turn("reads"); err != nil {
		return nil, err
	}
	s.in(1)
	defer s.in(-1)
	return s.Store.Read(ctx, requests)
}

func (s *stepped) Append(ctx context.Context, batch store.Batch) error {
	if err := s.turn("appends to"); err != nil {
		return err
	}
	s.in(1)
	defer s.in(-1)
	return s.Store.Append(ctx, batch)
}

func (s *stepped) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if err := s.turn("begins in"); err != nil {
		return nil, err
	}
	s.in(1)
	defer s.in(-1)
	work, err := s.Store.Begin(ctx, requests)
	if err != nil {
		return nil, err
	}
	return &steppedUnit{work, s}, nil
}

type steppedUnit struct {
	store.UnitOfWork
	s *stepped
}

func (u *steppedUnit) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if err := u.s.turn("commits to"); err != nil {
		_ = u.UnitOfWork.Rollback(ctx)
		return err
	}
	u.s.in(1)
	defer u.s.in(-1)
	return u.UnitOfWork.Commit(ctx, id, changes)
}

func (s *stepped) Mark(ctx context.Context, generation int64, instances []store.InstanceKey) ([]store.InstanceKey, error) {
	if err := s.turn("marks in"); err != nil {
		return nil, err
	}
	s.in(1)
	defer s.in(-1)
	return s.Store.Mark(ctx, generation, instances)
}

func (s *stepped) Unmark(ctx context.Context, generation int64, instances []store.InstanceKey) error {
	if err := s.turn("unmarks in"); err != nil {
		return err
	}
	s.in(1)
	defer s.in(-1)
	return s.Store.Unmark(ctx, generation, instances)
}

// options returns who can step: all processes that have not ended, when each of them waits for its turn, or for another process in a store.
func (s *schedule) options(processes []string) []string {
	for quiet := 0; ; quiet++ {
		time.Sleep(100 * time.Microsecond)
		s.mu.Lock()
		var can []string
		moving := false
		for _, p := range processes {
			switch {
			case s.ended[p]:
			case len(s.waiting[p]) > 0:
				can = append(can, p)
			default:
				moving = moving || s.busy[p] == 0 || quiet < 50
			}
		}
		s.mu.Unlock()
		if !moving {
			return can
		}
	}
}

// next lets a process make a step, or die.
func (s *schedule) next(process string, dies bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.waiting[process][0]
	s.waiting[process] = s.waiting[process][1:]
	if dies {
		s.trace = append(s.trace, process+" dies before it "+strings.TrimPrefix(st.call, process+" "))
		for _, other := range append(s.waiting[process], st) {
			other.turn <- false
		}
		s.waiting[process] = nil
		return
	}
	s.trace = append(s.trace, st.call)
	st.turn <- true
}

// process is a router that opens one ticket.
type process struct {
	name        string
	generations []cells.Generation
}

// outcome is what the caller of a process was told; died if there is no caller any more.
type outcome struct {
	out  ticket.OpenOutcome
	err  error
	died bool
}

// play runs the processes in an order: choose says which option is taken at each step. The options are the processes that can step, and then
// the same processes dying, one death in all. It returns how many options there were at each step.
func play(t *testing.T, processes []process, choose func(n, options int) int) (options []int, taken []int, s *schedule, inner stores, told map[string]outcome) {
	inner = stores{"a": memory.New(), "b": memory.New()}
	s = &schedule{waiting: make(map[string][]*step), ended: make(map[string]bool), busy: make(map[string]int)}
	for _, p := range processes { // the stores have the lists
		inner.router(t, p.generations...)
	}
	outcomes := make(map[string]outcome)
	died := ""
	var names []string
	for _, p := range processes {
		names = append(names, p.name)
		own := cells.Config{Cells: make(map[string]runtime.Store), Generations: p.generations, Separator: ":", Engine: inner.config().Engine}
		for _, g := range p.generations {
			for _, name := range g.Cells {
				own.Cells[name] = &stepped{inner[name].(*memory.Store), s, p.name, name}
			}
		}
		r := newRouter(t, own)
		go func() {
			out, err := ticket.NewClient(r).Open(context.Background(), ticket.Open{ID: "x", Subject: "x"})
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended[p.name] = true
			outcomes[p.name] = outcome{out, err, p.name == died}
		}()
	}
	for n := 0; ; n++ {
		can := s.options(names)
		if len(can) == 0 {
			break
		}
		count := len(can)
		if died == "" {
			count *= 2
		}
		choice := choose(n, count)
		options, taken = append(options, count), append(taken, choice)
		if choice >= len(can) {
			s.mu.Lock()
			died = can[choice-len(can)]
			s.ended[died] = true // what its goroutines do now reaches no store: there is no turn for them
			s.mu.Unlock()
			s.next(died, true)
			continue
		}
		s.next(can[choice], false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return options, taken, s, inner, maps.Clone(outcomes) // who died may be told of its end later
}

// Whatever the order of their steps, and wherever one of them dies: of two processes, one with the newer list, never both create an id. What was
// accepted is stored, once. And nothing locks the id out: a process with the newest list can send the input again.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	one, two := generation(1, "a"), generation(2, "b")
	for name, test := range map[string]struct {
		processes []process
		sample    int // how many orders are played, chosen at random; 0 for all
	}{
		"old and new":    {[]process{{"old", []cells.Generation{one}}, {"new", []cells.Generation{one, two}}}, 0},
		"new and new":    {[]process{{"new", []cells.Generation{one, two}}, {"other", []cells.Generation{one, two}}}, 100},                      // of 382
		"new and newest": {[]process{{"new", []cells.Generation{one, two}}, {"newest", []cells.Generation{one, two, generation(3, "a")}}}, 100}, // of 6,387
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			processes := test.processes
			newest := processes[len(processes)-1].generations
			var choices []int
			choose := func(n, options int) int {
				switch {
				case test.sample > 0:
					return rand.IntN(options)
				case n < len(choices):
					return choices[n]
				}
				return 0
			}
			played := 0
			for {
				options, taken, s, inner, outcomes := play(t, processes, choose)
				played++
				check(t, processes, newest, s, inner, outcomes)
				if t.Failed() || played == test.sample {
					return
				}
				if test.sample > 0 {
					continue
				}
				last := len(taken) - 1
				for last >= 0 && taken[last]+1 >= options[last] {
					last--
				}
				if last < 0 {
					break
				}
				choices = append(slices.Clone(taken[:last]), taken[last]+1)
			}
			if played < 30 {
				t.Errorf("there were only %d interleavings", played)
			}
		})
	}
}

func check(t *testing.T, processes []process, newest []cells.Generation, s *schedule, inner stores, outcomes map[string]outcome) {
	t.Helper()
	accepted := 0
	var told []string
	for _, p := range processes {
		o, ended := outcomes[p.name]
		switch {
		case !ended || o.died:
			told = append(told, p.name+" died")
		case o.err != nil:
			told = append(told, fmt.Sprintf("%s: %v", p.name, o.err))
			var elsewhere *store.Elsewhere
			if !errors.As(o.err, &elsewhere) || elsewhere.Generation <= p.generations[len(p.generations)-1].Number {
				t.Errorf("%s failed: %v", p.name, o.err)
			}
		case o.out.Accepted():
			told = append(told, p.name+": accepted")
			accepted++
		default:
			told = append(told, p.name+": rejected")
		}
	}
	at := inner.of(t, ticketKey("x"))
	if len(at) > 1 || accepted > 1 || accepted == 1 && len(at) == 0 {
		t.Errorf("the instance is in %q", at)
	}
	last := inner.router(t, newest...)
	out, err := ticket.NewClient(last).Open(t.Context(), ticket.Open{ID: "x", Subject: "x"})
	if err != nil || out.Accepted() == (len(at) == 1) {
		t.Errorf("the input again, while the instance was in %q: %v, %v", at, out, err)
	}
	if at := inner.of(t, ticketKey("x")); len(at) != 1 {
		t.Errorf("after the input again, the instance is in %q", at)
	}
	if t.Failed() {
		t.Logf("steps: %s", strings.Join(s.trace, "; "))
		t.Logf("told: %s", strings.Join(told, "; "))
	}
}
