package spec

const (
	noTarget = -1 // an event has no target in a state yet
	disputed = -2 // two transitions derive different ones
)

// step is an event that a transition may emit with the state it leads to, both by number.
type step struct{ event, to int }

// targets holds the target of each pair of state and event, by number.
type targets struct {
	events int
	to     []int
}

func newTargets(states, events int) targets {
	t := targets{events: events, to: make([]int, states*events)}
	for i := range t.to {
		t.to[i] = noTarget
	}
	return t
}

func (t targets) of(state, event int) *int { return &t.to[state*t.events+event] }

// moves computes the status function of a workflow: first the explicit moves in the order of the declaration, then the
// derived ones (see [Move]) in the order in which they are found. It counts on states and events by number, because a
// transition with n events derives n² moves.
func moves(w *Workflow) []Move {
	states, stateNames := number(w.States, func(s *State) Name { return s.Name })
	events, eventNames := number(w.Events, func(m *Message) Name { return m.Name })
	terminal := make([]bool, len(stateNames))
	explicit := newTargets(len(stateNames), len(eventNames))
	var list []Move
	var transitions [][]step
	for _, s := range w.States {
		from, ok := states[s.Name.Text]
		if !ok {
			continue
		}
		terminal[from] = s.Terminal
		for _, t := range s.Accepts {
			var steps []step
			for _, m := range t.Moves {
				event, known := events[m.Event.Text]
				to, leads := states[m.To.Text]
				if !known || !leads {
					continue
				}
				steps = append(steps, step{event, to})
				if target := explicit.of(from, event); *target == noTarget {
					*target = to
					list = append(list, Move{From: stateNames[from], Event: eventNames[event], To: stateNames[to]})
				}
			}
			transitions = append(transitions, steps)
		}
	}

	derived := newTargets(len(stateNames), len(eventNames))
	type found struct{ from, event int }
	var order []found
	for _, steps := range transitions {
		for _, a := range steps {
			if terminal[a.to] {
				continue
			}
			for _, b := range steps {
				if a.event == b.event || *explicit.of(a.to, b.event) != noTarget {
					continue
				}
				switch target := derived.of(a.to, b.event); *target {
				case b.to, disputed:
				case noTarget:
					*target = b.to
					order = append(order, found{a.to, b.event})
				default:
					*target = disputed
				}
			}
		}
	}
	for _, f := range order {
		if to := *derived.of(f.from, f.event); to != disputed {
			list = append(list, Move{From: stateNames[f.from], Event: eventNames[f.event], To: stateNames[to], Derived: true})
		}
	}
	return list
}

// number gives each name of a list a number, counting from 0. names are the stored ones.
func number[T any](list []T, name func(T) Name) (numbers map[string]int, names []string) {
	numbers = make(map[string]int, len(list))
	for _, item := range list {
		text := name(item).Text
		if _, again := numbers[text]; text == "" || again {
			continue
		}
		numbers[text] = len(names)
		names = append(names, name(item).Stored())
	}
	return numbers, names
}
