package diagnostic

// Rules about states and what they accept.
var (
	InputTwice = define("IF0801", Rule{
		Title: "A state mentions an input twice",
		Why: `
What the input leads to stands in two places. Join them, so that a reader finds it in one.`,
	})

	TwoTargets = define("IF0802", Rule{
		Title: "An event leads from one state to two",
		Why: `
The status is computed from the events alone, so in one state an event leads to one target, whatever input it came
from. Use one target, or an event for each.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: broken}}}
  open: {terminal: true}
  broken: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
events: {Opened: {}, Broken: {}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Broken: broken}}}
  open: {terminal: true}
  broken: {terminal: true}`,
	})

	RejectWithMore = define("IF0803", Rule{
		Title: "A refused input with events, effects or timers",
		Why: `
"reject" refuses the input without asking the decider, so nothing can come of it. If it is refused only sometimes,
leave "reject" away and let the decider reject it.`,
		Wrong: `
rejections: {Locked: {}}
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {reject: Locked, Opened: open}}}
  open: {terminal: true}`,
		Right: `
rejections: {Locked: {}}
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: open}}}
  open: {terminal: true}`,
	})

	NoEventHere = define("IF0804", Rule{
		Title: "An accepted input that leads to no event",
		Why: `
A decision that accepts an input emits at least one event. So an input lists the events that it may lead to, or is
refused.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {}}}
  open: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: open}}}
  open: {terminal: true}`,
	})

	RejectionFields = define("IF0805", Rule{
		Title: "A rejection by the machine with fields that it cannot fill",
		Why: `
"reject" is carried out by the runtime, which knows nothing to put into the rejection. Its fields must be optional, or
the decider rejects the input.`,
		Wrong: `
rejections: {Locked: {fields: {since: time}}}
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: open}}}
  open: {accepts: {Open: {reject: Locked}, Kick: {Opened: closed}}}`,
		Right: `
rejections: {Locked: {fields: {since: optional<time>}}}
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: open}}}
  open: {accepts: {Open: {reject: Locked}, Kick: {Opened: closed}}}`,
	})

	TerminalAccepts = define("IF0806", Rule{
		Title: "A terminal state with inputs",
		Why: `
An instance in a terminal state is complete and refuses every input.`,
		Wrong: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true, accepts: {Open: {Opened: open}}}`,
		Right: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	DeadEnd = define("IF0807", Rule{
		Title: "A state that no instance can leave",
		Why: `
A state that accepts nothing, or only refuses, would keep its instances for ever without completing them. If this is
where they end, say so with "terminal: true".`,
		Wrong: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {}`,
		Right: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	InitialTerminal = define("IF0808", Rule{
		Title: "The initial state is terminal",
		Why: `
The state that stands first is the initial one. If it were terminal, every instance would be complete before its first
input.`,
		Wrong: `
states:
  open: {terminal: true}
  closed: {accepts: {Open: {Opened: open}}}`,
		Right: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	Unreachable = define("IF0809", Rule{
		Title: "A state that cannot be reached",
		Why: `
No sequence of events leads from the initial state here. Either a transition is missing, or the state is left over.`,
		Wrong: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}
  broken: {terminal: true}`,
		Right: `
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	ResultNotAccepted = define("IF0810", Rule{
		Title: "A result of an effect that no state accepts",
		Why: `
The handler answers with this input, and no state takes it, so the answer would always be refused and lost.`,
		Wrong: `
effects: {Ring: {returns: Answer}}
inputs:
  Open: {fields: {door_id: string}}
  Answer: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open, effects: Ring}}}
  open: {terminal: true}`,
		Right: `
effects: {Ring: {returns: Answer}}
inputs:
  Open: {fields: {door_id: string}}
  Answer: {fields: {door_id: string}}
events: {Opened: {}, Answered: {}}
states:
  closed: {accepts: {Open: {Opened: open, effects: Ring}}}
  open: {accepts: {Answer: {Answered: done}}}
  done: {terminal: true}`,
	})

	UnusedEffect = define("IF0811", Rule{
		Title: "An effect that no transition uses",
		Why: `
No decision may ask for it, so its handler would never be called.`,
		Wrong: `
effects: {Ring: {}}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
		Right: `
effects: {Ring: {}}
states:
  closed: {accepts: {Open: {Opened: open, effects: Ring}}}
  open: {terminal: true}`,
	})

	UnusedInput = define("IF0812", Rule{
		Title: "An input that no state accepts",
		Why: `
It would be refused always. Accept it in a state, or remove it.`,
		Wrong: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
		Right: `
inputs:
  Open: {fields: {door_id: string}}
  Kick: {fields: {door_id: string}}
states:
  closed: {accepts: {Open: {Opened: open}, Kick: {Opened: open}}}
  open: {terminal: true}`,
	})

	UnusedEvent = define("IF0813", Rule{
		Title: "An event that no transition emits",
		Why: `
It could never happen. Emit it in a transition, or remove it. An event that was ever stored must stay, with a
transition that leads on from where it happened; docs/declaration.md says how declarations are changed.`,
		Wrong: `
events: {Opened: {}, Closed: {}}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
		Right: `
events: {Opened: {}}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
	})

	UnusedTimer = define("IF0814", Rule{
		Title: "A timer that nothing starts",
		Why: `
A timer is started by a state that is listed in its "while", or by the decisions of a transition that lists it in
"timers".`,
		Wrong: `
timers: {alarm: {input: Open, after: 1h}}
states:
  closed: {accepts: {Open: {Opened: open}}}
  open: {terminal: true}`,
		Right: `
timers: {alarm: {input: Open, after: 1h}}
states:
  closed: {accepts: {Open: {Opened: open, timers: alarm}}}
  open: {terminal: true}`,
	})
)
